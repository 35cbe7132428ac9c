// Trials that the candidates of a session share. Drawing one costs the oracle an fp64 answer; a candidate meets a
// random choice of them, so that verifying a small candidate costs little more than running it.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/random.h"
#include "evaluate/oracle.h"

namespace kerf {

// Not safe to use from two threads at once: jobs that use runner and oracle run one at a time.
class TrialPool {
 public:
  struct Limits {
    std::size_t bytes = std::size_t{2} << 30;  // of arenas; the least recently used go first
    std::size_t copies = 3;                    // of one workload, distribution and placement
  };
  TrialPool(Oracle& oracle, Limits limits);
  explicit TrialPool(Oracle& oracle) : TrialPool(oracle, Limits()) {}
  ~TrialPool();
  TrialPool(const TrialPool&) = delete;
  TrialPool& operator=(const TrialPool&) = delete;

  // A trial whose values are as the oracle drew them. Held trials stay valid when the pool lets go of them.
  [[nodiscard]] Result<std::shared_ptr<Trial>> pick(const Workload& workload, const std::string& distribution,
                                                    Placement placement, Random& random);
  // The trial for timed runs, whose values change from run to run: judge it with `inputs_changed`.
  [[nodiscard]] Result<std::shared_ptr<Trial>> changing(const Workload& workload, Random& random);
  // After the oracle failed: it may have been started anew and know none of them.
  void clear();
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Shelf {
    std::vector<std::shared_ptr<Trial>> trials;
    std::uint64_t used = 0;
  };
  using Key = std::tuple<std::string, std::string, Placement, bool>;
  [[nodiscard]] Result<std::shared_ptr<Trial>> draw(const Key& key, const Workload& of, Random& random);
  void make_room(std::size_t wanted, const Key& keep);

  Oracle& oracle_;
  Limits limits_;
  std::map<Key, Shelf> shelves_;
  std::size_t bytes_ = 0;
  std::uint64_t tick_ = 0;
};

}  // namespace kerf
