#include "search/tree_search.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string>

namespace kerf {
namespace {

NodeIndex place(const Expansion& expansion) { return expansion.parents.empty() ? no_node : expansion.parents[0]; }

}  // namespace

const char* to_string(Task task) {
  switch (task) {
    case Task::root:
      return "root";
    case Task::expand:
      return "expand";
    case Task::remeasure:
      return "remeasure";
  }
  return "?";
}

const char* to_string(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::measured:
      return "measured";
    case Outcome::Kind::failed:
      return "failed";
    case Outcome::Kind::nothing:
      return "nothing";
  }
  return "?";
}

// The best node of all leads over the second best, and claims to beat what it was built on. If its standard error could
// explain either, building on it may be building on luck. The root is timed beside every candidate: never in doubt.
bool TreeSearch::may_be_luck(NodeIndex node) const {
  if (node == 0 || node != tree_.best() || tree_.remeasured(node) >= options_.remeasure) return false;
  const Reward own = tree_.reward(node);
  if (own.standard_error <= 0) return false;
  const auto doubtful = [&](NodeIndex other) {
    if (other == no_node || tree_.failed(other)) return false;
    const Reward rival = tree_.reward(other);
    return own.mean - rival.mean < options_.doubt * std::hypot(own.standard_error, rival.standard_error);
  };
  return doubtful(tree_.best_but(node)) || doubtful(tree_.parent(node));
}

std::optional<Expansion> TreeSearch::next(Random& random) const {
  Expansion expansion;
  if (tree_.empty()) {
    if (!in_flight_.empty()) return std::nullopt;
    expansion.task = Task::root;
    expansion.reason = "the identity plan: something right to start from";
  } else {
    std::optional<Choice> choice = policy_->choose(tree_, random);
    if (!choice) return std::nullopt;
    const NodeIndex node = choice->parents.empty() ? no_node : choice->parents[0];
    if (node != no_node && may_be_luck(node)) {
      const NodeIndex rival = tree_.best_but(node);
      expansion.task = Task::remeasure;
      expansion.memory = MemoryOperator::inherit;
      expansion.parents = {node};
      expansion.reason = fmt::format("node {} leads node {} by less than its error explains", node, rival);
    } else {
      expansion.memory = choice->memory;
      expansion.propensity = choice->propensity;
      expansion.parents = std::move(choice->parents);
      expansion.task = Task::expand;
      expansion.reason = fmt::format("{}; {}", choice->reason, to_string(choice->memory));
    }
  }
  return expansion;
}

std::vector<Expansion> TreeSearch::ask(int n) {
  std::vector<Expansion> expansions;
  for (int i = 0; i < n; ++i) {
    Random random = random_;  // an ask that yields nothing leaves no trace
    std::optional<Expansion> expansion = next(random);
    if (!expansion) break;
    random_ = random;
    expansion->id = ++last_id_;
    expansion->seed = random_.next();
    tree_.start(expansion->task, place(*expansion), expansion->memory);
    in_flight_.emplace(expansion->id, *expansion);
    expansions.push_back(*std::move(expansion));
  }
  return expansions;
}

Result<std::optional<NodeIndex>> TreeSearch::tell(ExpansionId id, const Outcome& outcome) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end()) {
    return user_error(
        fmt::format("expansion {} is not in flight: it was told or cancelled already, or never asked", id));
  }
  using Kind = Outcome::Kind;
  const bool measured = outcome.kind == Kind::measured;
  if (measured && !(std::isfinite(outcome.reward.mean) && std::isfinite(outcome.reward.standard_error) &&
                    outcome.reward.standard_error >= 0)) {
    return user_error(fmt::format("expansion {} was told a reward of {} +- {}: both must be finite", id,
                                  outcome.reward.mean, outcome.reward.standard_error));
  }
  const Expansion expansion = std::move(found->second);
  in_flight_.erase(found);
  const NodeIndex node = place(expansion);
  tree_.finish(expansion.task, node, expansion.memory);
  switch (expansion.task) {
    case Task::root: {
      const NodeIndex root = tree_.add_root(measured, outcome.reward);
      return outcome.kind == Kind::nothing ? std::nullopt : std::optional(root);
    }
    case Task::remeasure:
      if (measured) tree_.remeasure(node, outcome.reward);
      if (outcome.kind == Kind::failed) tree_.disqualify(node);
      // It could not be timed: counts as tried, teaches nothing.
      if (outcome.kind == Kind::nothing) tree_.remeasure(node, {0, std::numeric_limits<double>::infinity()});
      return std::nullopt;
    case Task::expand:
      break;
  }
  if (outcome.kind == Kind::nothing) {
    const bool repair = node != no_node && node != 0 && tree_.failed(node);
    if (!repair && ++fruitless_[{node, expansion.memory}] < options_.fruitless) return std::nullopt;
    // With no child to tell of, `siblings` would have been the same question.
    const bool same = expansion.memory == MemoryOperator::inherit && tree_.attempts(node) == 0;
    tree_.exhaust(node, expansion.memory);
    if (same && !tree_.failed(node)) tree_.exhaust(node, MemoryOperator::siblings);
    return std::nullopt;
  }
  fruitless_.erase({node, expansion.memory});
  return tree_.add(node, expansion.memory, measured, outcome.reward);
}

void TreeSearch::cancel(ExpansionId id) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end()) return;
  tree_.finish(found->second.task, place(found->second), found->second.memory);
  in_flight_.erase(found);
}

std::optional<NodeIndex> TreeSearch::best() const {
  const NodeIndex best = tree_.best();
  return best == no_node ? std::nullopt : std::optional(best);
}

bool TreeSearch::exhausted() const {
  if (!in_flight_.empty()) return false;
  Random random = random_;
  return !next(random);
}

std::vector<Expansion> TreeSearch::in_flight() const {
  std::vector<Expansion> expansions;
  for (const auto& [id, expansion] : in_flight_) expansions.push_back(expansion);
  return expansions;
}

Result<std::unique_ptr<Search>> make_search(const SearchOptions& options) {
  std::string names;
  for (const PolicyEntry& entry : policies()) {
    if (entry.name == options.policy) return std::make_unique<TreeSearch>(options, entry.make(options));
    names += fmt::format("{}{}", names.empty() ? "" : ", ", entry.name);
  }
  return user_error(fmt::format("no policy is called '{}': there are {}", options.policy, names));
}

}  // namespace kerf
