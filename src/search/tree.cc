#include "search/tree.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

namespace kerf {

std::size_t Tournament::winner(std::size_t a, std::size_t b) const { return values_[b] > values_[a] ? b : a; }

void Tournament::grow(std::size_t size) {
  const std::size_t leaves = std::max<std::size_t>(64, std::bit_ceil(size));
  std::vector<double> values(2 * leaves, out);
  if (leaves_ > 0)
    std::copy(values_.begin() + static_cast<std::ptrdiff_t>(leaves_), values_.end(),
              values.begin() + static_cast<std::ptrdiff_t>(leaves));
  leaves_ = leaves;
  values_ = std::move(values);
  wins_.assign(2 * leaves, 0);
  for (std::size_t i = leaves; i < 2 * leaves; ++i) wins_[i] = i;
  for (std::size_t i = leaves - 1; i > 0; --i) wins_[i] = winner(wins_[2 * i], wins_[2 * i + 1]);
}

void Tournament::set(NodeIndex i, double value) {
  if (static_cast<std::size_t>(i) >= leaves_) grow(static_cast<std::size_t>(i) + 1);
  std::size_t position = leaf(i);
  if (values_[position] == value) return;
  values_[position] = value;
  while ((position /= 2) > 0) wins_[position] = winner(wins_[2 * position], wins_[2 * position + 1]);
}

NodeIndex Tournament::best() const {
  if (leaves_ == 0 || values_[wins_[1]] == out) return no_node;
  return static_cast<NodeIndex>(wins_[1] - leaves_);
}

NodeIndex Tournament::best_but(NodeIndex i) const {
  if (leaves_ == 0) return no_node;
  std::size_t position = leaf(i);
  std::size_t best = 0;  // position 0 is no leaf: nobody
  for (; position > 1; position /= 2) {
    const std::size_t other = wins_[position ^ 1];
    if (best == 0 || values_[other] > values_[best] || (values_[other] == values_[best] && other < best)) best = other;
  }
  return best == 0 || values_[best] == out ? no_node : static_cast<NodeIndex>(best - leaves_);
}

void Tree::refresh_open_score(NodeIndex i) {
  const Hot& node = at(i);
  open_scores_.set(i, !node.failed && !node.remeasuring && open(i) ? node.mean : Tournament::out);
}

void Tree::start(Task task, NodeIndex node, MemoryOperator memory) {
  ++in_flight_;
  if (task == Task::root) return;
  if (task == Task::remeasure) {
    at(node).remeasuring = true;
    refresh_open_score(node);
  } else {
    ++arms_[index_of(memory)].pending;
    ++cold(node == no_node ? 0 : node).in_flight;
  }
  for (NodeIndex i = node == no_node ? 0 : node; i != no_node; i = at(i).parent) ++at(i).pending;
}

void Tree::finish(Task task, NodeIndex node, MemoryOperator memory) {
  assert(in_flight_ > 0);
  --in_flight_;
  if (task == Task::root) return;
  if (task == Task::remeasure) {
    at(node).remeasuring = false;
    refresh_open_score(node);
  } else {
    --arms_[index_of(memory)].pending;
    --cold(node == no_node ? 0 : node).in_flight;
  }
  for (NodeIndex i = node == no_node ? 0 : node; i != no_node; i = at(i).parent) --at(i).pending;
}

NodeIndex Tree::add_root(bool measured, Reward reward) {
  assert(empty());
  Hot root;
  // With no right root there is still fresh to start from: its figures stand for "no better than the library".
  root.mean = measured ? reward.mean : 0;
  root.standard_error = measured ? static_cast<float>(reward.standard_error) : 0;
  root.sum = root.best = root.mean;
  root.best_node = measured ? 0 : -1;
  root.failed = !measured;
  if (!measured) root.exhausted = 7;  // everything but fresh
  lowest_ = root.mean;
  hot_.push_back(root);
  cold_.emplace_back();
  scores_.set(0, measured ? root.mean : Tournament::out);
  refresh_open_score(0);
  return 0;
}

NodeIndex Tree::add(NodeIndex built_on, MemoryOperator memory, bool measured, Reward reward) {
  assert(!empty());
  const NodeIndex index = size();
  const NodeIndex parent = built_on == no_node ? 0 : failed(built_on) && built_on != 0 ? at(built_on).parent : built_on;
  const double base = at(parent).mean;
  const double value = measured ? reward.mean : std::min(0.0, base);

  Hot node;
  node.mean = node.sum = node.best = value;
  node.standard_error = measured ? static_cast<float>(reward.standard_error) : 0;
  node.best_node = measured ? static_cast<std::int32_t>(index) : -1;
  node.parent = static_cast<std::int32_t>(parent);
  node.failed = !measured;
  node.exhausted = measured ? 0 : 7;
  Cold rest;
  rest.built_on = static_cast<std::int32_t>(built_on);
  rest.depth = cold(parent).depth + 1;
  if (measured) {
    node.next_sibling = at(parent).first_child;
    at(parent).first_child = static_cast<std::int32_t>(index);
    ++cold(parent).children;
  } else {
    cold(parent).last_failed = static_cast<std::int32_t>(index);
  }
  ++at(parent).attempts;
  if (built_on != no_node && built_on != parent) {  // a repair
    ++at(built_on).attempts;
    rest.repairs = cold(built_on).repairs + 1;
  }
  hot_.push_back(node);
  cold_.push_back(rest);
  scores_.set(index, measured ? value : Tournament::out);
  refresh_open_score(index);
  if (measured) reopen(index);
  lowest_ = std::min(lowest_, value);

  for (NodeIndex i = parent; i != no_node; i = at(i).parent) {
    Hot& ancestor = at(i);
    ++ancestor.visits;
    ancestor.sum += value;
    if (measured && (ancestor.best_node < 0 || value > ancestor.best)) {
      ancestor.best = value;
      ancestor.best_node = static_cast<std::int32_t>(index);
    }
  }
  Arm& arm = arms_[index_of(memory)];
  ++arm.tries;
  if (measured) arm.gain += std::clamp(value - base, 0.0, 1.0);
  return index;
}

void Tree::remeasure(NodeIndex i, Reward reward) {
  Hot& node = at(i);
  // Runs of one session share conditions that no standard error knows of: none is believed below 0.1 %.
  const double a = std::max(static_cast<double>(node.standard_error), 1e-3);
  const double b = std::max(reward.standard_error, 1e-3);
  const double weight = (1 / (b * b)) / (1 / (a * a) + 1 / (b * b));
  const double mean = node.mean + weight * (reward.mean - node.mean);
  node.standard_error = static_cast<float>(1 / std::sqrt(1 / (a * a) + 1 / (b * b)));
  if (node.remeasured < 255) ++node.remeasured;
  revalue(i, mean);
}

void Tree::disqualify(NodeIndex i) {
  Hot& node = at(i);
  const bool was_open = open_below(i);
  node.failed = true;
  node.exhausted |= 7;
  if (was_open && !open_below(i)) close(i);
  revalue(i, std::min(0.0, node.parent < 0 ? 0.0 : at(node.parent).mean));
}

void Tree::revalue(NodeIndex i, double mean) {
  const double change = mean - at(i).mean;
  at(i).mean = mean;
  scores_.set(i, at(i).failed ? Tournament::out : mean);
  refresh_open_score(i);
  lowest_ = std::min(lowest_, mean);
  for (NodeIndex k = i; k != no_node; k = at(k).parent) {
    Hot& ancestor = at(k);
    ancestor.sum += change;
    // The best at or below k, anew: of itself and of its children, whose figures are right already.
    ancestor.best_node = ancestor.failed ? -1 : static_cast<std::int32_t>(k);
    ancestor.best = ancestor.mean;
    for (NodeIndex child = ancestor.first_child; child != no_node; child = at(child).next_sibling) {
      if (at(child).best_node < 0 || (ancestor.best_node >= 0 && at(child).best <= ancestor.best)) continue;
      ancestor.best = at(child).best;
      ancestor.best_node = at(child).best_node;
    }
  }
}

void Tree::exhaust(NodeIndex i, MemoryOperator memory) {
  const NodeIndex node = i == no_node ? 0 : i;
  if (node != 0 && failed(node)) {
    ++at(node).attempts;  // a repair that nobody had an idea for counts as tried
    return;
  }
  const bool was_open = open_below(node);
  at(node).exhausted = static_cast<std::uint8_t>(at(node).exhausted | 1U << index_of(memory));
  refresh_open_score(node);
  if (was_open && !open_below(node)) close(node);
}

void Tree::reopen(NodeIndex i) {
  for (NodeIndex parent = at(i).parent; parent != no_node; parent = at(parent).parent) {
    const bool was_open = open_below(parent);
    ++at(parent).open_children;
    if (was_open) return;
  }
}

void Tree::close(NodeIndex i) {
  for (NodeIndex parent = at(i).parent; parent != no_node; parent = at(parent).parent) {
    --at(parent).open_children;
    if (open_below(parent)) return;
  }
}

}  // namespace kerf
