// ask + tell in trees of several sizes: under 50 us in one of 10^5 nodes is what is wanted.
#include <benchmark/benchmark.h>

#include <map>
#include <memory>

#include "search/landscape.h"
#include "search/tree_search.h"

namespace kerf {
namespace {

constexpr int in_flight = 4;

// A search of `size` nodes, grown by its own policy on a noisy landscape with four in flight.
struct Grown {
  std::unique_ptr<Search> search;
  Landscape world{7, {}};
  std::vector<Expansion> queue;

  Grown(const std::string& policy, std::int64_t size) : search(*make_search({.policy = policy, .seed = 7})) {
    while (static_cast<TreeSearch*>(search.get())->tree().size() < size) step();
  }
  void step() {
    for (Expansion& e : search->ask(in_flight - static_cast<int>(queue.size()))) queue.push_back(std::move(e));
    const Expansion e = queue.front();
    queue.erase(queue.begin());
    const auto node = search->tell(e.id, world.carry_out(e));
    if (*node) world.told(**node);
  }
};

void ask_and_tell(benchmark::State& state, const std::string& policy) {
  static std::map<std::pair<std::string, std::int64_t>, std::unique_ptr<Grown>> grown;  // growing 10^6 takes a while
  std::unique_ptr<Grown>& tree = grown[{policy, state.range(0)}];
  if (!tree) tree = std::make_unique<Grown>(policy, state.range(0));
  for (auto _ : state) tree->step();
  state.counters["nodes"] = static_cast<double>(static_cast<TreeSearch*>(tree->search.get())->tree().size());
}

BENCHMARK_CAPTURE(ask_and_tell, mcts, "mcts")->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->Iterations(5000);
BENCHMARK_CAPTURE(ask_and_tell, greedy, "greedy")->Arg(100'000)->Iterations(5000);
BENCHMARK_CAPTURE(ask_and_tell, best_of_n, "best-of-n")->Arg(100'000)->Iterations(5000);

}  // namespace
}  // namespace kerf
