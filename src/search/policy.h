// Where to go on. A policy sees a tree and a source of randomness and keeps nothing else, so that whatever it chooses
// can be replayed. To add one: a file that defines it and a line in policies.cc; docs/search.md.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "search/tree.h"

namespace kerf {

struct Choice {
  MemoryOperator memory = MemoryOperator::fresh;
  double propensity = 1;           // of `memory`
  std::vector<NodeIndex> parents;  // [0] is built upon; empty: from nothing
  std::string reason;
};

struct Policy {
  Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  virtual ~Policy() = default;
  // nullopt: nothing to offer until something is told. The tree has a root.
  [[nodiscard]] virtual std::optional<Choice> choose(const Tree& tree, Random& random) const = 0;
};

struct PolicyEntry {
  std::string_view name;
  std::string_view summary;  // one line, for --help
  std::unique_ptr<Policy> (*make)(const SearchOptions& options);
};
[[nodiscard]] std::span<const PolicyEntry> policies();

[[nodiscard]] std::unique_ptr<Policy> make_mcts(const SearchOptions& options);
[[nodiscard]] std::unique_ptr<Policy> make_greedy(const SearchOptions& options);
[[nodiscard]] std::unique_ptr<Policy> make_best_of_n(const SearchOptions& options);

struct MemoryChoice {
  MemoryOperator memory = MemoryOperator::fresh;
  double propensity = 1;
};
// Shared by policies. The memory operator for building on `node`: a bandit (bandit.h) over those that make sense there
// and are not exhausted; nullopt if there is none. `fresh` is one of them at the root only.
[[nodiscard]] std::optional<MemoryChoice> choose_memory(const Tree& tree, NodeIndex node, Random& random);
// Every other time that `node` is built upon: its last failed child, if that may still be repaired. A repair that fails
// may be repaired in turn, `repair` times in a row.
[[nodiscard]] std::optional<Choice> repair_at(const Tree& tree, NodeIndex node, const SearchOptions& options,
                                              const std::string& why, Random& random);
// Another good node for `combine`: the best of a branch that leaves node's path, the nearest to the root first if there
// is a choice; no_node if there is none.
[[nodiscard]] NodeIndex choose_partner(const Tree& tree, NodeIndex node, Random& random);
// The choice to build on `node`, parents filled in; nullopt if no memory operator is left.
[[nodiscard]] std::optional<Choice> build_on(const Tree& tree, NodeIndex node, std::string why, Random& random);

}  // namespace kerf
