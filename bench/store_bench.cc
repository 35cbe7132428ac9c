// What the store costs a candidate: an ask and a tell with its evaluation, on a real file; and a page of a big session.
#include <benchmark/benchmark.h>

#include "base/paths.h"
#include "store/store.h"

namespace kerf {
namespace {

NewNode a_node(NodeIndex index) {
  NewNode node;
  node.expansion = {.id = static_cast<ExpansionId>(index) + 1, .task = Task::expand, .parents = {0}, .reason = "bench"};
  node.told = {.id = node.expansion.id, .outcome = {.kind = Outcome::Kind::measured}, .node = index};
  node.candidate = {.text = std::to_string(index) + std::string(4000, ' '), .language = Language::cpp, .name = "c"};
  node.evaluation.verdict = Verdict::measured;
  node.evaluation.receipt.emplace().raw_us.assign(200, 123.456);
  return node;
}

struct Session {
  SystemClock clock;
  TemporaryDirectory folder = TemporaryDirectory::create("kerf-store-bench").value();
  std::unique_ptr<Store> store = open_store((folder.path() / "store.db").string(), clock).value();
  std::unique_ptr<SessionWriter> writer = store->create({}).value();
};

void record_a_candidate(benchmark::State& state) {
  Session session;
  NodeIndex index = 0;
  for (auto _ : state) {
    const NewNode node = a_node(index++);
    if (!session.writer->append(Asked{node.expansion}) || !session.writer->record(node)) state.SkipWithError("failed");
  }
}
BENCHMARK(record_a_candidate)->Unit(benchmark::kMicrosecond);

void read_a_node(benchmark::State& state) {
  Session session;
  for (NodeIndex i = 0; i < 2000; ++i) (void)session.writer->record(a_node(i));
  NodeIndex index = 0;
  for (auto _ : state) {
    if (!session.store->node(session.writer->id(), index = (index + 997) % 2000)) state.SkipWithError("failed");
  }
}
BENCHMARK(read_a_node)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kerf
