// Windows: a value as it is at positions that are steps apart, for poolings and convolutions.
#include "synthesize/builtin/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "synthesize/builtin/operators.h"

namespace kerf {
namespace {

constexpr std::size_t most_instructions = 512;  // of a region, with all its windows

}  // namespace

int Lowering::window_axis(const std::string& name, Extent extent, bool inside) {
  const int axis = new_axis(name, std::move(extent));
  axes_.back().inside = inside;
  return axis;
}

Lowered Lowering::index(int axis, std::size_t dim, std::size_t rank) {
  if (std::ranges::any_of(extent(axis).values, [](std::int64_t n) { return n >> 24 != 0; }))
    throw CannotLower{"positions that floats cannot tell apart"};
  Instruction i{.form = Instruction::Form::index, .name = axes_[static_cast<std::size_t>(axis)].name + "_index"};
  Lowered made{.value = add(std::move(i), {axis}), .dims = std::vector<std::vector<int>>(rank)};
  made.dims.at(dim) = {axis};
  return made;
}

Lowered Lowering::number(const Extent& extent) {
  if (extent.text.find_first_not_of("0123456789-") == std::string::npos)
    return constant(static_cast<double>(extent.values.at(0)));
  return parameter(fmt::format("f32({})", extent.text), {extent.values.begin(), extent.values.end()});
}

// Where the window is along a dimension: shift + out * step (+ inside * apart).
Lowered Lowering::position(const WindowStep& step, std::size_t rank) {
  Lowered at = number(step.shift);
  if (step.out >= 0) at = apply(Op::add, {at, apply(Op::mul, {index(step.out, step.dim, rank), number(step.step)})});
  if (step.inside >= 0) {
    Lowered within = index(step.inside, step.dim, rank);
    within.dims.clear();  // the window's own axes are no dimension of what is pooled
    at = apply(Op::add, {at, apply(Op::mul, {within, number(step.apart)})});
  }
  return at;
}

int Lowering::at_window(int value, const std::map<int, const WindowStep*>& moved, double outside,
                        std::map<int, int>& done) {
  if (const auto it = done.find(value); it != done.end()) return it->second;
  const std::vector<int> axes = axes_of_value(value);
  if (std::ranges::none_of(axes, [&](int a) { return moved.contains(a); })) return value;
  if (code_.size() > most_instructions) throw CannotLower{"too many windows"};
  std::vector<int> remaining;
  for (const int a : axes) {
    const auto it = moved.find(a);
    if (it == moved.end()) {
      remaining.push_back(a);
      continue;
    }
    if (it->second->out >= 0) remaining.push_back(it->second->out);
    if (it->second->inside >= 0) remaining.push_back(it->second->inside);
  }
  Instruction copy = code_[static_cast<std::size_t>(value)];
  int made = -1;
  switch (copy.form) {
    case Instruction::Form::load: {
      RawAccess raw = loads_[static_cast<std::size_t>(value)];
      if (!raw.picks.empty()) throw CannotLower{"windows over a gather"};
      for (const auto& [axis, step] : moved)
        if (copy.type != Type::f32 && (step->below || step->above) && std::ranges::find(axes, axis) != axes.end())
          throw CannotLower{"masks and integers beyond their tensor"};
      if (raw.windows.empty()) copy.access.outside = outside;
      const auto move = [&](RawWindow& window, const WindowStep& by, const Extent& factor) {
        if (by.out >= 0) window.terms.emplace_back(by.out, factor * by.step);
        if (by.inside >= 0) window.terms.emplace_back(by.inside, factor * by.apart);
        window.shift = window.shift + factor * by.shift;
        // In steps backwards, what is before the first is beyond the last.
        const bool backward = std::ranges::any_of(factor.values, [](std::int64_t n) { return n < 0; });
        window.below = window.below || (backward ? by.above : by.below);
        window.above = window.above || (backward ? by.below : by.above);
      };
      // An axis may have been cut into several, the last of which goes in the smallest steps.
      const auto move_each = [&](RawWindow& window, const std::vector<int>& list, Extent step) {
        for (std::size_t k = list.size(); k-- > 0; step = step * extent(list[k])) {
          const auto it = moved.find(list[k]);
          if (it == moved.end()) {
            window.terms.emplace_back(list[k], step);
            continue;
          }
          // What is outside of a part is inside of the dimension.
          if (list.size() > 1 && (it->second->below || it->second->above))
            throw CannotLower{"windows beyond a part of a dimension"};
          move(window, *it->second, step);
        }
      };
      for (RawWindow& window : raw.windows) {
        std::vector<std::pair<int, Extent>> before;
        before.swap(window.terms);
        for (const auto& [axis, step] : before) {
          const std::vector<int> list = expand({axis});
          if (std::ranges::any_of(list, [&](int a) { return moved.contains(a); })) {
            move_each(window, list, step);
          } else {
            window.terms.emplace_back(axis, step);
          }
        }
      }
      for (std::size_t d = 0; d < raw.dims.size(); ++d) {
        const std::vector<int> list = expand(raw.dims[d]);
        if (std::ranges::none_of(list, [&](int a) { return moved.contains(a); })) continue;
        RawWindow window{.dim = static_cast<int>(d), .terms = {}, .shift = literal(0, workloads_)};
        Extent inner = one(workloads_);
        if (raw.flipped.erase(static_cast<int>(d)) != 0) {
          if (list.size() != 1) throw CannotLower{"windows over a flip of a dimension that is cut up"};
          window.shift = extent(list[0]) - inner;
          inner = literal(-1, workloads_);
        }
        move_each(window, list, inner);
        raw.windows.push_back(std::move(window));
        raw.dims[d].clear();
      }
      made = add(std::move(copy), std::move(remaining));
      loads_.back() = std::move(raw);
      break;
    }
    case Instruction::Form::index:
      made = position(*moved.at(axes.at(0)), moved.at(axes[0])->dim + 1).value;
      break;
    case Instruction::Form::pointwise:
      for (int& operand : copy.operands) operand = at_window(operand, moved, outside, done);
      made = add(std::move(copy), std::move(remaining));
      break;
    default:
      throw CannotLower{"windows over what is reduced"};
  }
  done[value] = made;
  return made;
}

Lowered Lowering::moved(const Lowered& from, const std::vector<WindowStep>& steps, double outside) {
  Lowered made = from;
  expand(made);
  std::map<int, const WindowStep*> along;
  for (const WindowStep& step : steps) {
    auto& dim = made.dims.at(step.dim);
    if (dim.size() != 1) throw CannotLower{"windows over a dimension that is not one axis"};
    along[dim[0]] = &step;
    dim.clear();
    if (step.out >= 0) dim.push_back(step.out);
  }
  std::map<int, int> done;
  made.value = at_window(from.value, along, outside, done);
  return made;
}

Lowered Lowering::window(const Lowered& from, const std::vector<WindowStep>& steps, double outside) {
  const Instruction& source = code_[static_cast<std::size_t>(from.value)];
  const bool plain =
      source.form == Instruction::Form::load && loads_[static_cast<std::size_t>(from.value)].windows.empty();
  Lowered made = moved(from, steps, outside);
  if (plain) return made;
  // What is computed is not `outside` where what it is computed from is.
  for (const WindowStep& step : steps) {
    if (!step.below && !step.above) continue;
    const Lowered at = position(step, made.dims.size());
    if (step.below) made = apply(Op::where, {apply(Op::ge, at, 0), made, constant(outside)});
    if (step.above) made = apply(Op::where, {apply(Op::lt, {at, number(step.limit)}), made, constant(outside)});
  }
  return made;
}

void Lowering::pin(const Extent& extent) {
  if (extent.is(extent.values.at(0))) return;
  Requirement made{.text = fmt::format("{} == {}", extent.text, extent.values[0]), .holds = {}};
  for (const std::int64_t n : extent.values) made.holds.push_back(n == extent.values[0]);
  if (std::ranges::find(requirements_, made.text, &Requirement::text) == requirements_.end())
    requirements_.push_back(std::move(made));
}

std::string in_brackets(const std::string& text) {
  return text.find_first_of(" +-/%*") == std::string::npos ? text : "(" + text + ")";
}

void size_windows(Windowed& p) {
  const std::size_t workloads = p.in.values.size();
  // The last window begins within the input or the padding before it.
  const Extent room =
      p.in + literal(2, workloads) * p.padding - p.dilation * (p.kernel - one(workloads)) - one(workloads);
  const std::string s = in_brackets(p.stride.text);
  p.out.text = p.ceil ? fmt::format("min(cdiv({}, {}) + 1, cdiv({}, {}))", room.text, s, (p.in + p.padding).text, s)
               : p.stride.is(1) ? (room + one(workloads)).text
                                : fmt::format("({}) // {} + 1", room.text, s);
  for (std::size_t w = 0; w < workloads; ++w) {
    const std::int64_t step = p.stride.values[w];
    if (step <= 0 || p.kernel.values[w] <= 0 || p.padding.values[w] < 0) throw CannotLower{"the sizes of windows"};
    std::int64_t n = room.values[w] / step + 1;
    if (p.ceil)
      n = std::min((room.values[w] + step - 1) / step + 1, (p.in.values[w] + p.padding.values[w] + step - 1) / step);
    if (n != p.out.values[w]) throw CannotLower{"windows of another number than their formula gives"};
  }
}

WindowStep window_step(Lowering& lowering, const Windowed& p) {
  const bool padded = std::ranges::any_of(p.padding.values, [](std::int64_t n) { return n > 0; });
  return {.dim = p.dim,
          .out = p.out.is(1) ? -1 : lowering.window_axis("o", p.out, false),
          .inside = -1,
          .step = p.stride,
          .apart = p.dilation,
          .shift = literal(0, p.in.values.size()) - p.padding,
          .limit = p.in,
          .below = padded,
          .above = p.ceil || padded};
}

void move_to_tap(std::vector<WindowStep>& steps, const std::vector<Windowed>& windows, std::int64_t tap) {
  for (std::size_t k = windows.size(); k-- > 0;) {
    const Windowed& p = windows[k];
    const std::size_t workloads = p.in.values.size();
    const std::int64_t size = p.kernel.values[0], at = tap % size;
    tap /= size;
    steps[k].shift = literal(at, workloads) * p.dilation - p.padding;
    steps[k].below = steps[k].above = false;
    for (std::size_t w = 0; w < workloads; ++w) {
      // Of a window that the padding holds, whatever the input's size is.
      steps[k].below = steps[k].below || at * p.dilation.values[w] < p.padding.values[w];
      steps[k].above = steps[k].above || p.ceil || (size - 1 - at) * p.dilation.values[w] < p.padding.values[w];
    }
  }
}

bool Lowering::is_costly(const Lowered& value) const {
  std::vector<int> open = {value.value};
  std::set<int> seen;
  while (!open.empty()) {
    const int v = open.back();
    open.pop_back();
    if (!seen.insert(v).second) continue;
    const Instruction& i = code_[static_cast<std::size_t>(v)];
    if (i.form == Instruction::Form::pointwise && cost(i.op) > 0) return true;
    open.insert(open.end(), i.operands.begin(), i.operands.end());
  }
  return false;
}

std::size_t Lowering::loads(const Lowered& value) const {
  std::vector<int> open = {value.value};
  std::set<int> seen;
  std::size_t count = 0;
  while (!open.empty()) {
    const int v = open.back();
    open.pop_back();
    if (!seen.insert(v).second) continue;
    const Instruction& i = code_[static_cast<std::size_t>(v)];
    if (i.form == Instruction::Form::load) ++count;
    open.insert(open.end(), i.operands.begin(), i.operands.end());
  }
  return count;
}

bool Lowering::may_be_repeated(const Lowered& value) const {
  constexpr int most_loads = 3;
  if (is_costly(value)) return false;
  std::vector<int> open = {value.value};
  std::set<int> seen;
  int loads = 0;
  while (!open.empty()) {
    const int v = open.back();
    open.pop_back();
    if (!seen.insert(v).second) continue;
    const Instruction& i = code_[static_cast<std::size_t>(v)];
    if (i.form == Instruction::Form::reduce || i.form == Instruction::Form::scan) return false;
    if (i.form == Instruction::Form::load &&
        (++loads > most_loads || !loads_[static_cast<std::size_t>(v)].flipped.empty()))
      return false;
    open.insert(open.end(), i.operands.begin(), i.operands.end());
  }
  return true;
}

int Lowering::along_others(int value, const std::map<int, int>& axes, std::map<int, int>& done) {
  if (const auto it = done.find(value); it != done.end()) return it->second;
  Instruction copy = code_[static_cast<std::size_t>(value)];
  const auto renamed = [&](const std::vector<int>& list) {
    std::vector<int> made;
    for (const int a : expand(list)) {
      const auto it = axes.find(a);
      made.push_back(it == axes.end() ? a : it->second);
    }
    return made;
  };
  RawAccess raw = loads_[static_cast<std::size_t>(value)];
  if (copy.form == Instruction::Form::reduce || copy.form == Instruction::Form::scan || !raw.picks.empty())
    throw CannotLower{"a product of a value with itself that is more than loaded"};
  for (int& operand : copy.operands) operand = along_others(operand, axes, done);
  const bool is_load = copy.form == Instruction::Form::load;
  const int made = add(std::move(copy), renamed(axes_of_value(value)));
  if (is_load) {
    for (auto& dim : raw.dims) dim = renamed(dim);
    for (RawWindow& window : raw.windows) {
      std::vector<std::pair<int, Extent>> before;
      before.swap(window.terms);
      for (auto& [axis, step] : before) {
        const std::vector<int> parts = renamed({axis});
        for (std::size_t k = parts.size(); k-- > 0; step = step * extent(parts[k]))
          window.terms.emplace_back(parts[k], step);
      }
    }
    loads_.back() = std::move(raw);
  }
  done[value] = made;
  return made;
}

Lowered Lowering::apart(const Lowered& value) {
  Lowered made = value;
  expand(made);
  std::map<int, int> axes, done;
  for (auto& dim : made.dims)
    for (int& axis : dim) {
      const auto [it, is_new] = axes.try_emplace(axis, 0);
      if (is_new) {
        const RawAxis like = axes_[static_cast<std::size_t>(axis)];
        it->second = new_axis(like.name, like.extent);
      }
      axis = it->second;
    }
  made.value = along_others(made.value, axes, done);
  return made;
}

void Lowering::allow_coarse(const Lowered& sum, bool rounded) {
  Instruction& i = code_[static_cast<std::size_t>(sum.value)];
  if (i.form != Instruction::Form::reduce || graph_.exact_convolutions) return;
  i.coarse = true;
  i.rounded = rounded;
}

bool Lowering::is_rounded(const TensorRef& ref) const {
  const std::optional<std::size_t> at = graph_.position(ref.name);
  if (!at) return false;
  const GeneralNode& node = graph_.nodes[*at];
  if (node.op == to_tf32_operator) return true;
  return node.base().starts_with("permute") && is_rounded(references(node).at(0));
}

}  // namespace kerf
