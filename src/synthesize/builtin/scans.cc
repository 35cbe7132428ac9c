// Scans along an axis, and values whose elements stand in the opposite order.
#include <algorithm>
#include <string>
#include <string_view>

#include "synthesize/builtin/lowering.h"

namespace kerf {

Lowered Lowering::scan(ReduceOp op, const Lowered& operand, int dim) {
  const std::vector<int> axes = axes_of(operand, {dim});
  if (axes.empty()) return type(operand) == Type::f32 ? operand : apply(Op::to_float, {operand});
  if (axes.size() != 1) throw CannotLower{"a scan along a dimension that is several axes"};
  if (type(operand) == Type::i64) throw CannotLower{"integers are scanned by the library"};
  const Lowered terms = type(operand) == Type::f32 ? operand : apply(Op::to_float, {operand});
  const std::vector<int> along = axes_of_value(terms.value);
  if (std::ranges::find(along, axes[0]) == along.end()) throw CannotLower{"a scan of what does not change"};
  Instruction i{.form = Instruction::Form::scan, .reduce = op, .operands = {terms.value}};
  Lowered made = terms;
  expand(made);
  made.value = add(std::move(i), along);
  reduce_over_.back() = axes;
  return made;
}

int Lowering::flipped(int value, int axis, std::map<int, int>& done) {
  if (const auto it = done.find(value); it != done.end()) return it->second;
  const std::vector<int> axes = axes_of_value(value);
  if (std::ranges::find(axes, axis) == axes.end()) return value;
  Instruction copy = code_[static_cast<std::size_t>(value)];
  RawAccess raw = loads_[static_cast<std::size_t>(value)];
  const std::vector<int> over = expand(reduce_over_[static_cast<std::size_t>(value)]);
  switch (copy.form) {
    case Instruction::Form::load: {
      if (!raw.picks.empty()) throw CannotLower{"this order of elements"};
      bool found = false;
      for (std::size_t d = 0; d < raw.dims.size(); ++d) {
        if (expand(raw.dims[d]) != std::vector{axis}) continue;
        if (!raw.flipped.erase(static_cast<int>(d))) raw.flipped.insert(static_cast<int>(d));
        found = true;
      }
      for (RawWindow& window : raw.windows)
        for (auto& [along, step] : window.terms) {
          if (expand({along}) != std::vector{axis}) continue;
          window.shift = window.shift + step * (extent(axis) - one(workloads_));
          step = literal(-1, workloads_) * step;
          found = true;
        }
      if (!found) throw CannotLower{"this order of elements"};
      break;
    }
    case Instruction::Form::index: {
      const Extent last = extent(axis) - one(workloads_);
      return done[value] = position({.out = axis, .step = literal(-1, workloads_), .shift = last}, 1).value;
    }
    default:
      if (copy.form == Instruction::Form::scan && over == std::vector{axis}) copy.backward = !copy.backward;
      for (int& operand : copy.operands) operand = flipped(operand, axis, done);
  }
  static constexpr std::string_view mark = "_flipped";
  copy.name =
      copy.name.ends_with(mark) ? copy.name.substr(0, copy.name.size() - mark.size()) : copy.name + std::string(mark);
  const int made = add(std::move(copy), axes);
  loads_.back() = std::move(raw);
  reduce_over_.back() = over;
  done[value] = made;
  return made;
}

Lowered Lowering::flip(const Lowered& value, const std::vector<int>& dims) {
  Lowered made = value;
  expand(made);
  for (const int d : dims) {
    const std::vector<int> axes = axes_of(made, {d});
    if (axes.empty()) continue;
    if (axes.size() != 1) throw CannotLower{"a flip of a dimension that is several axes"};
    std::map<int, int> done;
    made.value = flipped(made.value, axes[0], done);
  }
  return made;
}

}  // namespace kerf
