#include "synthesize/builtin/emit/cpp_kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kerf {
namespace {

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

}  // namespace

void CppKernel::open(const std::string& text) {
  line(text);
  ++depth_;
}

void CppKernel::close(const std::string& text) {
  --depth_;
  line(text);
}

void CppKernel::need(const std::string& helper) {
  if (std::ranges::find(out_.helpers, helper) == out_.helpers.end()) out_.helpers.push_back(helper);
}

void CppKernel::begin_kernel() {
  parameters_.clear();
  arguments_.clear();
  body_.clear();
  depth_ = 1;
  declared_.clear();
  pointers_.clear();
}

std::string CppKernel::argument(const std::string& type, const std::string& name, const std::string& text) {
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (parameters_[i].second == name) return name;
  parameters_.emplace_back(type, name);
  arguments_.push_back(text);
  return name;
}

std::string CppKernel::size(int axis) {
  std::string n(1, static_cast<char>(std::toupper(r_.axes[static_cast<std::size_t>(axis)].name[0])));
  return argument("int64_t", n, r_.axes[static_cast<std::size_t>(axis)].extent.text);
}

std::string CppKernel::size_of_axes(std::uint64_t mask) {
  std::string text;
  for (int a = 0; a <= inner_; ++a)
    if (mask & bit(a)) text += (text.empty() ? "" : " * ") + size(a);
  return text.empty() ? "1" : text;
}

void CppKernel::end_kernel(const std::string& name, const std::string& comment, std::vector<std::string> grid,
                           const std::vector<std::string>& indices) {
  if (body_.find("put_past(") != std::string::npos) body_ += "  stream_end();\n";
  std::string text = "\n// " + comment + "\nextern \"C\" void " + name + "(";
  std::string row;
  for (const auto& [type, parameter] : parameters_) {
    const bool pointer = type.ends_with("*");
    row += (row.empty() ? "" : ", ") + type + (pointer ? " __restrict__ " : " ") + parameter;
  }
  for (const std::string& index : indices) row += (row.empty() ? "" : ", ") + std::string("int64_t ") + index;
  out_.source += text + row + ") {\n" + body_ + "}\n";
  out_.launches.push_back({.kernel = name, .grid = std::move(grid), .args = arguments_});
}

const char* CppKernel::element(const Access& a) const {
  return a.type == Type::i64 ? "int64_t" : a.type == Type::mask ? "bool" : "float";
}

std::string CppKernel::pointer(const Access& access, const std::string& name, bool writes) {
  return argument(fmt::format("{}{}*", writes ? "" : "const ", element(access)), writes ? name + "_to" : name + "_from",
                  placeholder(access.tensor));
}

std::string CppKernel::stride(const Access& access, const Extent& stride_extent, int axis, const std::string& name) {
  if (stride_extent.is(1) && access.contiguous) return "1";
  if (access.contiguous && !access.pick) {
    std::uint64_t below = 0;
    Extent product = one(r_.workloads);
    for (const Subscript& s : access.subscripts)
      if (s.axis > axis) {
        below |= bit(s.axis);
        product = product * r_.axes[static_cast<std::size_t>(s.axis)].extent;
      }
    if (product.values == stride_extent.values) return size_of_axes(below);
  }
  return argument("int64_t",
                  fmt::format("{}_stride_{}", name, axis < 0 ? "pick" : r_.axes[static_cast<std::size_t>(axis)].name),
                  stride_extent.text);
}

std::string CppKernel::offset(const Access& access, const std::string& name, std::uint64_t without) {
  std::string text;
  std::vector<Subscript> ordered = access.subscripts;
  std::ranges::sort(ordered, {}, &Subscript::axis);
  for (const Subscript& s : ordered) {
    if (without & bit(s.axis)) continue;
    const std::string step = stride(access, s.stride, s.axis, name);
    text += " + " + r_.axes[static_cast<std::size_t>(s.axis)].name + (step == "1" ? "" : " * " + step);
  }
  if (access.pick) {
    const std::string step = stride(access, access.pick_stride, -1, name);
    text += " + " + cpp_name(r_.code[static_cast<std::size_t>(*access.pick)].name) + (step == "1" ? "" : " * " + step);
  }
  return text;
}

std::uint64_t CppKernel::axes_of(const Access& access) const {
  std::uint64_t mask = 0;
  for (const Subscript& s : access.subscripts) mask |= bit(s.axis);
  return mask;
}

void CppKernel::collect(int v, std::set<int>& into) const {
  if (into.contains(v) || declared_.contains(v)) return;
  into.insert(v);
  if (at(v).form == Instruction::Form::reduce) return;
  for (const int o : at(v).operands) collect(o, into);
  if (at(v).access.pick) collect(*at(v).access.pick, into);
}

CppOperand CppKernel::operand(int v, bool lane) {
  const Instruction& i = at(v);
  if (i.form == Instruction::Form::constant) return {.text = cpp_literal(i.constant), .vector = false};
  if (i.form == Instruction::Form::parameter)
    return {.text = argument("float", i.name + "_value", i.text), .vector = false};
  const bool vector = lane && along_inner(v);
  if (arrays_.contains(v)) {
    return {.text = vector ? fmt::format("load16({} + {})", arrays_.at(v), column_) : arrays_.at(v),
            .vector = vector,
            .type = i.type};
  }
  const std::string name = cpp_name(i.name);
  return {.text = lane && wide_.contains(v) ? "(float)" + name : name, .vector = vector, .type = i.type};
}

void CppKernel::declare(int v, Place place) {
  const Instruction& i = at(v);
  if (i.form == Instruction::Form::constant || i.form == Instruction::Form::parameter) return;
  const bool vector = place == Place::lane && along_inner(v);
  const std::string name = cpp_name(i.name);
  if (i.form == Instruction::Form::load) {
    const std::string base = pointer(i.access, i.name, false);
    const Subscript* s = inner_ >= 0 ? i.access.along(inner_) : nullptr;
    if (!vector) {
      line(fmt::format("const {} {} = {}[{}];", element(i.access), name, base, cpp_index(offset(i.access, i.name, 0))));
      return;
    }
    const std::string step = stride(i.access, s->stride, inner_, i.name);
    const std::string from = pointers_.contains(v) ? pointers_.at(v) : base + offset(i.access, i.name, bit(inner_));
    const std::string here = fmt::format("{} + {}{}", from, lane_index_, step == "1" ? "" : " * " + step);
    if (i.access.type == Type::i64) {
      need("whole");
      line(fmt::format("const f32x16 {} = whole({}, {}, w);", name, here, step));
    } else if (i.access.type == Type::mask) {
      need("flags");
      line(fmt::format("const auto {} = flags({}, {}, w);", name, here, step));
    } else if (step == "1") {
      need("at");
      line(fmt::format("const f32x16 {} = at({}, w);", name, here));
    } else {
      need("gather");
      line(fmt::format("const f32x16 {} = gather({}, {}, w);", name, here, step));
    }
    return;
  }
  std::vector<CppOperand> operands;
  for (const int o : i.operands) {
    operands.push_back(operand(o, place == Place::lane));
    if (i.type == Type::i64 && at(o).form == Instruction::Form::constant)
      operands.back().text = fmt::format("{}", static_cast<std::int64_t>(at(o).constant));
  }
  const std::string text = cpp_expression(i.op, operands, vector, [this](const std::string& h) { need(h); });
  // A mean that is rounded twice would move a whole row.
  const bool wide = !vector && i.type == Type::f32 && is_arithmetic(i.op) &&
                    std::ranges::any_of(i.operands, [&](int o) { return wide_.contains(o); });
  if (wide) wide_.insert(v);
  const char* type = vector ? (i.type == Type::mask ? "auto" : "f32x16")
                            : (i.type == Type::mask  ? "bool"
                               : i.type == Type::i64 ? "int64_t"
                               : wide                ? "double"
                                                     : "float");
  line(fmt::format("const {} {} = {};", type, name, text));
}

void CppKernel::declare_all(const std::set<int>& values, Place place) {
  for (const int v : values) {
    if (declared_.contains(v) || at(v).form == Instruction::Form::reduce) continue;
    declare(v, place);
    declared_.insert(v);
  }
}

void CppKernel::declare_lane(const std::set<int>& values) {
  declare_all(values, Place::lane);
  if (keep_ && values.contains(*keep_)) {
    line(fmt::format("store16(kept + {}, {});", column_, as_vector(operand(*keep_, true))));
    keeping_ = true;
  }
  if (!fetching_) return;
  for (const int v : values) {
    const Instruction& i = at(v);
    if (i.form != Instruction::Form::load || !along_inner(v) || (i.axes & kept_) == 0 || i.access.type != Type::f32)
      continue;
    if (stride(i.access, i.access.along(inner_)->stride, inner_, i.name) != "1") continue;
    line(fmt::format("prefetch({} + {} + {});", pointers_.at(v), lane_index_, size(inner_)));
  }
}

void CppKernel::declare_pointers(const std::set<int>& values) {
  for (const int v : values) {
    if (at(v).form != Instruction::Form::load || !along_inner(v) || pointers_.contains(v)) continue;
    const std::string base = pointer(at(v).access, at(v).name, false);
    const std::string rest = offset(at(v).access, at(v).name, bit(inner_));
    if (rest.empty()) {
      pointers_[v] = base;
      continue;
    }
    const std::string name = at(v).name + "_at";
    line(fmt::format("const {}* {} = {}{};", element(at(v).access), name, base, rest));
    pointers_[v] = name;
  }
}

int CppKernel::open_loops(std::uint64_t mask) {
  int opened = 0;
  for (int a = 0; a <= inner_; ++a) {
    if (!(mask & bit(a))) continue;
    const std::string& n = r_.axes[static_cast<std::size_t>(a)].name;
    open(fmt::format("for (int64_t {0} = 0; {0} < {1}; ++{0}) {{", n, size(a)));
    ++opened;
  }
  return opened;
}

void CppKernel::unflatten(std::uint64_t mask, const std::string& flat_index) {
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

std::string CppKernel::describe() const {
  std::string text;
  for (const Axis& axis : r_.axes)
    text += fmt::format("{}{} < {}", text.empty() ? "" : ", ", axis.name, readable(axis.extent.text));
  return text;
}

std::string CppKernel::readable(const std::string& text) {
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

bool CppKernel::used_later(int v, int wave) const {
  for (const Instruction& i : r_.code)
    if (std::ranges::find(i.operands, v) != i.operands.end() && ((i.axes & r_.reduced) != 0 || i.wave > wave))
      return true;
  return false;
}

void CppKernel::fix_shadow(int v) {
  const std::string name = cpp_name(at(v).name);
  const std::string declaration = "const f32x16 " + name + " = ";
  if (const auto p = body_.rfind(declaration); p != std::string::npos)
    body_.replace(p, declaration.size(), "const f32x16 " + name + "_16 = ");
  const std::string stored = fmt::format("store16({0} + c, {0});", name);
  if (const auto p = body_.rfind(stored); p != std::string::npos)
    body_.replace(p, stored.size(), fmt::format("store16({0} + c, {0}_16);", name));
}

}  // namespace kerf
