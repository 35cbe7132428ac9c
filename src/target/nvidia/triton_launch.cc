#include "target/nvidia/triton_launch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "candidate/plan_error.h"

namespace kerf {
namespace {

// What stands in the launch's `constexpr` table under this name.
Location constexpr_at(const Step& step, const std::string& name) {
  for (const auto& [key, argument] : step.keys) {
    const auto* table = key.text == "constexpr" ? std::get_if<PlanArgumentTable>(&argument.is) : nullptr;
    if (table == nullptr) continue;
    for (const auto& entry : *table) {
      if (entry.first.text == name) return entry.first.at;
    }
  }
  return step.at;
}

}  // namespace

Result<std::vector<TritonLaunch>> triton_launches(const Source& source, const Workload& workload,
                                                  const TunePoint& point) {
  BlindMachine machine;
  const Program program = TRY(bind({.source = &source, .workload = &workload, .tune = point}, machine));
  std::vector<TritonLaunch> launches;
  std::set<std::pair<std::string, int>> seen;
  for (const BoundStep& step : program.steps) {
    const auto* launch = std::get_if<BoundLaunch>(&step.does);
    if (launch == nullptr) continue;
    TritonLaunch bound{.launch = *launch,
                       .arguments = TRY(triton_arguments(*launch, program.tensors)),
                       .key = {},
                       .step = &source.plan.steps[static_cast<std::size_t>(step.step)]};
    bound.key = triton_key(bound.launch, bound.arguments);
    if (seen.emplace(bound.key, step.step).second) launches.push_back(std::move(bound));
  }
  return launches;
}

Result<TritonJob> triton_job(const TritonLaunch& bound, const TritonKernel& kernel, const TunePoint& point,
                             std::vector<TritonParameter>& parameters) {
  const BoundPrograms& programs = *bound.launch.programs;
  const Step& step = *bound.step;
  TritonJob job{.kernel = bound.launch.kernel,
                .signature = {},
                .constants = {},
                .divisible_16 = {},
                .num_warps = programs.num_warps,
                .num_stages = programs.num_stages};
  std::size_t next = 0;
  std::set<std::string> constants, others;
  for (const auto& parameter : kernel.parameters) {
    if (!parameter.constant) {
      others.insert(parameter.name);
      if (next >= bound.arguments.size()) {
        ++next;
        continue;
      }
      const TritonArgument& argument = bound.arguments[next];
      job.signature[parameter.name] = argument.is_one ? "constexpr" : to_string(argument);
      if (argument.is_one) {
        job.constants[parameter.name] = Value{std::int64_t{1}};
      } else {
        if (argument.divisible_16) job.divisible_16.push_back(parameter.name);
        parameters.push_back({.argument = static_cast<int>(next), .type = argument.type});
      }
      ++next;
      continue;
    }
    constants.insert(parameter.name);
    const auto given = std::ranges::find(programs.constexprs, parameter.name, &std::pair<std::string, Value>::first);
    const auto axis = std::ranges::find(point, parameter.name, &std::pair<std::string, Value>::first);
    if (given == programs.constexprs.end() && axis == point.end()) {
      return refuse("prototype",
                    fmt::format("{} has no value: {} takes it as tl.constexpr; expected constexpr = {{ {} = … }} or a "
                                "tune axis of its name",
                                parameter.name, bound.launch.kernel, parameter.name),
                    step.args_at);
    }
    job.signature[parameter.name] = "constexpr";
    job.constants[parameter.name] = given != programs.constexprs.end() ? given->second : axis->second;
  }
  if (next != bound.arguments.size()) {
    return refuse("prototype",
                  fmt::format("{} arguments: {} takes {} beside its constexprs ({})", bound.arguments.size(),
                              bound.launch.kernel, next, fmt::join(others, ", ")),
                  step.args_at);
  }
  for (const auto& [name, value] : programs.constexprs) {
    if (constants.contains(name)) continue;
    return refuse("prototype",
                  fmt::format("{} has no tl.constexpr parameter {}{}", bound.launch.kernel, name,
                              others.contains(name) ? ": it is an argument" : ""),
                  constexpr_at(step, name));
  }
  return job;
}

Result<> check_grid(const TritonLaunch& bound, const GpuLimits& gpu) {
  for (std::size_t d = 0; d < bound.launch.grid.size(); ++d) {
    const std::int64_t limit = d == 0 ? gpu.grid_x : gpu.grid_yz;
    if (bound.launch.grid[d] > limit) {
      return refuse("grid",
                    fmt::format("extent {} of the grid is {}: a GPU allows {} there", d, bound.launch.grid[d], limit),
                    bound.step->grid[d].at);
    }
  }
  return {};
}

}  // namespace kerf
