#include "evaluate/journey.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/hash.h"
#include "candidate/plan_text.h"
#include "evaluate/diagnose_job.h"
#include "evaluate/lint_job.h"
#include "evaluate/model_job.h"
#include "evaluate/probe_job.h"
#include "evaluate/profile_job.h"
#include "evaluate/time_job.h"
#include "evaluate/trace_job.h"
#include "evaluate/tune_job.h"
#include "evaluate/verification_json.h"
#include "evaluate/verify.h"
#include "evaluate/watch_job.h"
#include "problem/json_fields.h"

namespace kerf {
namespace {

// One candidate on its way through the graph. Lives on the loop's thread; its bodies touch only what is handed to them
// and what no other job of it touches at that time.
class Journey : public std::enable_shared_from_this<Journey> {
 public:
  Journey(std::shared_ptr<SharedState> shared, JobGraph& graph, CandidateState state, std::string id,
          Evaluator::Done done)
      : shared_(std::move(shared)),
        graph_(graph),
        group_(graph.open_group()),
        c_(std::move(state)),
        done_(std::move(done)) {
    e_.id = std::move(id);
    e_.problem = c_.request.problem->problem.id;
    e_.workload = primary().sizes;
    e_.candidate = c_.candidate.id();
    e_.language = kerf::to_string(c_.candidate.language);
    e_.target = shared_->options.target;
    e_.verdict = Verdict::rejected;
    e_.variants = static_cast<int>(c_.request.problem->workloads.size()) - 1;
  }

  [[nodiscard]] const JobGroup& group() const { return group_; }

  void start() {
    add("lint", "", Slot::light, body([](Journey& j) { return lint_candidate(*j.shared_, j.c_); }), &Journey::linted);
  }

 private:
  using Body = std::function<Result<std::string>()>;
  using Next = void (Journey::*)(std::string output);

  const Workload& primary() const { return c_.request.problem->workloads.front(); }

  JobId add(std::string kind, std::string key, Slot slot, Body body, Next next, std::vector<JobId> after = {}) {
    return graph_.add(group_, {.kind = std::move(kind),
                               .key = std::move(key),
                               .slot = slot,
                               .after = std::move(after),
                               .body = std::move(body),
                               .done = [self = shared_from_this(), next](JobOutcome outcome) {
                                 self->ended(std::move(outcome), next);
                               }});
  }

  void ended(JobOutcome outcome, Next next) {
    if (!done_) return;
    if (outcome.attempts > 0 || outcome.record.cached) e_.jobs.push_back(outcome.record);
    if (!outcome.output) {
      auto finding = finding_of(std::move(outcome.output).error());
      if (finding) return conclude(std::move(*finding));
      return answer(std::unexpected(std::move(finding).error()));
    }
    (this->*next)(std::move(*outcome.output));
  }

  void conclude(Finding finding) {
    e_.verdict = finding.verdict;
    e_.rule = std::move(finding.rule);
    e_.message = std::move(finding.message);
    e_.at = finding.at;
    if (e_.verdict == Verdict::rejected || e_.verdict == Verdict::compile_error) {
      e_.checks.push_back({.name = *e_.rule, .passed = false, .detail = {{"message", *e_.message}}});
    }
    answer(std::move(e_));
  }

  void answer(Result<Evaluation> result) {
    auto done = std::exchange(done_, nullptr);
    graph_.cancel(group_);  // compilations that nobody waits for any more
    done(std::move(result));
  }

  void linted(std::string) {
    c_.images.resize(c_.points.size());
    if (c_.points.size() > 1) {
      if (auto known = known_pick(*shared_, c_)) {
        tuned_ = true;
        e_.jobs.push_back({.kind = "tune", .seconds = 0, .cached = true});
        e_.checks.push_back(*std::move(known));
      }
    }
    compile(c_.pick, &Journey::compiled_first, {});
  }

  // The output is what is known of the image without running it, as JSON.
  Result<std::string> compile_body(std::size_t i) {
    c_.images[i] = TRY(c_.tools.backend->compile(c_.source, c_.points[i], c_.request.problem->workloads));
    return TRY(c_.tools.backend->check(c_.source, primary(), c_.points[i], &c_.images[i])).dump();
  }

  JobId compile(std::size_t i, Next next, std::vector<JobId> after) {
    return add(
        "compile", "", Slot::compile, [self = shared_from_this(), i] { return self->compile_body(i); }, next,
        std::move(after));
  }

  void mark_cached_compilation(std::size_t i) {
    if (c_.images[i].cached && !e_.jobs.empty() && e_.jobs.back().kind == "compile") e_.jobs.back().cached = true;
  }

  void compiled_first(std::string known) {
    mark_cached_compilation(c_.pick);
    if (auto detail = read_json(known); !detail.is_null() && !detail.is_discarded())
      e_.checks.push_back({.name = "inspect", .passed = true, .detail = {{"launches", std::move(detail)}}});
    first_ = c_.pick;
    if (c_.points.size() == 1 && repeats()) return;
    c_.tools.runner->foresee_profile(c_.image(), c_.profile_request().effort);
    add("verify_small", verify_key("verify_small", c_.pick), Slot::run,
        verify_body([](Journey& j, const VerifyTools& tools) {
          return verify_small(tools, *j.c_.request.problem, j.c_.source, j.c_.images[j.c_.pick], j.c_.points[j.c_.pick],
                              j.c_.random);
        }),
        &Journey::verified_small);
  }

  // With all points compiled: takes down what code it is. True if that is known, and the journey over.
  bool repeats() {
    const auto plan = find_plan(c_.candidate.text, c_.candidate.language);
    if (!plan || std::ranges::any_of(c_.images, [](const Image& image) { return image.code.empty(); })) return false;
    Digest digest;
    digest.add(e_.language).add(e_.target).add(normal_plan(plan->toml));
    for (const Image& image : c_.images) digest.add(image.code);
    e_.code = digest.hex();
    const auto known = c_.request.known_code ? c_.request.known_code(e_.code) : std::nullopt;
    if (!known) return false;
    conclude({.verdict = Verdict::rejected,
              .rule = "repetition",
              .message = "it compiles to the same code, run by the same plan, as " + *known,
              .at = {}});
    return true;
  }

  // A body whose result stands in the journey's state.
  template <class F>
  Body body(F does) {
    return [self = shared_from_this(), does]() -> Result<std::string> {
      TRY(does(*self));
      return "";
    };
  }

  // A body that uses the device: alone, or beside others that do not time either.
  Body holding(bool alone, Body body) {
    return [self = shared_from_this(), alone, body = std::move(body)]() -> Result<std::string> {
      const auto hold = self->shared_->parts.watch.hold(alone);
      return body();
    };
  }

  template <class F>
  Body verify_body(F verify) {
    return holding(false, [self = shared_from_this(), verify]() -> Result<std::string> {
      const auto v = TRY(self->shared_->watched(verify(*self, self->shared_->verify_tools(*self->c_.tools.runner))));
      return to_text(v);
    });
  }

  // False if the journey is over.
  bool take(const std::string& output) {
    auto v = verification_from(output);
    if (!v) {
      answer(std::unexpected(std::move(v).error()));
      return false;
    }
    std::ranges::move(v->checks, std::back_inserter(e_.checks));
    e_.variants_supported = v->variants_supported;
    if (!v->finding) return true;
    conclude(std::move(*v->finding));
    return false;
  }

  void verified_small(std::string output) {
    if (!take(output)) return;
    // Only times could choose among points: without them the first one stands for all.
    if (c_.points.size() == 1 || tuned_ || !shared_->options.emulated.empty()) return verify_pick();
    std::vector<JobId> compiled;
    waiting_ = c_.points.size() - 1;
    for (std::size_t i = 0; i < c_.points.size(); ++i) {
      if (i == c_.pick) continue;
      graph_.add(group_, {.kind = "compile",
                          .key = "",
                          .slot = Slot::compile,
                          .body = [self = shared_from_this(), i] { return self->compile_body(i); },
                          .done = [self = shared_from_this(),
                                   i](JobOutcome outcome) { self->compiled_other(i, std::move(outcome)); }});
    }
  }

  // A point that does not compile is left out, the others go on.
  void compiled_other(std::size_t i, JobOutcome outcome) {
    if (!done_) return;
    if (outcome.attempts > 0) e_.jobs.push_back(outcome.record);
    if (outcome.output) {
      mark_cached_compilation(i);
    } else {
      auto finding = finding_of(std::move(outcome.output).error());
      if (!finding) return answer(std::unexpected(std::move(finding).error()));
      e_.checks.push_back({.name = "tune_point",
                           .passed = false,
                           .detail = {{"point", kerf::to_string(c_.points[i])},
                                      {"verdict", kerf::to_string(finding->verdict)},
                                      {"message", finding->message}}});
      broken_.insert(i);
    }
    if (--waiting_ > 0) return;
    for (auto it = broken_.rbegin(); it != broken_.rend(); ++it) {
      c_.points.erase(c_.points.begin() + static_cast<std::ptrdiff_t>(*it));
      c_.images.erase(c_.images.begin() + static_cast<std::ptrdiff_t>(*it));
      if (*it < c_.pick) --c_.pick;
    }
    first_ = c_.pick;
    if (broken_.empty() && repeats()) return;
    add("tune", "", Slot::alone, holding(true, body([](Journey& j) { return tune_points_of(*j.shared_, j.c_); })),
        &Journey::tuned);
  }

  void tuned(std::string) {
    if (!c_.untimed.empty()) return verify_pick();  // the first point stands for all
    if (c_.tuned.finding) {
      std::ranges::move(c_.tuned.checks, std::back_inserter(e_.checks));
      return conclude(std::move(*c_.tuned.finding));
    }
    keep_pick(*shared_, c_);
    std::ranges::move(c_.tuned.checks, std::back_inserter(e_.checks));
    verify_pick();
  }

  void verify_pick() {
    add("verify", verify_key("verify", c_.pick), Slot::run, verify_body([](Journey& j, const VerifyTools& tools) {
          return verify_all(tools, *j.c_.request.problem, j.c_.source, j.c_.images[j.c_.pick], j.c_.points[j.c_.pick],
                            j.c_.random, j.c_.pick != j.first_);
        }),
        &Journey::verified);
  }

  void verified(std::string output) {
    if (!take(output)) return;
    if (!shared_->options.emulated.empty()) return right_without_times(Evidence::emulated, shared_->options.emulated);
    if (!c_.untimed.empty()) return right_without_times(Evidence::silicon, c_.untimed);
    c_.wanted = wanted_baselines(*shared_, c_);
    std::vector<JobId> after;
    if (std::ranges::any_of(c_.wanted, [&](Baseline b) { return !shared_->settled.contains({primary().id, b}); })) {
      after.push_back(add("baseline", "", Slot::run,
                          body([](Journey& j) { return settle_baselines(*j.shared_, j.c_); }),
                          &Journey::baselines_settled));
    }
    add("time", "", Slot::alone, holding(true, body([](Journey& j) { return time_picked(*j.shared_, j.c_); })),
        &Journey::timed, std::move(after));
  }

  void right_without_times(Evidence evidence, const std::string& why) {
    e_.verdict = Verdict::measured;
    e_.receipt = receipt_without_times(*shared_, c_, evidence, why);
    answer(std::move(e_));
  }

  void baselines_settled(std::string) {
    for (const auto baseline : c_.wanted) shared_->settled.insert({primary().id, baseline});
  }

  void timed(std::string) {
    if (!c_.untimed.empty()) return right_without_times(Evidence::silicon, c_.untimed);
    std::ranges::move(c_.timed.checks, std::back_inserter(e_.checks));
    if (c_.timed.finding) return conclude(std::move(*c_.timed.finding));
    worth_a_profile_ = worth_a_profile(*shared_, c_);
    if (worth_a_profile_ && can_be_watched(c_)) {
      add("watch", "", Slot::alone, holding(true, body([](Journey& j) { return watch_picked(*j.shared_, j.c_); })),
          &Journey::watched);
      return;
    }
    if (!worth_a_profile_ || !c_.tools.runner->profiles()) return trace();
    add("profile", "", Slot::alone, body([](Journey& j) {
          {
            const auto hold = j.shared_->parts.watch.hold(false);
            expect_profile(*j.shared_, j.c_);
          }
          const auto hold = j.shared_->parts.watch.hold(true);
          return profile_picked(*j.shared_, j.c_);
        }),
        &Journey::profiled);
  }

  void watched(std::string) { trace(); }

  void profiled(std::string) {
    if (!can_be_probed(c_)) return trace();
    add("instrument", "", Slot::compile, body([](Journey& j) -> Result<> {
          instrument_picked(j.c_);
          return {};
        }),
        &Journey::instrumented);
  }

  void instrumented(std::string) {
    if (!c_.probed) {
      c_.timed.receipt.unavailable["timeline"] = c_.probed.error().message;
      return trace();
    }
    add("probe", "", Slot::alone, holding(true, body([](Journey& j) { return probe_picked(*j.shared_, j.c_); })),
        &Journey::probed);
  }

  void probed(std::string) { trace(); }

  void trace() {
    if (!needs_traces(*shared_, c_)) return diagnose_candidate();
    add("trace", "", Slot::alone, holding(false, body([](Journey& j) -> Result<> {
                                            trace_baselines(*j.shared_, j.c_);
                                            return {};
                                          })),
        &Journey::traced);
  }

  void traced(std::string) {
    keep_traces(*shared_, c_);
    diagnose_candidate();
  }

  void diagnose_candidate() {
    add("diagnose", "", Slot::light, body([](Journey& j) -> Result<> {
          diagnose_picked(*j.shared_, j.c_);
          return {};
        }),
        &Journey::diagnosed);
  }

  void diagnosed(std::string) {
    if (!worth_a_profile_ || !can_be_modelled(*shared_, c_)) return finish();
    // A core for a moment; what it says depends on the code alone.
    add("model", "", Slot::compile, body([](Journey& j) -> Result<> {
          model_picked(*j.shared_, j.c_);
          return {};
        }),
        &Journey::finish);
  }

  void finish(std::string = {}) {
    e_.verdict = Verdict::measured;
    e_.receipt = std::move(c_.timed.receipt);
    e_.diagnosis = std::move(c_.diagnosis);
    if (e_.receipt->quarantined) {
      e_.rule = "faster_than_light";
      e_.message = "faster than 1.05 times the speed of light: quarantined, not scored";
    }
    answer(std::move(e_));
  }

  // The image's digest stands for source, tune point, flags, compiler and harness. first_ decides whether the small
  // variant is looked at again.
  [[nodiscard]] std::string verify_key(const char* kind, std::size_t i) const {
    return Digest()
        .add(kind)
        .add(harness_version)
        .add(c_.images[i].digest)
        .add(problem_key(*shared_, c_))
        .add(static_cast<std::int64_t>(i != first_))
        .hex();
  }
  std::shared_ptr<SharedState> shared_;
  JobGraph& graph_;
  JobGroup group_;
  CandidateState c_;
  Evaluator::Done done_;
  Evaluation e_;
  std::set<std::size_t> broken_;
  std::size_t first_ = 0, waiting_ = 0;
  bool tuned_ = false, worth_a_profile_ = false;
};

}  // namespace

std::shared_ptr<const JobGroup> begin_journey(std::shared_ptr<SharedState> shared, JobGraph& graph,
                                              CandidateState state, std::string id, Evaluator::Done done) {
  const auto journey =
      std::make_shared<Journey>(std::move(shared), graph, std::move(state), std::move(id), std::move(done));
  journey->start();
  return {journey, &journey->group()};
}

}  // namespace kerf
