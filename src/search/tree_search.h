// Search over a Tree by a Policy: what make_search returns.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "search/policy.h"
#include "search/search.h"
#include "search/tree.h"

namespace kerf {

class TreeSearch final : public Search {
 public:
  TreeSearch(const SearchOptions& options, std::unique_ptr<Policy> policy)
      : options_(options), policy_(std::move(policy)), random_(options.seed) {}

  [[nodiscard]] std::vector<Expansion> ask(int n) override;
  Result<std::optional<NodeIndex>> tell(ExpansionId id, const Outcome& outcome) override;
  void cancel(ExpansionId id) override;
  [[nodiscard]] std::optional<NodeIndex> best() const override;
  [[nodiscard]] bool exhausted() const override;
  [[nodiscard]] std::vector<Expansion> in_flight() const override;
  [[nodiscard]] const Tree& tree() const { return tree_; }

 private:
  [[nodiscard]] std::optional<Expansion> next(Random& random) const;
  [[nodiscard]] bool may_be_luck(NodeIndex node) const;

  SearchOptions options_;
  std::unique_ptr<Policy> policy_;
  Random random_;
  Tree tree_;
  ExpansionId last_id_ = 0;
  std::map<ExpansionId, Expansion> in_flight_;
  std::map<std::pair<NodeIndex, MemoryOperator>, int> fruitless_;  // in a row; no_node: fresh
};

}  // namespace kerf
