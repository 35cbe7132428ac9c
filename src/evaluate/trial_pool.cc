#include "evaluate/trial_pool.h"

#include <algorithm>

namespace kerf {

TrialPool::TrialPool(Oracle& oracle, Limits limits) : oracle_(oracle), limits_(limits) {}

TrialPool::~TrialPool() { clear(); }

void TrialPool::clear() {
  shelves_.clear();  // each trial is forgotten when the last holder lets go of it
  bytes_ = 0;
}

std::size_t TrialPool::size() const {
  std::size_t n = 0;
  for (const auto& [key, shelf] : shelves_) n += shelf.trials.size();
  return n;
}

void TrialPool::make_room(std::size_t wanted, const Key& keep) {
  while (bytes_ + wanted > limits_.bytes) {
    auto oldest = shelves_.end();
    for (auto it = shelves_.begin(); it != shelves_.end(); ++it) {
      if (it->first == keep || it->second.trials.empty()) continue;
      if (oldest == shelves_.end() || it->second.used < oldest->second.used) oldest = it;
    }
    if (oldest == shelves_.end()) return;
    for (const auto& trial : oldest->second.trials) bytes_ -= trial->arena.size();
    shelves_.erase(oldest);
  }
}

Result<std::shared_ptr<Trial>> TrialPool::draw(const Key& key, const Workload& of, Random& random) {
  const auto& [workload, distribution, placement, changing] = key;
  std::size_t wanted = 0;
  for (const NamedTensor& tensor : of.tensors) wanted += tensor.spec.storage_bytes();
  make_room(wanted, key);  // before, not after: the largest problems fit once
  Trial drawn = TRY(oracle_.draw(
      {.workload = workload, .distribution = distribution, .seed = random.next(), .placement = placement}));
  std::shared_ptr<Trial> trial(new Trial(std::move(drawn)), [&oracle = oracle_](const Trial* t) {
    oracle.forget(t->id);
    delete t;
  });
  auto& shelf = shelves_[key];
  shelf.trials.push_back(trial);
  shelf.used = ++tick_;
  bytes_ += trial->arena.size();
  return trial;
}

Result<std::shared_ptr<Trial>> TrialPool::pick(const Workload& workload, const std::string& distribution,
                                               Placement placement, Random& random) {
  const Key key{workload.id, distribution, placement, false};
  const auto found = shelves_.find(key);
  const std::size_t have = found == shelves_.end() ? 0 : found->second.trials.size();
  if (have == 0) return draw(key, workload, random);
  // More copies are drawn as candidates come, one in four times, while a quarter of the room would hold them all.
  const auto& trials = found->second.trials;
  const bool roomy = (have + 1) * trials[0]->arena.size() <= limits_.bytes / 16;
  if (have < limits_.copies && roomy && random.below(4) == 0) return draw(key, workload, random);
  found->second.used = ++tick_;
  return trials[random.below(have)];
}

Result<std::shared_ptr<Trial>> TrialPool::changing(const Workload& workload, Random& random) {
  const Key key{workload.id, "own", Placement::front, true};
  if (const auto found = shelves_.find(key); found != shelves_.end() && !found->second.trials.empty()) {
    found->second.used = ++tick_;
    return found->second.trials[0];
  }
  return draw(key, workload, random);
}

}  // namespace kerf
