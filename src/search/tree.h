// The tree as a policy sees it: flat arrays, one cache line of hot figures a node.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "search/search.h"

namespace kerf {

inline constexpr NodeIndex no_node = -1;
inline constexpr int memory_operators = 4;
[[nodiscard]] constexpr std::size_t index_of(MemoryOperator memory) { return static_cast<std::size_t>(memory); }

// How a memory operator has done so far, over the whole tree.
struct Arm {
  std::int64_t tries = 0;    // told: nodes and failures, `nothing` left out
  std::int64_t pending = 0;  // in flight
  double gain = 0;           // log speedup of children over their parents, each from 0 to 1
};

// A maximum over indexed values that change: the best of n in O(1), a change in O(log n).
class Tournament {
 public:
  static constexpr double out = -1e300;  // the value of who does not take part
  void set(NodeIndex i, double value);
  [[nodiscard]] NodeIndex best() const;                 // no_node if nobody takes part; ties go to the lower index
  [[nodiscard]] NodeIndex best_but(NodeIndex i) const;  // as if i did not take part
  [[nodiscard]] double value(NodeIndex i) const { return values_[leaf(i)]; }

 private:
  [[nodiscard]] std::size_t leaf(NodeIndex i) const { return leaves_ + static_cast<std::size_t>(i); }
  [[nodiscard]] std::size_t winner(std::size_t a, std::size_t b) const;
  void grow(std::size_t size);

  std::size_t leaves_ = 0;
  std::vector<double> values_;     // leaves at leaves_ …
  std::vector<std::size_t> wins_;  // inner node -> leaf position of its best
};

class Tree {
 public:
  [[nodiscard]] NodeIndex size() const { return static_cast<NodeIndex>(hot_.size()); }
  [[nodiscard]] bool empty() const { return hot_.empty(); }

  // The nearest ancestor that was measured, or the root: what figures are backed up to. no_node for the root itself.
  [[nodiscard]] NodeIndex parent(NodeIndex i) const { return at(i).parent; }
  [[nodiscard]] NodeIndex built_on(NodeIndex i) const {
    return cold(i).built_on;
  }  // may have failed (a repair); no_node: fresh
  [[nodiscard]] int depth(NodeIndex i) const { return cold(i).depth; }
  [[nodiscard]] bool failed(NodeIndex i) const { return at(i).failed; }
  [[nodiscard]] Reward reward(NodeIndex i) const { return {at(i).mean, static_cast<double>(at(i).standard_error)}; }
  [[nodiscard]] int remeasured(NodeIndex i) const { return at(i).remeasured; }
  [[nodiscard]] bool remeasuring(NodeIndex i) const { return at(i).remeasuring; }

  // Measured children only, newest first; failed ones count in `attempts` and are reached by last_failed.
  [[nodiscard]] NodeIndex first_child(NodeIndex i) const { return at(i).first_child; }
  [[nodiscard]] NodeIndex next_sibling(NodeIndex i) const { return at(i).next_sibling; }
  [[nodiscard]] NodeIndex last_failed(NodeIndex i) const { return cold(i).last_failed; }
  [[nodiscard]] int children(NodeIndex i) const { return cold(i).children; }
  // How many failed candidates in a row it repairs: 0 unless it was built on a failed one.
  [[nodiscard]] int repairs(NodeIndex i) const { return cold(i).repairs; }
  [[nodiscard]] int attempts(NodeIndex i) const { return at(i).attempts; }         // told children, failed ones too
  [[nodiscard]] int in_flight_at(NodeIndex i) const { return cold(i).in_flight; }  // expansions of this very node

  // Visits: 1 of its own and 1 for every told candidate below it. Pending: what is in flight at or below it.
  [[nodiscard]] std::int64_t visits(NodeIndex i) const { return at(i).visits; }
  [[nodiscard]] std::int64_t pending(NodeIndex i) const { return at(i).pending; }
  // Mean and best of the log speedups at and below it; a failure counts as no better than the library and its parent.
  [[nodiscard]] double mean(NodeIndex i) const { return at(i).sum / static_cast<double>(at(i).visits); }
  [[nodiscard]] double best_below(NodeIndex i) const { return at(i).best; }
  [[nodiscard]] NodeIndex best_node_below(NodeIndex i) const { return at(i).best_node; }

  [[nodiscard]] bool exhausted(NodeIndex i, MemoryOperator memory) const {
    return (at(i).exhausted >> index_of(memory) & 1) != 0;
  }
  // Something can still be asked of it: of this very node, or (open_below) of it or any node below it.
  [[nodiscard]] bool open(NodeIndex i) const { return (at(i).exhausted & 7) != 7 || fresh_open(i); }
  [[nodiscard]] bool open_below(NodeIndex i) const { return open(i) || at(i).open_children > 0; }

  [[nodiscard]] NodeIndex best() const { return scores_.best(); }
  [[nodiscard]] NodeIndex best_but(NodeIndex i) const { return scores_.best_but(i); }
  [[nodiscard]] NodeIndex best_open() const { return open_scores_.best(); }  // not being measured again either
  [[nodiscard]] double lowest() const { return lowest_; }                    // reward ever seen; 0 in an empty tree
  [[nodiscard]] const Arm& arm(MemoryOperator memory) const { return arms_[index_of(memory)]; }
  [[nodiscard]] std::int64_t in_flight() const { return in_flight_; }

  // What happens to it: by the search only. `at` no_node means the root (fresh).
  void start(Task task, NodeIndex at, MemoryOperator memory);   // virtual loss on the path
  void finish(Task task, NodeIndex at, MemoryOperator memory);  // takes it back
  NodeIndex add_root(bool measured, Reward reward);
  NodeIndex add(NodeIndex built_on, MemoryOperator memory, bool measured, Reward reward);
  void remeasure(NodeIndex i, Reward reward);  // pools by inverse variance
  // It did not come back right this time (a race, a crash now and then): never to be built upon, no longer the best.
  void disqualify(NodeIndex i);
  void exhaust(NodeIndex i, MemoryOperator memory);

 private:
  struct alignas(64) Hot {
    double mean = 0;
    double sum = 0;
    double best = 0;
    float standard_error = 0;
    std::int32_t best_node = -1;
    std::int32_t parent = -1;
    std::int32_t first_child = -1;
    std::int32_t next_sibling = -1;
    std::int32_t visits = 1;
    std::int32_t pending = 0;
    std::int32_t attempts = 0;
    std::int32_t open_children = 0;
    std::uint8_t exhausted = 0;  // bit a memory operator
    bool failed = false;
    std::uint8_t remeasured = 0;
    bool remeasuring = false;
  };
  static_assert(sizeof(Hot) == 64);
  struct Cold {
    std::int32_t built_on = -1;
    std::int32_t depth = 0;
    std::int32_t last_failed = -1;
    std::int32_t children = 0;
    std::int32_t in_flight = 0;
    std::int32_t repairs = 0;
  };
  [[nodiscard]] const Hot& at(NodeIndex i) const { return hot_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] Hot& at(NodeIndex i) { return hot_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const Cold& cold(NodeIndex i) const { return cold_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] Cold& cold(NodeIndex i) { return cold_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] bool fresh_open(NodeIndex i) const { return i == 0 && !exhausted(0, MemoryOperator::fresh); }
  void refresh_open_score(NodeIndex i);
  void revalue(NodeIndex i, double mean);  // and the figures of its ancestors
  void reopen(NodeIndex i);                // it is open and was not: tells the ancestors, closed ones open with it
  void close(NodeIndex i);                 // it stopped being open: tells the ancestors

  std::vector<Hot> hot_;
  std::vector<Cold> cold_;
  Tournament scores_, open_scores_;
  std::array<Arm, memory_operators> arms_{};
  double lowest_ = 0;
  std::int64_t in_flight_ = 0;
};

}  // namespace kerf
