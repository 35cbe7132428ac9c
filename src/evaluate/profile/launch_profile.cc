#include "evaluate/profile/launch_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

#include "evaluate/profile/on_a_trial.h"
#include "target/cpu/messages.h"
#include "target/nvidia/occupancy.h"
#include "target/nvidia/triton.h"

namespace kerf {
namespace {

bool is_half(Dtype dtype) { return dtype == Dtype::f16 || dtype == Dtype::bf16; }

// Whether the problem multiplies matrices of 16-bit numbers.
bool multiplies_halves(const Workload& workload) {
  constexpr std::array products{"aten.mm.",     "aten.bmm.",    "aten.addmm.",   "aten.matmul.",
                                "aten.linear.", "aten.einsum.", "aten.baddbmm.", "aten.conv"};
  const bool halves = std::ranges::any_of(workload.tensors, [](const auto& t) { return is_half(t.spec.dtype); });
  return halves && std::ranges::any_of(workload.exported.nodes, [&](const GraphNode& node) {
           return std::ranges::any_of(products, [&](const char* name) { return node.op.starts_with(name); });
         });
}

double time_of(const ProfiledRun& run, Step::Kind kind) {
  double sum = 0;
  const auto& steps = run.source.plan.steps;
  for (std::size_t i = 0; i < std::min(steps.size(), run.step_us.size()); ++i)
    if (steps[i].kind == kind) sum += run.step_us[i];
  return sum;
}

double executions(const ProfiledRun& run, int step) {
  const auto index = static_cast<std::size_t>(step);
  return run.shape != nullptr && index < run.shape->steps.size() ? run.shape->steps[index].count : 1;
}

// Of all launches that the one of this step stands for.
double represented(const ProfiledRun& run, int step) {
  const auto groups = alike_launches(run.source.plan, run.step_us);
  const auto own = std::ranges::find(groups, step, &AlikeLaunches::step);
  if (own == groups.end()) return executions(run, step);
  double sum = 0;
  for (const int each : own->steps) sum += executions(run, each);
  return sum;
}

// Whether two arguments of a plan say the same, wherever they stand.
bool same(const PlanArgument& a, const PlanArgument& b) {
  if (a.is.index() != b.is.index()) return false;
  if (const auto* value = std::get_if<Value>(&a.is)) return *value == std::get<Value>(b.is);
  if (const auto* text = std::get_if<Located>(&a.is)) return text->text == std::get<Located>(b.is).text;
  if (const auto* list = std::get_if<PlanArgumentList>(&a.is))
    return std::ranges::equal(*list, std::get<PlanArgumentList>(b.is), same);
  return std::ranges::equal(
      std::get<PlanArgumentTable>(a.is), std::get<PlanArgumentTable>(b.is),
      [](const PlanEntry& x, const PlanEntry& y) { return x.first.text == y.first.text && same(x.second, y.second); });
}

bool same_blocks(const Step& a, const Step& b) {
  return a.target.text == b.target.text && std::ranges::equal(a.grid, b.grid, same) &&
         std::ranges::equal(a.keys, b.keys, [](const PlanEntry& x, const PlanEntry& y) {
           return x.first.text == y.first.text && same(x.second, y.second);
         });
}

// One run tells the times of single steps, to a microsecond or two.
bool about_as_long(double a, double b) {
  constexpr double noise_us = 2, relative = 0.25;
  return std::abs(a - b) <= std::max(noise_us, relative * std::max(a, b));
}

// What Nsight Compute calls launch__…, from the launch and the formulas of the occupancy calculator.
void describe_launch(const LaunchCounters& launch, const ProfiledRun& run, KernelProfile& kernel) {
  const Occupancy fits = occupancy(run.gpu, static_cast<int>(launch.threads), launch.registers, launch.shared_bytes);
  const auto put = [&](const char* name, double value) { kernel.metrics[name] = value; };
  put("launch.registers", launch.registers);
  put("launch.shared", static_cast<double>(launch.shared_bytes));
  put("launch.threads", static_cast<double>(launch.threads));
  put("launch.blocks", static_cast<double>(launch.blocks));
  if (run.sms > 0) put("launch.sms", run.sms);
  if (fits.blocks <= 0) return;
  put("fits.warps", fits.by_warps);
  put("fits.blocks", fits.by_blocks);
  put("fits.registers", fits.by_registers);
  put("fits.shared", fits.by_shared);
  if (run.sms > 0) put("launch.waves", static_cast<double>(launch.blocks) / (1.0 * fits.blocks * run.sms));
}

}  // namespace

std::vector<AlikeLaunches> alike_launches(const Plan& plan, const std::vector<double>& step_us) {
  const bool timed = step_us.size() == plan.steps.size();
  std::vector<AlikeLaunches> groups;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    if (plan.steps[i].kind != Step::Kind::launch) continue;
    const double us = timed ? step_us[i] : 0;
    const auto alike = std::ranges::find_if(groups, [&](const AlikeLaunches& group) {
      const auto first = static_cast<std::size_t>(group.step);
      return timed && same_blocks(plan.steps[first], plan.steps[i]) && about_as_long(step_us[first], us);
    });
    AlikeLaunches& group =
        alike != groups.end() ? *alike : groups.emplace_back(AlikeLaunches{.step = static_cast<int>(i)});
    group.steps.push_back(static_cast<int>(i));
    group.us += us;
  }
  return groups;
}

std::vector<int> steps_to_profile(const Plan& plan, const std::vector<double>& step_us, std::size_t most) {
  auto groups = alike_launches(plan, step_us);
  std::ranges::stable_sort(groups, std::greater(), &AlikeLaunches::us);
  if (groups.size() > most) groups.resize(most);
  std::vector<int> steps;
  for (const AlikeLaunches& group : groups) steps.push_back(group.step);
  std::ranges::sort(steps);
  return steps;
}

Result<TakenProfile> take_profile(const ProfileTools& tools, const ProfileRequest& request, Random& random) {
  const auto steps = steps_to_profile(request.source.plan, request.step_us);
  const std::string no_launch = "unavailable: the plan launches no kernel of its own; calls are not profiled";
  if (steps.empty() && !request.quotable) return fail(ErrorKind::unavailable, no_launch);
  TakenProfile taken{.answer =
                         TRY(on_a_trial(tools, request, random, [&](const LoadRequest& load, const RunRequest& run) {
                           return tools.runner.profile(
                               load, run, {.steps = steps, .effort = request.effort, .activity = request.quotable});
                         }))};
  taken.no_activity = taken.answer.no_activity;
  if (taken.no_activity.empty()) {
    auto activity = run_activity(taken.answer.activity);
    if (activity) {
      taken.activity = *std::move(activity);
    } else if (activity.error().kind == ErrorKind::candidate) {
      return std::unexpected(std::move(activity).error());
    } else {
      taken.no_activity = activity.error().message;
    }
  }
  if (steps.empty()) {
    taken.no_counters = taken.no_lines = no_launch;
    return taken;
  }
  if (request.ncu) {
    auto counted = on_a_trial(tools, request, random, [&](const LoadRequest& load, const RunRequest& run) {
      return tools.runner.profile_with_ncu(load, run, steps);
    });
    if (counted) {
      taken.answer.launches = std::move(counted->launches);
      taken.answer.seconds += counted->seconds;
      taken.answer.passes = 0;  // its own affair
      taken.profiler = "Nsight Compute";
    } else if (counted.error().kind == ErrorKind::candidate) {
      return std::unexpected(counted.error());
    } else {
      taken.no_ncu = counted.error().message;
    }
  }
  taken.no_lines = taken.answer.no_samples;
  if (!taken.no_lines.empty()) return taken;
  if (auto lines = line_tables_of(request.image, taken.answer.samples)) {
    taken.lines = *std::move(lines);
  } else {
    taken.no_lines = lines.error().message;
  }
  return taken;
}

int slowest_launch(const Plan& plan, const std::vector<double>& step_us) {
  const auto steps = steps_to_profile(plan, step_us, 1);
  return steps.empty() ? -1 : steps.front();
}

Result<Timeline> take_timeline(const ProfileTools& tools, const ProfileRequest& request, const ProbedKernel& kernel,
                               int step, double mhz, Random& random) {
  const ProbeMessage probe{.step = step,
                           .cubin = kernel.cubin,
                           .symbol = kernel.symbol,
                           .num_warps = kernel.num_warps,
                           .shared_bytes = kernel.shared_bytes,
                           .parameters = kernel.parameters,
                           .scratch = kernel.scratch,
                           .bytes = kernel.plan.bytes()};
  const auto answer = TRY(on_a_trial(tools, request, random, [&](const LoadRequest& load, const RunRequest& run) {
    return tools.runner.probe(load, run, probe);
  }));
  return timeline_of(kernel, answer, mhz);
}

double sm_mhz(const ProfileAnswer& answer, int step, int highest_khz) {
  const auto launch = std::ranges::find(answer.launches, step, &LaunchCounters::step);
  if (launch != answer.launches.end()) {
    const auto ns = launch->counters.find("gpu__time_duration.sum"),
               cycles = launch->counters.find("sm__cycles_elapsed.max");
    if (ns != launch->counters.end() && cycles != launch->counters.end() && ns->second > 0 && cycles->second > 0)
      return cycles->second / ns->second * 1e3;
  }
  return highest_khz * 1e-3;
}

Result<Timeline> timeline_of(const ProbedKernel& kernel, const ProbeAnswer& answer, double mhz) {
  constexpr double harmless = 1.1;  // times the launch without probes
  constexpr std::size_t kept_events = 256;
  const auto median = [](std::vector<double> values) {
    if (values.empty()) return 0.0;
    std::ranges::sort(values);
    return values[values.size() / 2];
  };
  Timeline out{.kernel = kernel.kernel, .plain_us = median(answer.plain_us), .probed_us = median(answer.probed_us)};
  out.disturbed = out.plain_us <= 0 || out.probed_us > harmless * out.plain_us;
  const std::vector<TimelineEvent> events = timeline(kernel.plan, answer.words, mhz);
  if (events.empty()) return fail(ErrorKind::unavailable, "unavailable: the probes wrote nothing");
  std::vector<double> programs;
  const auto size = static_cast<std::size_t>(kernel.plan.words_of_program());
  for (std::size_t at = 0; at + size <= answer.words.size(); at += size) {
    const std::uint64_t begin = answer.words[at + 1], end = answer.words[at + 3];
    if (answer.words[at] != 0 && end > begin) programs.push_back(static_cast<double>(end - begin) * 1e3 / mhz);
  }
  out.programs = static_cast<int>(programs.size());
  double whole = 0;
  for (const double ns : programs) whole += ns;
  std::map<std::size_t, std::vector<double>> by_op;
  for (const TimelineEvent& event : events) by_op[event.op].push_back(event.end_ns - event.begin_ns);
  std::map<std::size_t, int> part_of;
  for (const auto& [op, durations] : by_op) {
    const auto known = kernel.ops.find(op);
    double sum = 0;
    for (const double ns : durations) sum += ns;
    part_of[op] = static_cast<int>(out.parts.size());
    out.parts.push_back({.op = known == kernel.ops.end() ? "?" : known->second.name,
                         .line = known == kernel.ops.end() ? 0 : known->second.line,
                         .events = static_cast<std::int64_t>(durations.size()),
                         .median_ns = median(durations),
                         .longest_ns = std::ranges::max(durations),
                         .share = whole > 0 ? sum / whole : 0});
  }
  out.program_ns = median(std::move(programs));
  for (const TimelineEvent& event : events) {
    if (out.events.size() >= kept_events) break;
    out.events.push_back({.program = event.program,
                          .sm = event.sm,
                          .part = part_of[event.op],
                          .round = event.round,
                          .begin_ns = event.begin_ns,
                          .end_ns = event.end_ns});
  }
  return out;
}

GpuRun gpu_run(const ProfileAnswer& answer, const ProfiledRun& run) {
  GpuRun out{.kernels = {},
             .launches = 0,
             .time_us = std::max(0.0, run.time_us - time_of(run, Step::Kind::call)),
             .launch_us = run.launch_us,
             .least_bytes = static_cast<double>(run.workload.bytes),
             .half_products = multiplies_halves(run.workload)};
  const auto& steps = run.source.plan.steps;
  for (const LaunchCounters& launch : answer.launches) {
    if (launch.step < 0 || static_cast<std::size_t>(launch.step) >= steps.size()) continue;
    KernelProfile kernel =
        from_nvidia_counters(steps[static_cast<std::size_t>(launch.step)].target.text, launch.counters);
    kernel.launches = represented(run, launch.step);
    describe_launch(launch, run, kernel);
    out.kernels.push_back(std::move(kernel));
  }
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (steps[i].kind == Step::Kind::launch) out.launches += executions(run, static_cast<int>(i));
  // Of a plan with calls the least bytes are not those of its launches.
  if (time_of(run, Step::Kind::call) > 0) out.least_bytes = 0;
  return out;
}

namespace {

// What the warps of the slowest kernel wait for.
std::optional<HotSpot> waits_of(const GpuRun& measured, const ProfiledRun& run) {
  const auto heart = std::ranges::max_element(
      measured.kernels, {}, [](const KernelProfile& kernel) { return kernel.get("time.kernel") * kernel.launches; });
  std::string waits;
  for (const auto& [stall, share] : top_stalls(*heart))
    if (share >= 0.05)
      waits += fmt::format("{}{} ({:.0f} %)", waits.empty() ? "" : ", ", words_of_stall(stall), 100 * share);
  if (waits.empty()) return std::nullopt;
  const auto lines = lines_of_kernel(run.source.candidate.text, heart->kernel);
  const auto step = std::ranges::find(run.source.plan.steps, heart->kernel,
                                      [](const Step& s) -> const std::string& { return s.target.text; });
  const int line = lines ? lines->first : step != run.source.plan.steps.end() ? step->target.at.line : 0;
  return HotSpot{.line = line,
                 .what = fmt::format("warps of {} wait for {}", heart->kernel, waits),
                 .evidence = Evidence::silicon};
}

}  // namespace

void add_profile(Diagnosis& diagnosis, const TakenProfile& taken, const ProfiledRun& run) {
  const ProfileAnswer& answer = taken.answer;
  const auto put = [&](const char* name, double value, const char* unit) {
    diagnosis.metrics[name] = {.value = value, .unit = unit, .evidence = Evidence::silicon};
  };
  if (answer.passes > 0) put("profile.passes", static_cast<double>(answer.passes), "1");
  put("profile.seconds", answer.seconds, "s");
  for (const auto& [part, seconds] : answer.parts) put(("profile.seconds." + part).c_str(), seconds, "s");
  diagnosis.activity = taken.activity;
  if (answer.launches.empty()) return;
  const GpuRun measured = gpu_run(answer, run);
  Diagnosis of_launches = diagnose_gpu(measured);
  diagnosis.profiler = taken.profiler;
  diagnosis.metrics.merge(of_launches.metrics);
  const bool calls_dominate = time_of(run, Step::Kind::call) > time_of(run, Step::Kind::launch);
  if (calls_dominate) return;
  std::vector<HotSpot> spots;
  if (of_launches.bound) {
    diagnosis.bound = of_launches.bound;
    diagnosis.causes = std::move(of_launches.causes);
    diagnosis.advice = std::move(of_launches.advice);
    if (auto waits = waits_of(measured, run)) spots.push_back(*std::move(waits));
  }
  const std::string_view file =
      run.source.candidate.language == Language::cuda ? candidate_file : triton_candidate_file;
  const SampledLines sampled =
      sampled_lines(answer.samples, taken.lines, file, [&](int step) { return represented(run, step); });
  if (sampled.samples > 0) put("profile.samples", static_cast<double>(sampled.samples), "1");
  if (sampled.lost > 0) put("profile.samples_lost", static_cast<double>(sampled.lost), "1");
  std::ranges::move(hot_lines(sampled), std::back_inserter(spots));
  const auto behind = static_cast<std::ptrdiff_t>(std::min<std::size_t>(1, diagnosis.hot_spots.size()));
  diagnosis.hot_spots.insert(diagnosis.hot_spots.begin() + behind, std::make_move_iterator(spots.begin()),
                             std::make_move_iterator(spots.end()));
}

}  // namespace kerf
