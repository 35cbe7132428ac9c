// What a candidate costs: from its submission to its verdict on a small workload, with the real compiler, runner and
// PyTorch, split by job; and what kerf itself adds between one verdict and the next submission.
//   build/evaluate_bench        at the root of the repository; KERF_BENCH_PROBLEM=FILE takes another problem,
//                               KERF_BENCH_SIZES=FILE its sizes
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/wiring.h"
#include "base/paths.h"
#include "evaluate/fake_evaluator.h"
#include "problem/suite.h"
#include "synthesize/fake_synthesizer.h"

namespace kerf {
namespace {

using std::chrono::steady_clock;

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Passes everything on and notes when.
class Stopwatch final : public Evaluator {
 public:
  explicit Stopwatch(Evaluator& inner) : inner_(inner) {}
  void submit(Candidate candidate, EvaluationRequest request, Done done) override {
    const auto start = steady_clock::now();
    if (answered_) between.push_back(since(*answered_));
    answered_.reset();
    const bool screen = request.effort == Effort::screen && !request.remeasure;
    // Another text than in every earlier run: no image comes from the cache.
    candidate.text += fmt::format("\n// {}\n", start.time_since_epoch().count());
    inner_.submit(std::move(candidate), std::move(request),
                  [this, screen, start, done = std::move(done)](Result<Evaluation> e) mutable {
                    if (screen && e) note(*e, since(start));
                    answered_ = steady_clock::now();
                    done(std::move(e));
                  });
  }
  void cancel_all() override { inner_.cancel_all(); }

  std::vector<double> between;                      // seconds from an answer to the next submission
  std::vector<double> took;                         // seconds from submission to verdict, of screens
  std::map<std::string, std::vector<double>> jobs;  // the same by kind of job
  std::map<std::string, int> verdicts;

 private:
  static double since(steady_clock::time_point start) {
    return std::chrono::duration<double>(steady_clock::now() - start).count();
  }
  void note(const Evaluation& e, double seconds) {
    took.push_back(seconds);
    ++verdicts[to_string(e.verdict)];
    std::map<std::string, double> sums;
    for (const JobRecord& job : e.jobs) sums[job.kind] += job.seconds;
    for (const auto& [kind, sum] : sums) jobs[kind].push_back(sum);
  }

  Evaluator& inner_;
  std::optional<steady_clock::time_point> answered_;
};

std::string from_environment(const char* name, const char* otherwise) {
  const char* set = std::getenv(name);
  return set != nullptr ? set : otherwise;
}

SessionOptions session_options(int candidates) {
  SessionOptions options;
  options.budget = fmt::format("{}candidates", candidates);
  options.jobs = 1;  // nothing overlaps: what is seen is one candidate's latency
  options.confirm = 0;
  options.search.remeasure = 0;
  options.search.seed = 1;
  return options;
}

// `parts` with another evaluator.
SessionParts timed(const SessionParts& parts, Evaluator& evaluator) {
  return {.loop = parts.loop,
          .clock = parts.clock,
          .evaluator = evaluator,
          .synthesizer = parts.synthesizer,
          .store = parts.store,
          .view = parts.view,
          .target_facts = parts.target_facts,
          .versions = parts.versions,
          .identity = parts.identity};
}

Result<> run_session(const SessionParts& parts, Stopwatch& stopwatch, std::shared_ptr<const Understood> problem,
                     int candidates) {
  auto session = TRY(Session::start(timed(parts, stopwatch), session_options(candidates), std::move(problem)));
  std::optional<Error> failed;
  session->run([&](const SessionResult& result) { failed = result.error; });
  parts.loop.run();
  if (failed) return std::unexpected(*failed);
  return {};
}

Result<> evaluate_candidates(benchmark::State& state) {
  const auto folder = TRY(TemporaryDirectory::create("kerf-bench"));
  Problem problem =
      TRY(load_problem(from_environment("KERF_BENCH_PROBLEM", "tests/cases/problems/softsign_row_mean.py")));
  if (const auto sizes = from_environment("KERF_BENCH_SIZES", ""); !sizes.empty()) {
    problem.sizes = TRY(sizes_for(sizes, problem));
  }
  const auto wiring = TRY(Wiring::open({.store = (folder.path() / "kerf.db").string(), .jobs = 1}));
  const auto understood = TRY(understand(*wiring, problem));
  SilentView view;
  Stopwatch stopwatch(wiring->evaluator());
  const auto candidates = static_cast<int>(state.range(0));
  for (auto _ : state) {
    TRY(run_session(wiring->session_parts(view), stopwatch, understood, candidates));
    // The first one pays for what a session makes once.
    const double first = stopwatch.took.empty() ? 0 : stopwatch.took.front();
    std::vector<double> rest(stopwatch.took.begin() + (stopwatch.took.empty() ? 0 : 1), stopwatch.took.end());
    state.SetIterationTime(median_of(rest));
    state.counters["candidates"] = static_cast<double>(rest.size());
    state.counters["first_s"] = first;
    state.counters["slowest_s"] = rest.empty() ? 0 : *std::ranges::max_element(rest);
    for (const auto& [kind, seconds] : stopwatch.jobs) state.counters[kind + "_s"] = median_of(seconds);
    for (const auto& [verdict, count] : stopwatch.verdicts) state.counters[verdict] = count;
  }
  return {};
}

// Median seconds from submission to verdict, 20 candidates of the built-in synthesizer.
void candidate_to_verdict(benchmark::State& state) {
  if (auto done = evaluate_candidates(state); !done) state.SkipWithError(done.error().message.c_str());
}
BENCHMARK(candidate_to_verdict)->Arg(21)->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);

Result<> run_fakes(benchmark::State& state) {
  const auto folder = TRY(TemporaryDirectory::create("kerf-bench"));
  SystemClock clock;
  const auto loop = TRY(make_loop(1));
  const auto store = TRY(open_store((folder.path() / "kerf.db").string(), clock));
  auto problem = std::make_shared<Understood>();
  problem->problem.id = "bench/1";
  problem->problem.source = "class Model: pass";
  problem->admission.admitted = true;
  problem->workloads.resize(1);
  const auto candidates = static_cast<int>(state.range(0));
  for (auto _ : state) {
    std::vector<std::string> texts;
    for (int i = 0; i < 2 * candidates; ++i) texts.push_back(fmt::format("candidate {}{:4000}", i, ""));
    FakeEvaluator fake(*loop);
    FakeSynthesizer synthesizer(std::move(texts));
    SilentView view;
    Stopwatch stopwatch(fake);
    TRY(run_session({.loop = *loop,
                     .clock = clock,
                     .evaluator = fake,
                     .synthesizer = synthesizer,
                     .store = *store,
                     .view = view,
                     .target_facts = {},
                     .versions = {},
                     .identity = [](const Understood&) -> Result<Candidate> {
                       return Candidate{.text = "identity", .language = Language::cpp, .name = "identity"};
                     }},
                    stopwatch, problem, candidates));
    state.SetIterationTime(median_of(stopwatch.between));
    state.counters["candidates"] = static_cast<double>(stopwatch.between.size());
    state.counters["slowest_ms"] = 1e3 * *std::ranges::max_element(stopwatch.between);
  }
  return {};
}

// Median time from one verdict to the next submission, with a fake evaluator and synthesizer and a real store: kerf's
// own share (search, session, store).
void verdict_to_next_submission(benchmark::State& state) {
  if (auto done = run_fakes(state); !done) state.SkipWithError(done.error().message.c_str());
}
BENCHMARK(verdict_to_next_submission)->Arg(200)->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kerf
