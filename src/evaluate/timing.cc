#include "evaluate/timing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "evaluate/device_diary.h"

namespace kerf {
namespace {

// Of a message there and one back and of waking threads, on a machine with nobody else.
constexpr double quiet_handover_us = 300;
// What company adds to that, in hand-overs to a process of ours: an honest run's two clocks lie two wake-ups and the
// waking of its threads apart. Where others whom we cannot see take a core, the threads are what is waited for.
constexpr double handovers_a_run = 4;
// A suspicion that company could explain becomes a verdict when that many measurements in a row say the same.
constexpr int attempts = 3;

double median_of(std::vector<double> values) { return estimate_median(values).median; }

// A few involuntary switches a run are the timer's and the kernel's own threads'.
bool interrupted(std::int64_t switches, double us, int threads) {
  return static_cast<double>(switches) > threads * (1 + us / 4000);
}

// The loop of rounds: in each the candidate and every baseline run once, in random order.
class Rounds {
 public:
  // With `suspicious` every round also asks how long a hand-over takes.
  Rounds(const TimingTools& tools, const TimingRequest& request, bool suspicious, Random& random)
      : tools_(tools),
        request_(request),
        options_(request.options),
        suspicious_(suspicious),
        random_(random),
        stage_(tools, request.source, request.workload, options_.settle, random),
        opponents_(request.baselines) {}

  Result<Timed> operator()() {
    TRY(stage_.open());
    auto loaded = stage_.load(request_.image, request_.point);
    if (!loaded) {
      timed_.finding = TRY(finding_of(std::move(loaded).error()));
      return std::move(timed_);
    }
    instance_ = std::move(*loaded);
    TRY(warm_up());
    const auto start = tools_.clock.now();
    std::set<int> judged;
    while (static_cast<int>(judged.size()) < std::min(options_.judged, options_.least)) {
      judged.insert(static_cast<int>(random_.below(static_cast<std::uint64_t>(options_.least))));
    }
    while (!timed_.finding && static_cast<int>(device_.size()) < least_ && !hopeless()) {
      TRY(round(judged.contains(static_cast<int>(device_.size()))));
    }
    while (!timed_.finding && static_cast<int>(device_.size()) < options_.most && !hopeless() &&
           tools_.clock.now() - start < options_.budget && !tight()) {
      TRY(round(false));
    }
    TRY(warm_rounds());
    if (!timed_.finding) summarise();
    return std::move(timed_);
  }

 private:
  // What runs on the cores beside is company only where it can be part of a time.
  [[nodiscard]] bool is_quiet(const MachineLoad& load) const {
    return shows_host_ ? !is_crowded(load, tools_.threads) : !is_disturbed(load);
  }

  // Both sides run untimed once: the candidate binds its plan, pages are touched. A baseline that cannot run beside
  // what is in memory now is no opponent.
  Result<> warm_up() {
    std::vector<Baseline> able;
    for (const auto baseline : opponents_) {
      TRY(stage_.settle());
      const auto us = tools_.oracle.time_baseline(stage_.trial(), baseline, true);
      if (!us && us.error().kind != ErrorKind::unavailable) return std::unexpected(us.error());
      if (us) {
        able.push_back(baseline);
      } else {
        timed_.receipt.unavailable[to_string(baseline)] = us.error().message;
      }
    }
    opponents_ = std::move(able);
    baselines_.resize(opponents_.size());
    if (const auto report = TRY(candidate_run(true))) shows_host_ = report->shows_host;
    least_ = options_.least;
    return {};
  }

  Result<std::optional<RunReport>> candidate_run(bool cold) {
    auto report = stage_.run(*instance_, cold);
    if (!report) {
      timed_.finding = TRY(finding_of(std::move(report).error()));
      timed_.finding->message = "in a timed run: " + timed_.finding->message;
      return std::nullopt;
    }
    return std::move(*report);
  }

  void wait_for_quiet() {
    using namespace std::chrono_literals;
    while (waited_ < options_.patience) {
      const auto load = tools_.watch.look();
      if (!load || is_quiet(*load)) return;
      tools_.watch.sleep(10ms);
      waited_ += 10ms;
    }
  }

  // On a device the look after the round before is as good, if all was quiet: no thread of a run goes on spinning, and
  // what the driver is asked takes longer than many a run.
  std::optional<MachineLoad> look_before() {
    if (stage_.trial().arena.device && after_ && is_quiet(*after_)) return after_;
    wait_for_quiet();
    return tools_.watch.look();
  }

  Result<> round(bool judge) {
    // The last is the candidate. With a round that is thrown away goes its turn of the baselines, which the next one
    // has.
    const bool all = static_cast<int>(device_.size()) % options_.every == 0;
    std::vector<std::size_t> order(all ? opponents_.size() + 1 : 1);
    std::iota(order.begin(), order.end(), all ? std::size_t{0} : opponents_.size());
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
    std::vector<double> baseline_us(opponents_.size());
    std::optional<RunReport> report;
    if (suspicious_) handover_.push_back(TRY(tools_.runner.handover_us(tools_.threads)));
    const auto before = look_before();
    bool company = false, spoilt = false;
    bool shows_host = false;
    std::optional<bool> interrupted_baseline;
    for (const auto who : order) {
      if (who == opponents_.size()) {
        report = TRY(candidate_run(true));
        if (!report) return {};
        shows_host = shows_host || report->shows_host;
        if (judge) {
          timed_.finding = TRY(stage_.judge(timed_.checks));
          if (timed_.finding) return {};
        }
      } else {
        TRY(stage_.settle());
        baseline_us[who] = TRY(tools_.oracle.time_baseline(stage_.trial(), opponents_[who], true));
        shows_host = shows_host || tools_.oracle.baseline_shows_host();
        const auto switches = tools_.oracle.baseline_switches();
        if (switches >= 0) {
          interrupted_baseline =
              interrupted_baseline.value_or(false) || interrupted(switches, baseline_us[who], tools_.threads);
        }
      }
    }
    stage_.begin_next();
    const auto after = tools_.watch.look();
    after_ = after;
    shows_host_ = shows_host;
    const bool shared_cores = before && after && has_company(*before, *after, tools_.threads);
    company = shared_cores && shows_host;
    // Switches count only where both sides report them: else the slow runs of one side alone would be thrown away.
    if (interrupted_baseline) {
      company = company || *interrupted_baseline ||
                interrupted(report->involuntary_switches, report->device_us, tools_.threads);
    }
    spoilt = company;
    const bool disturbed = before && after && (is_disturbed(*before) || is_disturbed(*after));
    company = company || disturbed;
    if (company && timed_.receipt.discarded < std::max(options_.least, static_cast<int>(device_.size()))) {
      ++timed_.receipt.discarded;
      if (disturbed) diary_.note(*before, *after, false);
      return {};
    }
    spoilt_ += spoilt ? 1 : 0;
    if (before && after) diary_.note(*before, *after, true);
    device_.push_back(report->device_us);
    if (!company && !shared_cores) {
      quiet_device_.push_back(report->device_us);
      quiet_parent_.push_back(report->parent_us);
    }
    prepare_.push_back(report->prepare_us);
    if (steps_.size() < report->step_us.size()) steps_.resize(report->step_us.size());
    for (std::size_t i = 0; i < report->step_us.size(); ++i) steps_[i].push_back(report->step_us[i]);
    if (all) paired_.push_back(report->device_us);
    for (std::size_t i = 0; all && i < baseline_us.size(); ++i) baselines_[i].push_back(baseline_us[i]);
    return {};
  }

  [[nodiscard]] bool hopeless() const {
    return static_cast<int>(device_.size()) >= options_.hopeless_after && !baselines_.empty() &&
           median_of(device_) > 10 * median_of(baselines_[0]);
  }

  [[nodiscard]] bool tight() const {
    if (relative_half_width(estimate_median(device_)) > options_.tight) return false;
    return std::ranges::all_of(baselines_, [this](const auto& b) {
      return relative_half_width(estimate_ratio(b, paired_)) <= options_.tight + systematic_error;
    });
  }

  Result<> warm_rounds() {
    std::vector<double> warm;
    for (int i = 0; i < options_.warm + 1 && !timed_.finding; ++i) {
      const auto report = TRY(candidate_run(false));
      if (!report) return {};
      if (i > 0) warm.push_back(report->device_us);  // the first one finds what the last baseline left in the caches
    }
    if (timed_.finding) return {};
    timed_.finding = TRY(stage_.judge(timed_.checks));
    if (!warm.empty()) timed_.receipt.warm_us = estimate_median(warm);
    return {};
  }

  void summarise() {
    auto& r = timed_.receipt;
    r.graph = tools_.graph;
    r.time_us = estimate_median(device_);
    r.raw_us = device_;
    if (median_of(prepare_) > 0) r.prepare_us = estimate_median(prepare_);
    for (std::size_t i = 0; i < baselines_.size(); ++i) {
      const std::string name = to_string(opponents_[i]);
      r.baselines[name] = estimate_median(baselines_[i]);
      r.speedup[name] = estimate_ratio(baselines_[i], paired_);
    }
    for (const auto& s : steps_) timed_.step_us.push_back(median_of(s));
    // With company either clock may see long waits: only rounds without it can accuse a candidate.
    const double handover = handover_.empty() ? 0 : median_of(handover_);
    const bool agree = clocks_agree(quiet_device_, quiet_parent_, handover);
    timed_.checks.push_back(
        {.name = "clocks_agree",
         .passed = agree,
         .detail = {{"rounds", quiet_device_.size()},
                    {"runner_us", median_of(quiet_device_)},
                    {"parent_us", median_of(quiet_parent_)},
                    {"handover_us", handover_.empty() ? nlohmann::json() : nlohmann::json(handover)}}});
    timed_.checks.push_back(
        {.name = "quiet_machine",
         .passed = spoilt_ == 0,
         .detail = {{"rounds", device_.size()}, {"with_company", spoilt_}, {"discarded", r.discarded}}});
    if (auto check = diary_.check()) timed_.checks.push_back(*std::move(check));
    if (!agree) {
      timed_.finding = Finding{
          .verdict = Verdict::wrong,
          .rule = "clocks_disagree",
          .message = fmt::format("the runner's clock says {:.0f} us, ours {:.0f} us: its time cannot be believed",
                                 median_of(quiet_device_), median_of(quiet_parent_)),
          .at = std::nullopt};
    }
  }

  const TimingTools& tools_;
  const TimingRequest& request_;
  const TimingOptions& options_;
  const bool suspicious_;
  Random& random_;
  TimingStage stage_;
  std::unique_ptr<RunnerInstance> instance_;
  Timed timed_;
  std::vector<double> device_, paired_;  // of all rounds; of those with the baselines
  std::vector<double> prepare_, quiet_device_, quiet_parent_, handover_;
  std::vector<Baseline> opponents_;
  std::vector<std::vector<double>> baselines_, steps_;
  std::chrono::milliseconds waited_{0};
  int least_ = 0, spoilt_ = 0;
  bool shows_host_ = true;  // of the last round
  DeviceDiary diary_;
  std::optional<MachineLoad> after_;  // the last round
};

}  // namespace

TimingOptions timing_options(Effort effort) {
  using namespace std::chrono_literals;
  if (effort == Effort::screen) return {};
  return {.least = 30,
          .hopeless_after = 30,  // what a report quotes has all its rounds
          .most = 200,
          .budget = 6000ms,
          .tight = 0.01,
          .warm = 15,
          .judged = 2,
          .settle = 2500us,
          .patience = 5000ms};
}

TimingOptions with_rounds(TimingOptions options, int rounds) {
  options.every = std::max(1, rounds / options.least);
  options.least = options.most = options.hopeless_after = rounds;
  return options;
}

bool clocks_agree(const std::vector<double>& device_us, const std::vector<double>& parent_us, double handover_us) {
  if (device_us.empty()) return true;
  const double device = median_of(device_us);
  if (!std::isfinite(device) || device <= 0 || device > 1.01 * median_of(parent_us) + 5) return false;
  // The median, as of the times that are believed if this says so: who lies in fewer runs than half has not moved it.
  std::vector<double> gaps;
  for (std::size_t i = 0; i < device_us.size(); ++i) gaps.push_back(parent_us[i] - device_us[i]);
  return median_of(gaps) <= 0.1 * device + quiet_handover_us + handovers_a_run * handover_us;
}

Result<Timed> time_candidate(const TimingTools& tools, const TimingRequest& request, Random& random) {
  using namespace std::chrono_literals;
  for (int attempt = 1;; ++attempt) {
    Timed timed = TRY(Rounds(tools, request, attempt > 1, random)());
    // Each attempt starts from nothing: the samples of one that was suspicious are never part of a receipt.
    const bool company_may_explain =
        timed.finding && (timed.finding->rule == "clocks_disagree" || timed.finding->verdict == Verdict::timed_out);
    if (!company_may_explain || attempt == attempts) {
      if (attempt > 1) {
        timed.checks.push_back(
            {.name = "measured_again", .passed = !company_may_explain, .detail = {{"measurements", attempt}}});
      }
      return timed;
    }
    tools.watch.sleep(attempt * 200ms);
  }
}

}  // namespace kerf
