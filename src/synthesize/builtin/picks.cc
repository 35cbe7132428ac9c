// Gathers: what a value is at an index along one of its dimensions.
#include <algorithm>
#include <utility>

#include "synthesize/builtin/lowering.h"

namespace kerf {

int Lowering::at_index(int value, int axis, int index) {
  const Instruction& by = code_[static_cast<std::size_t>(index)];
  if (by.type == Type::mask) throw CannotLower{"a gather needs an index"};
  if (by.form == Instruction::Form::constant || by.form == Instruction::Form::parameter)
    throw CannotLower{"an index that is one number"};
  std::map<int, int> done;
  return at_index(value, axis, index, done);
}

int Lowering::at_index(int value, int axis, int index, std::map<int, int>& done) {
  if (const auto it = done.find(value); it != done.end()) return it->second;
  const std::vector<int> axes = axes_of_value(value);
  if (std::ranges::find(axes, axis) == axes.end()) return value;
  Instruction copy = code_[static_cast<std::size_t>(value)];
  std::vector<int> remaining;
  for (const int a : axes)
    if (a != axis) remaining.push_back(a);
  for (const int a : axes_of_value(index)) remaining.push_back(a);
  int made = -1;
  if (copy.form == Instruction::Form::load) {
    RawAccess raw = loads_[static_cast<std::size_t>(value)];
    bool found = false;
    for (auto& [dim, by] : raw.picks) {  // a gather of a gather
      const int before = std::exchange(by, at_index(by, axis, index, done));
      found = found || by != before;
    }
    for (std::size_t d = 0; d < raw.dims.size(); ++d) {
      if (expand(raw.dims[d]) != std::vector{axis} || raw.flipped.contains(static_cast<int>(d))) continue;
      raw.picks[static_cast<int>(d)] = index;
      raw.dims[d].clear();
      found = true;
    }
    const auto still_there = [&](const std::vector<int>& list) {
      const std::vector<int> axes_of_list = expand(list);
      return std::ranges::find(axes_of_list, axis) != axes_of_list.end();
    };
    if (!found || std::ranges::any_of(raw.dims, still_there) ||
        std::ranges::any_of(raw.windows, [&](const RawWindow& window) {
          return std::ranges::any_of(window.terms, [&](const auto& term) { return still_there({term.first}); });
        }))
      throw CannotLower{"a gather along a part of a dimension"};
    if (!copy.name.ends_with("_picked")) copy.name += "_picked";
    made = add(std::move(copy), std::move(remaining));
    loads_.back() = std::move(raw);
  } else if (copy.form == Instruction::Form::pointwise) {
    for (int& operand : copy.operands) operand = at_index(operand, axis, index, done);
    if (!copy.name.ends_with("_picked")) copy.name += "_picked";
    made = add(std::move(copy), std::move(remaining));
  } else if (copy.form == Instruction::Form::index) {
    made = index;
    if (type({.value = index, .dims = {}}) == Type::i64) {
      Instruction cast{.form = Instruction::Form::pointwise, .op = Op::to_float, .operands = {index}};
      made = add(std::move(cast), axes_of_value(index));
    }
  } else {
    throw CannotLower{"a gather of what is reduced along it"};
  }
  done[value] = made;
  return made;
}

Lowered Lowering::pick(const Lowered& from, int dim, const Lowered& index) {
  if (from.dims.size() != index.dims.size()) throw CannotLower{"gather needs an index of equal rank"};
  const auto at = static_cast<std::size_t>(dim < 0 ? dim + static_cast<int>(from.dims.size()) : dim);
  Lowered made;
  for (std::size_t d = 0; d < from.dims.size(); ++d)
    made.dims.push_back(d == at ? index.dims[d] : unify_lists(from.dims[d], index.dims[d]));
  expand(made);
  const std::vector<int> along = expand(from.dims[at]);
  if (along.size() != 1) throw CannotLower{"a gather along more than one axis"};
  for (const int a : axes_of_value(index.value))
    if (a == along[0]) throw CannotLower{"a gather whose index varies along it"};
  made.value = at_index(from.value, along[0], index.value);
  return made;
}

Lowered Lowering::pick_all(const Lowered& from, const std::map<std::size_t, Lowered>& indices) {
  std::vector<Lowered> all;
  for (const auto& [dim, index] : indices) all.push_back(index);
  const std::vector<std::vector<int>> there = broadcast(all);
  const std::size_t first = indices.begin()->first;
  const bool neighbours = indices.rbegin()->first - first + 1 == indices.size();
  Lowered made{.value = from.value, .dims = neighbours ? std::vector<std::vector<int>>() : there};
  for (std::size_t d = 0; d < from.dims.size(); ++d) {
    if (!indices.contains(d)) {
      made.dims.push_back(from.dims[d]);
    } else if (neighbours && d == first) {
      made.dims.insert(made.dims.end(), there.begin(), there.end());
    }
  }
  expand(made);
  for (const auto& [dim, index] : indices) {
    const std::vector<int> along = expand(from.dims.at(dim));
    if (along.empty()) continue;
    if (along.size() != 1) throw CannotLower{"a gather along more than one axis"};
    for (const int a : axes_of_value(index.value))
      for (const auto& each : from.dims)
        for (const int b : expand(each))
          if (a == b) throw CannotLower{"a gather whose index varies along it"};
    made.value = at_index(made.value, along[0], index.value);
  }
  return made;
}

}  // namespace kerf
