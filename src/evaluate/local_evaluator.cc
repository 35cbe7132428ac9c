#include "evaluate/local_evaluator.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/hash.h"
#include "candidate/plan_text.h"
#include "evaluate/profile/launch_profile.h"
#include "evaluate/verify.h"

namespace kerf {
namespace {

// Part of every key: raised when a change of the protocol makes old verdicts worthless.
constexpr int harness_version = 1;

// What bodies share. Those that use it take the slots `run` and `alone`, of which one is taken at a time.
struct Shared {
  Shared(const EvaluatorParts& p, LocalEvaluatorOptions o)
      : parts(p), options(std::move(o)), trials(p.oracle, options.trials) {}

  EvaluatorParts parts;
  LocalEvaluatorOptions options;
  TrialPool trials;
  // Per workload and baseline: empty once it is ready, else why this machine cannot have it. For bodies in those slots.
  std::map<std::pair<std::string, Baseline>, std::string> baselines;
  // The same, as the loop's thread knows it: what need not be made ready by a job of its own.
  std::set<std::pair<std::string, Baseline>> settled;
  // Of workload and baseline, or why there is none. For the loop's thread.
  std::map<std::pair<std::string, std::string>, Result<TorchTrace>> traces;
  // Of each workload the shortest time so far: what is faster is worth a profile. For the loop's thread.
  std::map<std::string, double> best_us;

  VerifyTools verify_tools(Runner& runner) {
    constexpr double emulation_slowdown = 20;
    return {.oracle = parts.oracle,
            .runner = runner,
            .trials = trials,
            .watch = parts.watch,
            .threads = options.threads,
            .slowdown = options.emulated.empty() ? 1 : emulation_slowdown};
  }
  TimingTools timing_tools(Runner& runner) {
    return {.oracle = parts.oracle,
            .runner = runner,
            .trials = trials,
            .watch = parts.watch,
            .clock = parts.clock,
            .threads = options.threads,
            .graph = options.graph};
  }
  // After a failure of ours the oracle may be a new process: nothing that the old one knew is known.
  template <class T>
  Result<T> watched(Result<T> result) {
    if (!result && (result.error().kind == ErrorKind::system || result.error().kind == ErrorKind::internal)) {
      trials.clear();
      baselines.clear();
    }
    return result;
  }
};

nlohmann::json to_json(const Verification& v) {
  Evaluation e;
  e.verdict = v.finding ? v.finding->verdict : Verdict::measured;
  if (v.finding) {
    e.rule = v.finding->rule;
    e.message = v.finding->message;
    e.at = v.finding->at;
  }
  e.checks = v.checks;
  e.variants = v.variants;
  e.variants_supported = v.variants_supported;
  return to_json(e);
}

Result<Verification> verification_from(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  auto e = TRY(evaluation_from_json(json));
  Verification v;
  if (e.verdict != Verdict::measured) {
    v.finding =
        Finding{.verdict = e.verdict, .rule = e.rule.value_or(""), .message = e.message.value_or(""), .at = e.at};
  }
  v.checks = std::move(e.checks);
  v.variants = e.variants;
  v.variants_supported = e.variants_supported;
  return v;
}

// Beyond what the interval of the time leaves open.
bool is_faster_than_light(const Receipt& receipt, std::optional<double> shortest_us) {
  return shortest_us && receipt.time_us.high > 0 && *shortest_us > 1.05 * receipt.time_us.high;
}

// One candidate on its way through the graph. Lives on the loop's thread; its bodies touch only what is handed to them
// and what no other job of it touches at that time.
class Journey : public std::enable_shared_from_this<Journey> {
 public:
  Journey(std::shared_ptr<Shared> shared, JobGraph& graph, Candidate candidate, EvaluationRequest request,
          Random random, std::string id, Evaluator::Done done)
      : shared_(std::move(shared)),
        graph_(graph),
        group_(graph.open_group()),
        candidate_(std::move(candidate)),
        request_(std::move(request)),
        random_(random),
        done_(std::move(done)) {
    e_.id = std::move(id);
    e_.problem = request_.problem->problem.id;
    e_.workload = primary().sizes;
    e_.candidate = candidate_.id();
    e_.language = kerf::to_string(candidate_.language);
    e_.target = shared_->options.target;
    e_.verdict = Verdict::rejected;
    e_.variants = static_cast<int>(request_.problem->workloads.size()) - 1;
  }

  [[nodiscard]] JobGroup group() const { return group_; }
  [[nodiscard]] bool ended() const { return !done_; }

  void start() {
    add("lint", "", Slot::light, [self = shared_from_this()] { return self->lint_body(); }, &Journey::linted);
  }

 private:
  using Body = std::function<Result<std::string>()>;
  using Next = void (Journey::*)(std::string output);

  const Workload& primary() const { return request_.problem->workloads.front(); }

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

  Result<> lint_point(const TunePoint& point) {
    TRY(lint(source_, primary(), point));
    TRY(tools_.backend->check(source_, primary(), point, nullptr));
    return {};
  }

  // Reads the plan and keeps those tune points that can be bound to the primary workload.
  Result<std::string> lint_body() {
    points_.clear();
    source_ = TRY(read_source(candidate_));
    tools_ = TRY(shared_->parts.languages.find(candidate_.language));
    const auto all = TRY(tune_points(source_));
    std::optional<Error> first;
    for (const auto& point : all) {
      auto checked = lint_point(point);
      if (checked) {
        points_.push_back(point);
      } else if (checked.error().kind != ErrorKind::candidate || all.size() == 1) {
        return std::unexpected(std::move(checked).error());
      } else if (!first) {
        first = std::move(checked).error();
      }
    }
    if (points_.empty()) return std::unexpected(std::move(*first));
    if (!TRY(supports(source_, primary()))) {
      const int line = source_.plan.supports ? source_.plan.supports->at.line : source_.plan.at.line;
      auto error =
          fail(ErrorKind::candidate, "`supports` does not admit the primary workload, and it must", Location{line, 1});
      error.error().facts = {{"verdict", "rejected"}, {"rule", "not_supported"}};
      return error;
    }
    return "";
  }

  void linted(std::string) {
    images_.resize(points_.size());
    if (points_.size() > 1) {
      if (const auto known = shared_->parts.cache.get(tune_key())) {
        const auto pick = std::ranges::find(points_, *known, [](const TunePoint& p) { return kerf::to_string(p); });
        if (pick != points_.end()) {
          pick_ = static_cast<std::size_t>(pick - points_.begin());
          tuned_ = true;
          e_.jobs.push_back({.kind = "tune", .seconds = 0, .cached = true});
        }
      }
    }
    compile(pick_, &Journey::compiled_first, {});
  }

  // The output is what is known of the image without running it, as JSON.
  Result<std::string> compile_body(std::size_t i) {
    images_[i] = TRY(tools_.backend->compile(source_, points_[i], request_.problem->workloads));
    return TRY(tools_.backend->check(source_, primary(), points_[i], &images_[i])).dump();
  }

  JobId compile(std::size_t i, Next next, std::vector<JobId> after) {
    return add(
        "compile", "", Slot::compile, [self = shared_from_this(), i] { return self->compile_body(i); }, next,
        std::move(after));
  }

  void mark_cached_compilation(std::size_t i) {
    if (images_[i].cached && !e_.jobs.empty() && e_.jobs.back().kind == "compile") e_.jobs.back().cached = true;
  }

  void compiled_first(std::string known) {
    mark_cached_compilation(pick_);
    if (auto detail = nlohmann::json::parse(known, nullptr, false); !detail.is_null() && !detail.is_discarded())
      e_.checks.push_back({.name = "inspect", .passed = true, .detail = {{"launches", std::move(detail)}}});
    first_ = pick_;
    if (points_.size() == 1 && repeats()) return;
    add("verify_small", verify_key("verify_small", pick_), Slot::run,
        verify_body([](Journey& j, const VerifyTools& tools) {
          return verify_small(tools, *j.request_.problem, j.source_, j.images_[j.pick_], j.points_[j.pick_], j.random_);
        }),
        &Journey::verified_small);
  }

  // With all points compiled: takes down what code it is. True if that is known, and the journey over.
  bool repeats() {
    const auto plan = find_plan(candidate_.text, candidate_.language);
    if (!plan || std::ranges::any_of(images_, [](const Image& image) { return image.code.empty(); })) return false;
    Digest digest;
    digest.add(e_.language).add(e_.target).add(normal_plan(plan->toml));
    for (const Image& image : images_) digest.add(image.code);
    e_.code = digest.hex();
    const auto known = request_.known_code ? request_.known_code(e_.code) : std::nullopt;
    if (!known) return false;
    conclude({.verdict = Verdict::rejected,
              .rule = "repetition",
              .message = "it compiles to the same code, run by the same plan, as " + *known,
              .at = {}});
    return true;
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
      const auto v = TRY(self->shared_->watched(verify(*self, self->shared_->verify_tools(*self->tools_.runner))));
      return to_json(v).dump();
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
    if (points_.size() == 1 || tuned_ || !shared_->options.emulated.empty()) return verify_pick();
    std::vector<JobId> compiled;
    waiting_ = points_.size() - 1;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (i == pick_) continue;
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
                           .detail = {{"point", kerf::to_string(points_[i])},
                                      {"verdict", kerf::to_string(finding->verdict)},
                                      {"message", finding->message}}});
      broken_.insert(i);
    }
    if (--waiting_ > 0) return;
    for (auto it = broken_.rbegin(); it != broken_.rend(); ++it) {
      points_.erase(points_.begin() + static_cast<std::ptrdiff_t>(*it));
      images_.erase(images_.begin() + static_cast<std::ptrdiff_t>(*it));
      if (*it < pick_) --pick_;
    }
    first_ = pick_;
    if (broken_.empty() && repeats()) return;
    add("tune", "", Slot::alone,
        holding(true,
                [self = shared_from_this()]() -> Result<std::string> {
                  auto result =
                      self->shared_->watched(tune(self->shared_->timing_tools(*self->tools_.runner), self->source_,
                                                  self->points_, self->images_, self->primary(), self->random_));
                  if (!result && self->is_no_graph(result.error())) return "";
                  self->tuned_result_ = TRY(std::move(result));
                  return "";
                }),
        &Journey::tuned);
  }

  void tuned(std::string) {
    if (!untimed_.empty()) return verify_pick();  // the first point stands for all
    std::ranges::move(tuned_result_.checks, std::back_inserter(e_.checks));
    if (tuned_result_.finding) return conclude(std::move(*tuned_result_.finding));
    pick_ = tuned_result_.pick;
    shared_->parts.cache.put(tune_key(), kerf::to_string(points_[pick_]));
    verify_pick();
  }

  void verify_pick() {
    add("verify", verify_key("verify", pick_), Slot::run, verify_body([](Journey& j, const VerifyTools& tools) {
          return verify_all(tools, *j.request_.problem, j.source_, j.images_[j.pick_], j.points_[j.pick_], j.random_,
                            j.pick_ != j.first_);
        }),
        &Journey::verified);
  }

  void verified(std::string output) {
    if (!take(output)) return;
    if (!shared_->options.emulated.empty()) return right_without_times(Evidence::emulated, shared_->options.emulated);
    if (!untimed_.empty()) return right_without_times(Evidence::silicon, untimed_);
    const bool confirm = request_.effort == Effort::confirm;
    wanted_ = {Baseline::eager};
    if (confirm || shared_->options.compile_baseline_when_screening ||
        shared_->settled.contains({primary().id, Baseline::compile})) {
      wanted_.push_back(Baseline::compile);
    }
    if (confirm && shared_->options.max_autotune) wanted_.push_back(Baseline::max_autotune);
    std::vector<JobId> after;
    if (std::ranges::any_of(wanted_, [&](Baseline b) { return !shared_->settled.contains({primary().id, b}); })) {
      after.push_back(add("baseline", "", Slot::run,
                          holding(false, [self = shared_from_this()] { return self->baseline_body(); }),
                          &Journey::baselines_settled));
    }
    add("time", "", Slot::alone, holding(true, [self = shared_from_this()] { return self->time_body(); }),
        &Journey::timed, std::move(after));
  }

  // Where times are those of graphs, a plan that cannot be captured has none. That is no failure, and nothing that is
  // wrong with it.
  bool is_no_graph(const Error& error) {
    if (!shared_->options.graph || error.kind != ErrorKind::unavailable) return false;
    untimed_ = error.message;
    return true;
  }

  void right_without_times(Evidence evidence, const std::string& why) {
    Receipt r{.evidence = evidence, .graph = shared_->options.graph};
    r.unavailable["time"] = why;
    r.tune = kerf::to_string(points_[pick_]);
    r.machine = shared_->parts.watch.describe();
    r.machine["threads"] = shared_->options.threads;
    if (auto device = tools_.runner->describe(); !device.is_null()) r.machine["device"] = std::move(device);
    r.versions = shared_->options.versions;
    r.versions.update(shared_->parts.oracle.versions());
    r.versions["compiler"] = tools_.backend->version();
    r.isolation = tools_.runner->isolation();
    e_.verdict = Verdict::measured;
    e_.receipt = std::move(r);
    answer(std::move(e_));
  }

  void baselines_settled(std::string) {
    for (const auto baseline : wanted_) shared_->settled.insert({primary().id, baseline});
  }

  Result<std::string> baseline_body() {
    for (const auto baseline : wanted_) {
      const std::pair key{primary().id, baseline};
      if (shared_->baselines.contains(key)) continue;
      auto ready = shared_->parts.oracle.prepare_baseline(primary().id, baseline);
      if (!ready && ready.error().kind != ErrorKind::unavailable)
        return std::unexpected(shared_->watched(std::move(ready)).error());
      shared_->baselines[key] = ready ? "" : ready.error().message;
    }
    return "";
  }

  Result<std::string> time_body() {
    TRY(baseline_body());  // nothing to do, unless the oracle was started anew
    std::vector<Baseline> ready;
    std::map<std::string, std::string> missing;
    for (const auto baseline : wanted_) {
      const auto& why = shared_->baselines[{primary().id, baseline}];
      if (why.empty()) {
        ready.push_back(baseline);
      } else {
        missing[kerf::to_string(baseline)] = why;
      }
    }
    const auto& options = request_.effort == Effort::confirm ? shared_->options.confirm : shared_->options.screen;
    const TimingRequest request{.source = source_,
                                .image = images_[pick_],
                                .point = points_[pick_],
                                .workload = primary(),
                                .baselines = std::move(ready),
                                .options = options};
    const auto light = speed_of_light_us(primary(), shared_->options.limits);
    const auto shortest = shortest_believable_us(primary(), shared_->options.limits);
    // What seems faster than light is measured a second time before that is held against it.
    for (int attempt = 0; attempt < 2; ++attempt) {
      auto timed = shared_->watched(time_candidate(shared_->timing_tools(*tools_.runner), request, random_));
      if (!timed && is_no_graph(timed.error())) return "";
      timed_result_ = TRY(std::move(timed));
      if (timed_result_.finding || !is_faster_than_light(timed_result_.receipt, shortest)) break;
    }
    auto& r = timed_result_.receipt;
    r.unavailable = std::move(missing);
    r.tune = kerf::to_string(points_[pick_]);
    r.machine = shared_->parts.watch.describe();
    r.machine["threads"] = shared_->options.threads;
    if (auto device = tools_.runner->describe(); !device.is_null()) r.machine["device"] = std::move(device);
    r.versions = shared_->options.versions;
    r.versions.update(shared_->parts.oracle.versions());
    r.versions["compiler"] = tools_.backend->version();
    r.isolation = tools_.runner->isolation();
    r.speed_of_light_us = light;
    if (light && r.time_us.median > 0) r.fraction_of_speed_of_light = *light / r.time_us.median;
    r.quarantined = is_faster_than_light(r, shortest);
    return "";
  }

  void timed(std::string) {
    if (!untimed_.empty()) return right_without_times(Evidence::silicon, untimed_);
    std::ranges::move(timed_result_.checks, std::back_inserter(e_.checks));
    if (timed_result_.finding) return conclude(std::move(*timed_result_.finding));
    if (!worth_a_profile()) return trace_baselines();
    add("profile", "", Slot::alone, holding(true, [self = shared_from_this()] { return self->profile_body(); }),
        &Journey::profiled);
  }

  // Candidates that something will be built on: the fastest so far, those that are confirmed, those that were asked
  // for.
  [[nodiscard]] bool worth_a_profile() {
    const Receipt& r = timed_result_.receipt;
    if (r.quarantined || !tools_.runner->profiles()) return false;
    const auto [best, first] = shared_->best_us.try_emplace(primary().id, r.time_us.median);
    const bool faster = first || r.time_us.median < best->second;
    best->second = std::min(best->second, r.time_us.median);
    return faster || request_.profile || request_.effort == Effort::confirm;
  }

  // A profile that cannot be had is no reason to have nothing: the receipt says why. What a candidate does in it to
  // what is not its own counts as in any run.
  Result<std::string> profile_body() {
    profile_.reset();
    auto taken = take_profile({.oracle = shared_->parts.oracle,
                               .runner = *tools_.runner,
                               .trials = shared_->trials,
                               .threads = shared_->options.threads},
                              {.source = source_,
                               .image = images_[pick_],
                               .point = points_[pick_],
                               .workload = primary(),
                               .time_us = timed_result_.receipt.time_us.median,
                               .step_us = timed_result_.step_us,
                               .effort = request_.profile ? Effort::confirm : request_.effort,
                               .ncu = request_.ncu},
                              random_);
    if (taken) {
      if (!taken->no_lines.empty()) timed_result_.receipt.unavailable["lines"] = taken->no_lines;
      if (!taken->no_ncu.empty()) timed_result_.receipt.unavailable["ncu"] = taken->no_ncu;
      profile_ = *std::move(taken);
    } else if (taken.error().kind == ErrorKind::candidate) {
      return std::unexpected(taken.error());
    } else {
      timed_result_.receipt.unavailable["profile"] = taken.error().message;
      static_cast<void>(shared_->watched(std::move(taken)));
    }
    return "";
  }

  // What happens inside a kernel of Triton's takes a compilation and some launches more: for those that are asked for.
  void profiled(std::string) {
    const int step = slowest_launch(source_.plan, timed_result_.step_us);
    auto* const prober = dynamic_cast<KernelProber*>(tools_.backend.get());
    if (!request_.profile || !profile_ || prober == nullptr || step < 0) return trace_baselines();
    add(
        "instrument", "", Slot::compile,
        [self = shared_from_this(), prober, step]() -> Result<std::string> {
          self->probed_ = prober->probed(self->source_, self->primary(), self->points_[self->pick_], step);
          return "";
        },
        &Journey::instrumented);
  }

  void instrumented(std::string) {
    if (!probed_) {
      timed_result_.receipt.unavailable["timeline"] = probed_.error().message;
      return trace_baselines();
    }
    add("probe", "", Slot::alone, [self = shared_from_this()] { return self->probe_body(); }, &Journey::probed);
  }

  Result<std::string> probe_body() {
    const int step = slowest_launch(source_.plan, timed_result_.step_us);
    const auto device = tools_.runner->describe();
    auto taken = take_timeline(
        {.oracle = shared_->parts.oracle,
         .runner = *tools_.runner,
         .trials = shared_->trials,
         .threads = shared_->options.threads},
        {.source = source_,
         .image = images_[pick_],
         .point = points_[pick_],
         .workload = primary(),
         .time_us = timed_result_.receipt.time_us.median,
         .step_us = timed_result_.step_us},
        *probed_, step, sm_mhz(profile_->answer, step, device.is_object() ? device.value("clock_khz", 0) : 0), random_);
    if (taken) {
      timeline_ = *std::move(taken);
    } else if (taken.error().kind == ErrorKind::candidate) {
      return std::unexpected(taken.error());
    } else {
      timed_result_.receipt.unavailable["timeline"] = taken.error().message;
      static_cast<void>(shared_->watched(std::move(taken)));
    }
    return "";
  }

  void probed(std::string) { trace_baselines(); }

  // Once for each workload, when somebody asks for a profile: what the baselines do on the device.
  void trace_baselines() {
    if (!request_.profile) return diagnose_candidate();
    for (const auto& [name, estimate] : timed_result_.receipt.baselines) {
      const auto known = shared_->traces.find({primary().id, name});
      if (known == shared_->traces.end()) {
        traces_[name];
      } else if (known->second) {
        known_traces_[name] = *known->second;
      } else {
        timed_result_.receipt.unavailable["trace." + name] = known->second.error().message;
      }
    }
    if (traces_.empty()) return diagnose_candidate();
    add("trace", "", Slot::alone, [self = shared_from_this()] { return self->trace_body(); }, &Journey::traced);
  }

  Result<std::string> trace_body() {
    for (auto& [name, trace] : traces_) {
      const auto baseline = name == to_string(Baseline::eager)     ? Baseline::eager
                            : name == to_string(Baseline::compile) ? Baseline::compile
                                                                   : Baseline::max_autotune;
      const auto text = shared_->parts.oracle.trace_baseline(primary().id, baseline);
      auto read = text ? read_torch_trace(*text) : Result<TorchTrace>(std::unexpected(text.error()));
      if (!read && read.error().kind == ErrorKind::user)
        read = fail(ErrorKind::unavailable, "unavailable: " + read.error().message);
      if (read && shared_->options.gpu && read->launches + read->copies == 0)
        read = fail(ErrorKind::unavailable, "unavailable: PyTorch's profiler saw nothing of the GPU");
      if (read) shorten(*read);
      trace = std::move(read);
    }
    return "";
  }

  void traced(std::string) {
    for (auto& [name, trace] : traces_) {
      if (trace) {
        known_traces_[name] = *trace;
      } else {
        timed_result_.receipt.unavailable["trace." + name] = trace.error().message;
      }
      shared_->traces.insert_or_assign({primary().id, name}, std::move(trace));
    }
    diagnose_candidate();
  }

  void diagnose_candidate() {
    add(
        "diagnose", "", Slot::light,
        [self = shared_from_this()]() -> Result<std::string> {
          const auto shape =
              shape_of_plan(self->source_, self->primary(), self->points_[self->pick_], self->shared_->options.threads);
          self->e_diagnosis_ = diagnose({.source = self->source_,
                                         .workload = self->primary(),
                                         .receipt = self->timed_result_.receipt,
                                         .limits = self->shared_->options.limits,
                                         .shape = shape,
                                         .step_us = self->timed_result_.step_us,
                                         .remarks = self->images_[self->pick_].remarks});
          self->e_diagnosis_.timeline = self->timeline_;
          self->e_diagnosis_.traces = self->known_traces_;
          const auto device = self->tools_.runner->describe();
          if (self->profile_ && self->shared_->options.gpu) {
            add_profile(self->e_diagnosis_, *self->profile_,
                        {.source = self->source_,
                         .workload = self->primary(),
                         .shape = shape ? &*shape : nullptr,
                         .step_us = self->timed_result_.step_us,
                         .time_us = self->timed_result_.receipt.time_us.median,
                         .launch_us = self->shared_->options.limits.launch_us,
                         .gpu = *self->shared_->options.gpu,
                         .sms = device.is_object() ? device.value("sms", 0) : 0});
          }
          return "";
        },
        &Journey::diagnosed);
  }

  void diagnosed(std::string) {
    e_.verdict = Verdict::measured;
    e_.receipt = std::move(timed_result_.receipt);
    e_.diagnosis = std::move(e_diagnosis_);
    if (e_.receipt->quarantined) {
      e_.rule = "faster_than_light";
      e_.message = "faster than 1.05 times the speed of light: quarantined, not scored";
    }
    answer(std::move(e_));
  }

  [[nodiscard]] std::string problem_key() const {
    Digest digest;
    for (const auto& w : request_.problem->workloads) digest.add(w.id);
    for (const auto& d : request_.problem->admission.distributions) digest.add(d);
    digest.add(static_cast<std::int64_t>(shared_->options.threads));
    return digest.hex();
  }
  // The image's digest stands for source, tune point, flags, compiler and harness. first_ decides whether the small
  // variant is looked at again.
  [[nodiscard]] std::string verify_key(const char* kind, std::size_t i) const {
    return Digest()
        .add(kind)
        .add(harness_version)
        .add(images_[i].digest)
        .add(problem_key())
        .add(static_cast<std::int64_t>(i != first_))
        .hex();
  }
  [[nodiscard]] std::string tune_key() const {
    return Digest()
        .add(shared_->options.graph ? "tune of graphs" : "tune")
        .add(harness_version)
        .add(candidate_.id())
        .add(tools_.backend->version())
        .add(problem_key())
        .hex();
  }

  std::shared_ptr<Shared> shared_;
  JobGraph& graph_;
  JobGroup group_;
  Candidate candidate_;
  EvaluationRequest request_;
  Random random_;
  Evaluator::Done done_;
  Evaluation e_;
  Source source_;
  LanguageTools tools_;  // of the candidate's language, once it was read
  std::vector<TunePoint> points_;
  std::vector<Image> images_;
  std::set<std::size_t> broken_;
  std::size_t pick_ = 0, first_ = 0, waiting_ = 0;
  bool tuned_ = false;
  Tuned tuned_result_;
  std::string untimed_;  // why no time can be taken; empty: one can, or was
  std::vector<Baseline> wanted_;
  Timed timed_result_;
  std::optional<TakenProfile> profile_;
  Result<ProbedKernel> probed_ = ProbedKernel();
  std::optional<Timeline> timeline_;
  Diagnosis e_diagnosis_;
  std::map<std::string, Result<TorchTrace>> traces_;  // by baseline: those that are taken
  std::map<std::string, TorchTrace> known_traces_;    // those that are known
};

class LocalEvaluator final : public Evaluator {
 public:
  LocalEvaluator(const EvaluatorParts& parts, LocalEvaluatorOptions options)
      : shared_(std::make_shared<Shared>(parts, std::move(options))),
        random_(shared_->options.seed != 0 ? shared_->options.seed : secret_seed()),
        graph_(parts.loop, parts.clock, parts.cache, {.compile = shared_->options.jobs, .attempts = 3}) {}

  void submit(Candidate candidate, EvaluationRequest request, Done done) override {
    if (auto refusal = refuse(candidate, request)) {
      shared_->parts.loop.post(
          [done = std::move(done), error = std::move(*refusal)]() mutable { done(std::unexpected(std::move(error))); });
      return;
    }
    const auto id = Digest()
                        .add(candidate.id())
                        .add(shared_->parts.clock.unix_ms())
                        .add(static_cast<std::int64_t>(random_.next()))
                        .hex()
                        .substr(0, 16);
    const auto journey = std::make_shared<Journey>(shared_, graph_, std::move(candidate), std::move(request),
                                                   random_.split(), id, std::move(done));
    std::erase_if(under_way_, [](const auto& weak) { return weak.expired(); });
    under_way_.push_back(journey);
    journey->start();
  }

  void cancel_all() override {
    const auto all = std::exchange(under_way_, {});
    for (const auto& weak : all) {
      if (const auto journey = weak.lock()) graph_.cancel(journey->group());
    }
  }

 private:
  [[nodiscard]] std::optional<Error> refuse(const Candidate& candidate, const EvaluationRequest& request) const {
    if (!request.problem || request.problem->workloads.empty()) {
      return Error{.kind = ErrorKind::internal, .message = "an evaluation needs a problem that was admitted"};
    }
    if (!request.problem->admission.admitted) {
      return Error{.kind = ErrorKind::user,
                   .message = request.problem->problem.id + " was refused: " + request.problem->admission.refused};
    }
    if (!shared_->parts.languages.has(candidate.language)) {
      return Error{.kind = ErrorKind::unavailable,
                   .message = std::string("unavailable: target ") + shared_->options.target + " takes candidates in " +
                              shared_->parts.languages.names() + ", and this one is " + to_string(candidate.language)};
    }
    return std::nullopt;
  }

  std::shared_ptr<Shared> shared_;
  Random random_;
  JobGraph graph_;
  std::vector<std::weak_ptr<Journey>> under_way_;
};

}  // namespace

std::unique_ptr<Evaluator> make_local_evaluator(const EvaluatorParts& parts, LocalEvaluatorOptions options) {
  return std::make_unique<LocalEvaluator>(parts, std::move(options));
}

}  // namespace kerf
