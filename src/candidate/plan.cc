#include "candidate/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "candidate/arithmetic.h"
#include "candidate/bind.h"
#include "candidate/expression.h"
#include "candidate/plan_error.h"

namespace kerf {
namespace {

// A product of more points than this is refused before `where` thins it.
constexpr std::size_t max_product = 100'000;

Result<bool> holds(const Located& text, const Names& names, const Scope& scope) {
  const Expression expression = TRY(Expression::parse(text, names));
  const Evaluated result = TRY(expression.evaluate(scope));
  if (const auto* boolean = std::get_if<bool>(&result.value.is)) return *boolean;
  return refuse(
      "type", fmt::format("`{}` is {}, {}: expected a bool", text.text, to_string(result.value), kind_of(result.value)),
      text.at);
}

}  // namespace

bool mentions(const PlanArgument& argument, std::string_view tensor) {
  if (const auto* text = std::get_if<Located>(&argument.is)) return text->text == tensor;
  if (const auto* list = std::get_if<PlanArgumentList>(&argument.is))
    return std::ranges::any_of(*list, [&](const PlanArgument& each) { return mentions(each, tensor); });
  const auto* table = std::get_if<PlanArgumentTable>(&argument.is);
  return table && std::ranges::any_of(*table, [&](const PlanEntry& each) { return mentions(each.second, tensor); });
}

std::string to_string(const TunePoint& point) {
  std::vector<std::string> parts;
  for (const auto& [axis, value] : point) parts.push_back(fmt::format("{}={}", axis, to_string(value)));
  return fmt::format("{}", fmt::join(parts, " "));
}

Result<std::vector<TunePoint>> tune_points(const Source& source) {
  const Plan& plan = source.plan;
  Names names;
  for (const auto& [axis, values] : plan.tune) names.add(axis.text);
  std::size_t product = 1;
  for (const auto& [axis, values] : plan.tune) {
    product *= values.size();
    if (product > max_product)
      return refuse("tune", fmt::format("more than {} combinations before `where`", max_product), plan.tune_at);
  }
  std::vector<TunePoint> points;
  for (std::size_t i = 0; i < product; ++i) {
    TunePoint point;
    Scope scope;
    // The last axis changes fastest.
    std::size_t rest = i, block = product;
    for (const auto& [axis, values] : plan.tune) {
      block /= values.size();
      point.emplace_back(axis.text, values[rest / block]);
      rest %= block;
      scope.push_back({point.back().second});
    }
    if (plan.where && !TRY(holds(*plan.where, names, scope))) continue;
    if (points.size() == max_tune_points) {
      return refuse(
          "tune",
          fmt::format("more than {} combinations of tune values: expected fewer, or a `where` that thins them",
                      max_tune_points),
          plan.tune_at);
    }
    points.push_back(std::move(point));
  }
  if (points.empty())
    return refuse("tune", fmt::format("no combination of tune values satisfies `{}`", plan.where->text), plan.tune_at);
  return points;
}

Result<bool> supports(const Source& source, const Workload& workload) {
  if (!source.plan.supports) return true;
  Names names;
  Scope scope;
  const auto add = [&](const std::string& name, Meaning meaning) {
    if (static_cast<std::size_t>(names.add(name)) == scope.size()) scope.push_back(std::move(meaning));
  };
  for (const NamedTensor& tensor : workload.tensors) add(tensor.name, {&tensor.spec});
  for (std::size_t i = 0; i < workload.outputs.size(); ++i) add(workload.output_name(i), {&workload.outputs[i]});
  for (const auto& [name, value] : workload.init) add("init." + name, {value});
  const std::string sees = "cannot be in `supports`, which sees inputs, parameters, init and outputs only";
  for (const auto& [axis, values] : source.plan.tune) add(axis.text, {Meaning::Absent{sees}});
  for (const auto& [counter, count] : source.plan.loops) add(counter.text, {Meaning::Absent{sees}});
  for (const Scratch& scratch : source.plan.scratch) add(scratch.name, {Meaning::Absent{sees}});
  add("threads", {Meaning::Absent{sees}});
  return holds(*source.plan.supports, names, scope);
}

Error not_supported(const Source& source, const Workload& workload) {
  std::vector<std::string> inputs;
  for (const NamedTensor& tensor : workload.tensors) {
    if (tensor.role == Role::input) inputs.push_back(fmt::format("{} {}", tensor.name, to_string(tensor.spec)));
  }
  const std::string condition = source.plan.supports ? source.plan.supports->text : "true";
  return plan_error(
      "supports",
      fmt::format("`supports` leaves the primary workload ({}) out: found `{}`, expected one that admits it",
                  fmt::join(inputs, ", "), condition),
      source.plan.supports_at);
}

Result<> lint(const Source& source, const Workload& workload, const TunePoint& point, int threads) {
  if (!TRY(supports(source, workload))) return std::unexpected(not_supported(source, workload));
  BlindMachine machine;
  const int available = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const BindRequest request{
      .source = &source, .workload = &workload, .tune = point, .threads = threads > 0 ? threads : available};
  TRY(bind(request, machine));
  return {};
}

bool only_gives(const Plan& plan, const Step& step, std::string_view output) {
  const auto names = [&](const Located& out) { return out.text == output; };
  if (step.kind != Step::Kind::call || step.loop || std::ranges::count_if(step.out, names) != 1) return false;
  return std::ranges::none_of(plan.steps, [&](const Step& other) {
    const auto passes = [&](const PlanArgument& each) { return mentions(each, output); };
    return std::ranges::any_of(other.args, passes) ||
           std::ranges::any_of(other.kwargs, [&](const PlanEntry& each) { return passes(each.second); }) ||
           (&other != &step && std::ranges::any_of(other.out, names));
  });
}

Located last_writer(const Source& source, std::string_view output) {
  for (auto step = source.plan.steps.rbegin(); step != source.plan.steps.rend(); ++step) {
    const bool result = std::ranges::any_of(step->out, [&](const Located& out) { return out.text == output; });
    const bool passed =
        step->kind == Step::Kind::launch &&
        std::ranges::any_of(step->args, [&](const PlanArgument& each) { return mentions(each, output); });
    if (result || passed) return step->target;
  }
  return Located{.text = "plan", .at = source.plan.at};
}

}  // namespace kerf
