// What the engine itself costs: everything but the store is made up.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "evaluate/fake_evaluator.h"
#include "session/session.h"
#include "store/fake_store.h"
#include "synthesize/fake_synthesizer.h"

namespace kerf {
namespace {

enum class Kept : std::int64_t { in_memory, in_sqlite };

// One candidate: ask, request, proposal, evaluation, tell, record.
void engine(benchmark::State& state) {
  constexpr int candidates = 400;
  std::vector<std::string> texts;
  for (int i = 0; i < 2 * candidates; ++i) texts.push_back(fmt::format("candidate {}", i));
  auto understood = std::make_shared<Understood>();
  understood->problem.id = "bench/1";
  understood->workloads.resize(1);
  const SystemClock clock;
  for (auto _ : state) {
    const auto store = static_cast<Kept>(state.range(1)) == Kept::in_memory ? make_fake_store(clock)
                                                                            : open_store(":memory:", clock).value();
    const auto loop = make_manual_loop();
    FakeEvaluator evaluator(*loop);
    FakeSynthesizer synthesizer(texts);
    SilentView view;
    SessionOptions options;
    options.budget = fmt::format("{}candidates", candidates);
    options.jobs = static_cast<int>(state.range(0));
    auto session = Session::start({.loop = *loop,
                                   .clock = clock,
                                   .evaluator = evaluator,
                                   .synthesizer = synthesizer,
                                   .store = *store,
                                   .view = view,
                                   .target_facts = nullptr,
                                   .versions = nullptr,
                                   .identity = [](const Understood&) -> Result<Candidate> {
                                     return Candidate{.text = "identity", .language = Language::cpp, .name = ""};
                                   }},
                                  options, understood);
    if (!session) return state.SkipWithError(session.error().message.c_str());
    (*session)->run([&](const SessionResult&) { loop->stop(); });
    loop->run();
  }
  state.SetItemsProcessed(state.iterations() * candidates);
  state.counters["ms_per_candidate"] = benchmark::Counter(static_cast<double>(state.iterations()) * candidates / 1e3,
                                                          benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(engine)->ArgsProduct({{1, 8, 64}, {0, 1}})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kerf
