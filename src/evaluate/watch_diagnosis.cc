#include "evaluate/watch_diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <string>
#include <utility>

#include "evaluate/loop_diagnosis.h"
#include "evaluate/statistics.h"

namespace kerf {

namespace {

// A cause is worth naming where that much of a run's time would be won by its end.
constexpr double least_cost = 0.05;
// docs/diagnosis.md says what healthy kernels show.
constexpr double uneven = 1.25, uneven_chunks = 1.15, slowed = 1.3, busy_with_lines = 0.25;

struct Finding {
  double cost = 0;  // of the time of a run
  Cause cause;
  std::string advice;
  int line = 0;
};

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

// Lines that go from core to core in the launch: each write to a line that another thread has written meanwhile.
double bytes_of_shared_lines(const LineWrites& lines) {
  constexpr double line_bytes = 64;
  if (lines.looked_at <= 0) return 0;
  return line_bytes * static_cast<double>(lines.shared_writes) * static_cast<double>(lines.writable) /
         static_cast<double>(lines.looked_at);
}

class Watcher {
 public:
  Watcher(const RunWatch& watched, const WatchedPlan& plan) : watched_(watched), plan_(plan) {}

  std::vector<Finding> findings() {
    for (const StepWatch& seen : watched_.steps) {
      const auto step = static_cast<std::size_t>(seen.step);
      if (seen.step < 0 || step >= plan_.source.plan.steps.size()) continue;
      look_at(seen, plan_.source.plan.steps[step], share_of(step));
    }
    faults();
    std::ranges::stable_sort(found_, std::greater(), &Finding::cost);
    return std::move(found_);
  }

  [[nodiscard]] double fault_share() const {
    double share = 0;
    for (const StepWatch& seen : watched_.steps) share += fault_cost(seen);
    return std::min(share, 1.0);
  }

 private:
  [[nodiscard]] double share_of(std::size_t step) const {
    const bool known = step < plan_.step_us.size() && plan_.time_us > 0;
    return known ? std::min(1.0, plan_.step_us[step] / plan_.time_us) : 0;
  }

  [[nodiscard]] double fault_cost(const StepWatch& seen) const {
    return plan_.time_us > 0 ? static_cast<double>(seen.page_faults) * watched_.page_fault_us / plan_.time_us : 0;
  }

  [[nodiscard]] int line_of(const Step& step) const {
    const auto lines = lines_of_kernel(plan_.source.candidate.text, step.target.text);
    return lines ? lines->first : step.target.at.line;
  }

  // The argument of the launch whose memory has most of the shared lines, as the plan calls it.
  static std::string shared_tensor(const StepWatch& seen, const Step& step) {
    const auto argument = static_cast<std::size_t>(seen.lines.argument);
    if (seen.lines.argument < 0 || argument >= step.args.size()) return "memory";
    const auto* name = std::get_if<Located>(&step.args[argument].is);
    return name == nullptr ? "memory" : name->text;
  }

  void look_at(const StepWatch& seen, const Step& step, double share) {
    sharing(seen, step, share);
    unevenness(seen, step, share);
  }

  void sharing(const StepWatch& seen, const Step& step, double share) {
    if (seen.lines.shared_writes <= 0 || seen.lines.writes <= 0) return;
    const double slowdown = slowdown_by_sharing(seen);
    const double step_us = share * plan_.time_us;
    const double moving =
        plan_.bytes_per_us > 0 && step_us > 0 ? bytes_of_shared_lines(seen.lines) / plan_.bytes_per_us / step_us : 0;
    if (slowdown < slowed && moving < busy_with_lines) return;
    const double part = static_cast<double>(seen.lines.shared_writes) / static_cast<double>(seen.lines.writes);
    const std::string tensor = shared_tensor(seen, step), &kernel = step.target.text;
    std::string shown = fmt::format(
        "{:.0f} % of the writes of {} to cache lines, most of them to {}, are to lines that "
        "another thread writes at the same time",
        100 * std::min(part, 1.0), kernel, tensor);
    const bool measured = slowdown >= slowed;
    shown += measured ? fmt::format(
                            "; it takes {:.1f} times the processor time that it takes where each thread has lines "
                            "of its own",
                            slowdown)
                      : fmt::format("; to bring these from core to core takes {:.0f} % of its time at full bandwidth",
                                    100 * std::min(moving, 1.0));
    add(share * (measured ? 1 - 1 / slowdown : std::min(moving, 1.0)), "false_sharing", std::move(shown),
        fmt::format("tile: give a task whole cache lines (64 bytes) of {}, neighbours in memory to one task; what "
                    "belongs to a thread is collected in registers, or lies 64 bytes from what belongs to another",
                    tensor),
        line_of(step), measured ? Evidence::silicon : Evidence::modelled);
  }

  void unevenness(const StepWatch& seen, const Step& step, double share) {
    const std::string& kernel = step.target.text;
    const double measured = imbalance(seen, plan_.threads);
    const double dealt_out = imbalance_of_chunks(seen.chunk_us, plan_.threads);
    if (measured < uneven || dealt_out < uneven_chunks) return;
    const double work = std::min(measured, dealt_out);  // what is more is company's
    const bool few = seen.tasks < 4L * plan_.threads;
    const double longest = seen.chunk_us.empty() ? 0 : std::ranges::max(seen.chunk_us);
    add(share * (1 - 1 / work), "imbalance",
        fmt::format("the busiest of {} threads works {:.2f} times as long as the average in {}: {} task{}, of which "
                    "the longest {} {:.0f} % of all the work",
                    plan_.threads, work, kernel, seen.tasks, seen.tasks == 1 ? "" : "s",
                    few ? "is" : "ones that are handed out together are", 100 * longest / sum(seen.chunk_us)),
        few ? fmt::format("threads: {} task{} of {} cannot be shared evenly by {} threads; cut the work into more",
                          seen.tasks, seen.tasks == 1 ? "" : "s", kernel, plan_.threads)
            : fmt::format("tile: tasks of {} differ in length; cut the long ones up, or let long ones come first",
                          kernel),
        line_of(step));
  }

  void faults() {
    const double share = fault_share();
    if (watched_.steps.empty() || share < 2 * least_cost) return;
    const StepWatch& most = *std::ranges::max_element(watched_.steps, {}, &StepWatch::page_faults);
    const auto index = static_cast<std::size_t>(most.step);
    if (most.step < 0 || index >= plan_.source.plan.steps.size()) return;
    const Step& step = plan_.source.plan.steps[index];
    const bool call = step.kind == Step::Kind::call;
    add(share, "page_faults",
        fmt::format(
            "{} pages are touched for the first time in every run, most of them in {}; each costs {:.2f} us here",
            total_faults(), step.target.text, watched_.page_fault_us),
        call ? fmt::format("fuse: {} gets fresh memory for its result in every run; write into an output or scratch, "
                           "which are there before the clock starts",
                           step.target.text)
             : fmt::format("scratch: {} touches memory of its own for the first time; scratch is there before the "
                           "clock starts",
                           step.target.text),
        call ? step.target.at.line : line_of(step));
  }

  [[nodiscard]] std::int64_t total_faults() const {
    std::int64_t faults = 0;
    for (const StepWatch& seen : watched_.steps) faults += seen.page_faults;
    return faults;
  }

  void add(double cost, const char* name, std::string what, std::string advice, int line,
           Evidence evidence = Evidence::silicon) {
    if (!(cost >= least_cost)) return;
    found_.push_back({.cost = cost,
                      .cause = {.name = name, .what = std::move(what), .evidence = evidence},
                      .advice = std::move(advice),
                      .line = line});
  }

  const RunWatch& watched_;
  const WatchedPlan& plan_;
  std::vector<Finding> found_;
};

// The launch that was looked at in which most time goes.
const StepWatch* heart(const RunWatch& watched, const std::vector<double>& step_us) {
  const StepWatch* most = nullptr;
  double longest = -1;
  for (const StepWatch& seen : watched.steps) {
    const auto step = static_cast<std::size_t>(seen.step);
    const double us = seen.step >= 0 && step < step_us.size() ? step_us[step] : 0;
    if (seen.tasks <= 0 || us <= longest) continue;
    longest = us;
    most = &seen;
  }
  return most;
}

void add_metrics(Diagnosis& diagnosis, const RunWatch& watched, const WatchedPlan& plan, double fault_share) {
  const auto put = [&diagnosis](const char* name, double value, const char* unit, Evidence evidence) {
    if (std::isfinite(value)) diagnosis.metrics[name] = {.value = value, .unit = unit, .evidence = evidence};
  };
  double faults = 0, major = 0;
  for (const StepWatch& seen : watched.steps) {
    faults += static_cast<double>(seen.page_faults);
    major += static_cast<double>(seen.major_faults);
  }
  put("page_faults", faults, "1", Evidence::silicon);
  if (major > 0) put("page_faults.disk", major, "1", Evidence::silicon);
  put("share.page_faults", fault_share, "1", Evidence::modelled);
  if (watched.nodes > 1) put("threads.nodes", watched.nodes, "1", Evidence::silicon);
  const StepWatch* const seen = heart(watched, plan.step_us);
  if (seen == nullptr) return;
  put("tasks", static_cast<double>(seen->tasks), "1", Evidence::statically);
  if (plan.threads < 2) return;
  put("imbalance", imbalance(*seen, plan.threads), "1", Evidence::silicon);
  put("imbalance.tasks", imbalance_of_chunks(seen->chunk_us, plan.threads), "1", Evidence::modelled);
  if (!seen->apart_us.empty()) put("slowdown.shared_lines", slowdown_by_sharing(*seen), "1", Evidence::silicon);
  const LineWrites& lines = seen->lines;
  if (lines.writes > 0) {
    put("share.shared_lines", static_cast<double>(lines.shared_writes) / static_cast<double>(lines.writes), "1",
        Evidence::silicon);
    put("bytes.shared_lines", bytes_of_shared_lines(lines), "B", Evidence::modelled);
    put("share.lines_looked_at", static_cast<double>(lines.looked_at) / static_cast<double>(lines.writable), "1",
        Evidence::silicon);
  }
}

}  // namespace

std::vector<int> steps_to_watch(const Plan& plan, const std::vector<double>& step_us) {
  constexpr std::size_t most = 4;
  const bool timed = step_us.size() == plan.steps.size();
  const double all = sum(step_us);
  std::vector<int> steps;
  for (std::size_t i = 0; i < plan.steps.size(); ++i)
    if (plan.steps[i].kind == Step::Kind::launch && !plan.steps[i].prepare && (!timed || step_us[i] >= 0.1 * all))
      steps.push_back(static_cast<int>(i));
  if (timed)
    std::ranges::stable_sort(steps, std::greater(), [&](int i) { return step_us[static_cast<std::size_t>(i)]; });
  if (steps.size() > most) steps.resize(most);
  std::ranges::sort(steps);
  return steps;
}

double us_to_watch(double step_us, int threads) {
  constexpr double parallel_runs = 7, serial_runs = 2;
  return step_us * (parallel_runs + serial_runs * threads);
}

double imbalance(const StepWatch& seen, int threads) {
  std::vector<double> quotients;
  for (std::size_t i = 0; i < std::min(seen.busiest_us.size(), seen.all_us.size()); ++i)
    if (seen.all_us[i] > 0) quotients.push_back(seen.busiest_us[i] * threads / seen.all_us[i]);
  return quotients.empty() ? 1 : std::clamp(estimate_median(quotients).median, 1.0, std::max(1.0, 1.0 * threads));
}

double imbalance_of_chunks(const std::vector<double>& chunk_us, int threads) {
  const double all = sum(chunk_us);
  if (!(all > 0) || threads < 1) return 1;
  std::vector<double> busy(static_cast<std::size_t>(threads));
  for (const double us : chunk_us) *std::ranges::min_element(busy) += us;
  return std::max(1.0, std::ranges::max(busy) * threads / all);
}

double slowdown_by_sharing(const StepWatch& seen) {
  std::vector<double> quotients;
  for (std::size_t i = 0; i < std::min(seen.all_us.size(), seen.apart_us.size()); ++i)
    if (seen.apart_us[i] > 0) quotients.push_back(seen.all_us[i] / seen.apart_us[i]);
  return quotients.empty() ? 1 : estimate_median(quotients).median;
}

void add_watch(Diagnosis& diagnosis, const RunWatch& watched, const WatchedPlan& plan) {
  Watcher watcher(watched, plan);
  add_metrics(diagnosis, watched, plan, watcher.fault_share());
  // At the speed of light nothing is left to win; launches and the host are not what threads do.
  const bool idle = diagnosis.bound == Bound::none || diagnosis.bound == Bound::launch;
  std::vector<Finding> found = watcher.findings();
  if (idle || found.empty()) return;
  std::vector<Cause> causes;
  std::vector<std::string> advice;
  std::vector<HotSpot> spots;
  for (Finding& f : found) {
    spots.push_back({.line = f.line, .what = f.cause.what, .evidence = f.cause.evidence});
    causes.push_back(std::move(f.cause));
    advice.push_back(std::move(f.advice));
  }
  // What was said of the same move without having looked gives way.
  std::erase_if(diagnosis.advice, [&](const std::string& old) {
    const std::string move = old.substr(0, old.find(':') + 1);
    return (move == "threads:" || move == "tile:" || move == "unroll:") &&
           std::ranges::any_of(advice, [&](const std::string& a) { return a.starts_with(move) || move == "unroll:"; });
  });
  diagnosis.causes.insert(diagnosis.causes.begin(), std::move_iterator(causes.begin()),
                          std::move_iterator(causes.end()));
  diagnosis.advice.insert(diagnosis.advice.begin(), std::move_iterator(advice.begin()),
                          std::move_iterator(advice.end()));
  const auto behind_the_first = std::min<std::size_t>(1, diagnosis.hot_spots.size());
  diagnosis.hot_spots.insert(diagnosis.hot_spots.begin() + static_cast<std::ptrdiff_t>(behind_the_first),
                             std::move_iterator(spots.begin()), std::move_iterator(spots.end()));
}

}  // namespace kerf
