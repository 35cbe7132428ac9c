#include "synthesize/builtin/emit/kernel_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "synthesize/builtin/emit/cpp_expressions.h"

namespace kerf {

bool is_arithmetic(Op op) {
  switch (op) {
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::neg:
    case Op::square:
    case Op::reciprocal:
      return true;
    default:
      return false;
  }
}

void KernelText::open(const std::string& text) {
  line(text);
  ++depth_;
}

void KernelText::close(const std::string& text) {
  --depth_;
  line(text);
}

void KernelText::need(const std::string& helper) {
  if (std::ranges::find(out_.helpers, helper) == out_.helpers.end()) out_.helpers.push_back(helper);
}

void KernelText::begin_kernel() {
  parameters_.clear();
  arguments_.clear();
  body_.clear();
  depth_ = 1;
  declared_.clear();
}

std::string KernelText::argument(const std::string& type, const std::string& name, const std::string& text) {
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (parameters_[i].second == name) return name;
  parameters_.emplace_back(type, name);
  arguments_.push_back(text);
  return name;
}

std::string KernelText::shared_argument(const std::string& type, const std::string& name, const std::string& text) {
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (parameters_[i].first == type && arguments_[i] == text) return parameters_[i].second;
  std::string free = name;
  const auto taken = [&] {
    return std::ranges::find(parameters_, free, [](const auto& p) { return p.second; }) != parameters_.end();
  };
  for (int n = 1; taken(); ++n) free = fmt::format("{}_{}", name, n);
  return argument(type, free, text);
}

std::string KernelText::number(const Extent& extent, const std::string& name) {
  if (extent.text.find_first_not_of("0123456789-") == std::string::npos) return extent.text;
  return name.ends_with("_shift") || name.ends_with("_window") ? of_windows(name, extent.text)
                                                               : shared_argument("int64_t", name, extent.text);
}

std::string KernelText::of_windows(const std::string& name, const std::string& text) {
  return shared_argument("int64_t", name, text);
}

std::string KernelText::size(int axis) {
  std::string n(1, static_cast<char>(std::toupper(r_.axes[static_cast<std::size_t>(axis)].name[0])));
  return argument("int64_t", n, r_.axes[static_cast<std::size_t>(axis)].extent.text);
}

std::string KernelText::size_of_axes(std::uint64_t mask) {
  std::string text;
  for (int a = 0; a <= inner_; ++a)
    if (mask & bit(a)) text += (text.empty() ? "" : " * ") + size(a);
  return text.empty() ? "1" : text;
}

const char* KernelText::element(const Access& a) const {
  return a.type == Type::i64 ? "int64_t" : a.type == Type::mask ? "bool" : "float";
}

std::string KernelText::pointer(const Access& access, const std::string& name, bool writes) {
  const std::string type = fmt::format("{}{}*", writes ? "" : "const ", element(access));
  const std::string parameter = writes ? name + "_to" : name + "_from";
  return access.windows.empty() ? argument(type, parameter, placeholder(access.tensor))
                                : shared_argument(type, parameter, placeholder(access.tensor));
}

std::string KernelText::stride(const Access& access, const Extent& stride_extent, int axis, const std::string& name) {
  if (stride_extent.is(1) && access.contiguous) return "1";
  if (!access.windows.empty())
    return number(stride_extent, fmt::format("{}_stride_{}", name, r_.axes[static_cast<std::size_t>(axis)].name));
  if (access.contiguous && access.picks.empty()) {
    std::uint64_t below = 0;
    Extent product = one(r_.workloads);
    for (const Subscript& s : access.subscripts)
      if (s.axis > axis) {
        below |= bit(s.axis);
        product = product * r_.axes[static_cast<std::size_t>(s.axis)].extent;
      }
    if (product.values == stride_extent.values) return size_of_axes(below);
  }
  return argument("int64_t", fmt::format("{}_stride_{}", name, r_.axes[static_cast<std::size_t>(axis)].name),
                  stride_extent.text);
}

std::string KernelText::offset(const Access& access, const std::string& name, std::uint64_t without) {
  std::string text;
  std::vector<Subscript> ordered = access.subscripts;
  std::ranges::sort(ordered, {}, &Subscript::axis);
  for (const Subscript& s : ordered) {
    if (without & bit(s.axis)) continue;
    const std::string step = stride(access, s.stride, s.axis, name);
    text += " + " + r_.axes[static_cast<std::size_t>(s.axis)].name + (step == "1" ? "" : " * " + step);
  }
  for (const Window& window : access.windows) {
    if (window.shift.is(0)) continue;
    const Extent shift = window.shift * window.stride;
    const std::string step = window.stride.is(1) ? "1" : number(window.stride, name + "_step");
    text +=
        " + " + number(window.stride.is(1) ? shift : window.shift, name + "_shift") + (step == "1" ? "" : " * " + step);
  }
  return text + picked(access, name, without, false);
}

std::string KernelText::index_of(int v) {
  const std::string name = cpp_name(at(v).name);
  return at(v).type == Type::f32 ? "(int64_t)" + name : name;
}

std::string KernelText::picked(const Access& access, const std::string& name, std::uint64_t axes, bool along) {
  std::string text;
  for (std::size_t k = 0; k < access.picks.size(); ++k) {
    const Pick& pick = access.picks[k];
    if (((at(pick.index).axes & axes) != 0) != along) continue;
    text += " + " + index_of(pick.index);
    if (pick.stride.is(1) && access.contiguous) continue;
    text += " * " + argument("int64_t", fmt::format("{}_stride_pick{}", name, k == 0 ? "" : std::to_string(k)),
                             pick.stride.text);
  }
  return text;
}

std::string KernelText::window_index(const Window& window, const std::string& name,
                                     const std::function<std::string(int axis)>& index) {
  std::string text;
  for (const Window::Term& term : window.terms) {
    const std::string step = number(term.step, name + "_window");
    text += (text.empty() ? "" : " + ") + index(term.axis) + (step == "1" ? "" : " * " + step);
  }
  if (text.empty()) return number(window.shift, name + "_shift");
  return window.shift.is(0) ? text : text + " + " + number(window.shift, name + "_shift");
}

std::vector<std::string> KernelText::bounds(const Access& access, const std::string& name,
                                            const std::function<std::string(int axis)>& index, int without) {
  std::vector<std::string> found;
  for (const Window& window : access.windows) {
    if (!window.guarded() ||
        std::ranges::any_of(window.terms, [&](const Window::Term& t) { return t.axis == without; }))
      continue;
    const std::string at = window_index(window, name, index);
    if (window.below) found.push_back(at + " >= 0");
    if (window.above) found.push_back(at + " < " + number(window.limit, name + "_limit"));
  }
  return found;
}

std::uint64_t KernelText::axes_of(const Access& access) const {
  std::uint64_t mask = 0;
  for (const Subscript& s : access.subscripts) mask |= bit(s.axis);
  return mask;
}

bool KernelText::runs_evenly(const Access& access) const {
  // Through a window of stride 1 it would name no stride of the tensor, and a launch has to.
  if (!access.contiguous && !access.windows.empty()) return false;
  std::vector<int> axes;
  for (int a = 0; a <= inner_; ++a)
    if (loop_ & bit(a)) axes.push_back(a);
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const Subscript* here = access.along(axes[k]);
    if (here == nullptr) return false;
    if (k + 1 == axes.size()) return true;
    const Subscript* next = access.along(axes[k + 1]);
    if (next == nullptr) return false;
    const Extent& extent = r_.axes[static_cast<std::size_t>(axes[k + 1])].extent;
    for (std::size_t w = 0; w < r_.workloads; ++w)
      if (here->stride.values[w] != next->stride.values[w] * extent.values[w]) return false;
  }
  return false;
}

std::string KernelText::store_name(std::size_t k) const {
  return "out" + (r_.stores.size() > 1 ? std::to_string(k) : std::string());
}

void KernelText::require(const std::string& text, const std::function<bool(std::size_t)>& holds) {
  Requirement made{.text = text, .holds = {}};
  for (std::size_t w = 0; w < r_.workloads; ++w) made.holds.push_back(holds(w));
  if (std::ranges::none_of(out_.requirements, [&](const Requirement& r) { return r.text == text; }))
    out_.requirements.push_back(std::move(made));
}

bool KernelText::is_small(const Extent& extent) {
  if (std::ranges::any_of(extent.values, [](std::int64_t n) { return n >> 31 != 0; })) return false;
  require(fmt::format("{} < 2147483648", extent.text), [&](std::size_t w) { return extent.values[w] >> 31 == 0; });
  return true;
}

void KernelText::collect(int v, std::set<int>& into) const {
  if (into.contains(v) || declared_.contains(v)) return;
  into.insert(v);
  if (at(v).form == Instruction::Form::reduce) return;
  for (const int o : at(v).operands) collect(o, into);
  for (const Pick& pick : at(v).access.picks) collect(pick.index, into);
}

void KernelText::unflatten(std::uint64_t mask, const std::string& flat_index) {
  std::vector<int> list;
  for (int a = 0; a <= inner_; ++a)
    if (mask & bit(a)) list.push_back(a);
  for (std::size_t k = 0; k < list.size(); ++k) {
    const std::string& n = r_.axes[static_cast<std::size_t>(list[k])].name;
    std::uint64_t below = 0;
    for (std::size_t m = k + 1; m < list.size(); ++m) below |= bit(list[m]);
    std::string text = flat_index;
    if (below) text += " / " + (list.size() - k > 2 ? "(" + size_of_axes(below) + ")" : size_of_axes(below));
    if (k > 0) text = (below ? text : flat_index) + " % " + size(list[k]);
    line(fmt::format("const int64_t {} = {};", n, text));
  }
}

std::string KernelText::describe() const {
  std::string text;
  for (const Axis& axis : r_.axes)
    text += fmt::format("{}{} < {}", text.empty() ? "" : ", ", axis.name, readable(axis.extent.text));
  return text;
}

std::string KernelText::readable(const std::string& text) {
  std::string out;
  bool inside = false, index = false;
  for (const char c : text) {
    if (c == '@') {
      inside = !inside;
      index = false;
    } else if (inside && c == '#') {
      index = true;
    } else if (!index) {
      out += c;
    }
  }
  return out;
}

std::set<int> KernelText::row_values(int after_wave) const {
  std::set<int> found;
  for (std::size_t k = 0; k < r_.code.size(); ++k) {
    const int v = static_cast<int>(k);
    if (at(v).form == Instruction::Form::reduce || !of_row(v) || at(v).wave > after_wave || declared_.contains(v))
      continue;
    if (at(v).form == Instruction::Form::constant || at(v).form == Instruction::Form::parameter) continue;
    found.insert(v);
  }
  return found;
}

std::vector<std::size_t> KernelText::parts_in(int wave) const {
  std::vector<std::size_t> found;
  for (std::size_t p = 0; p < parts_.size(); ++p)
    if (parts_[p].wave == wave) found.push_back(p);
  return found;
}

std::string KernelText::parameter_list() const {
  std::string row;
  for (const auto& [type, parameter] : parameters_) {
    const bool pointer = type.ends_with("*");
    row += (row.empty() ? "" : ", ") + type + (pointer ? " __restrict__ " : " ") + parameter;
  }
  return row;
}

}  // namespace kerf
