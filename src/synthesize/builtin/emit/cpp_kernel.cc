#include "synthesize/builtin/emit/cpp_kernel.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "synthesize/builtin/emit/spelling.h"

namespace kerf {
void CppKernel::end_kernel(const std::string& name, const std::string& comment, std::vector<std::string> grid,
                           const std::vector<std::string>& indices) {
  if (body_.find("put_past(") != std::string::npos) body_ += "  stream_end();\n";
  std::string text = "\n// " + comment + "\nextern \"C\" void " + name + "(";
  std::string row = parameter_list();
  for (const std::string& index : indices) row += (row.empty() ? "" : ", ") + std::string("int64_t ") + index;
  out_.source += text + row + ") {\n" + body_ + "}\n";
  out_.launches.push_back({.kernel = name, .grid = std::move(grid), .args = arguments_});
}

CppOperand CppKernel::operand(int v, bool lane) {
  const Instruction& i = at(v);
  if (i.form == Instruction::Form::constant) return {.text = cpp_literal(i.constant), .vector = false};
  if (i.form == Instruction::Form::parameter)
    return {.text = argument("float", i.name + "_value", i.text), .vector = false};
  const bool vector = lane && along_inner(v);
  if (arrays_.contains(v)) {
    return {.text = vector ? fmt::format("loadv({} + {})", arrays_.at(v), column_) : arrays_.at(v),
            .vector = vector,
            .type = i.type};
  }
  const std::string name = cpp_name(i.name);
  // Vectors are compared and reckoned with in float.
  const bool cast = lane && (wide_.contains(v) || (i.type == Type::i64 && !vector));
  return {.text = cast ? "(float)" + name : name, .vector = vector, .type = i.type};
}

CppKernel::Lanes CppKernel::lanes_of(int v) {
  const Instruction& i = at(v);
  const std::string step = turned_.contains(v) ? "1" : stride(i.access, i.access.along(inner_)->stride, inner_, i.name);
  const std::string from = pointers_.contains(v)
                               ? pointers_.at(v)
                               : pointer(i.access, i.name, false) + offset(at(v).access, at(v).name, bit(inner_));
  const bool summed = lane_index_.find(' ') != std::string::npos;
  return {.first = fmt::format("{} + {}{}", from, summed && step != "1" ? "(" + lane_index_ + ")" : lane_index_,
                               step == "1" ? "" : " * " + step),
          .apart = step};
}

bool CppKernel::compares_integers(const Instruction& i) const {
  return i.op >= Op::eq && i.op <= Op::ge &&
         std::ranges::all_of(i.operands, [&](int o) { return at(o).type == Type::i64; }) &&
         std::ranges::all_of(i.operands,
                             [&](int o) { return !along_inner(o) || at(o).form == Instruction::Form::load; });
}

std::string CppKernel::compared_integers(const Instruction& i) {
  std::vector<std::string> operands;
  for (const int o : i.operands) {
    if (along_inner(o)) {
      const Lanes lanes = lanes_of(o);
      operands.push_back(fmt::format("({})[nth{}]", lanes.first, lanes.apart == "1" ? "" : " * " + lanes.apart));
    } else {
      operands.push_back(cpp_name(at(o).name));
    }
  }
  need("compared");
  return fmt::format("compared(w, [&](int64_t nth) {{ return {}; }})",
                     *spelled(Tongue::scalar, i.op, operands, [](const std::string&) {}));
}

void CppKernel::declare(int v, Place place) {
  const Instruction& i = at(v);
  if (i.form == Instruction::Form::constant || i.form == Instruction::Form::parameter) return;
  const bool vector = place == Place::lane && along_inner(v);
  const std::string name = cpp_name(i.name);
  if (i.form == Instruction::Form::load) {
    const std::string base = pointer(i.access, i.name, false);
    const auto index = [&](int axis) { return axis_name(axis); };
    if (!vector) {
      const std::string inside = fmt::format("{}", fmt::join(bounds(i.access, i.name, index), " && "));
      line(fmt::format("const {} {} = {}{}[{}]{};", element(i.access), name, inside.empty() ? "" : inside + " ? ", base,
                       cpp_index(offset(i.access, i.name, 0)),
                       inside.empty() ? "" : " : " + cpp_literal(i.access.outside)));
      return;
    }
    if (r_.picks_along(i.access, bit(inner_))) return line(gathered_lanes(v));
    const auto [here, step] = lanes_of(v);
    if (i.access.guarded() && i.access.type == Type::f32) {
      line(fmt::format("const f32v {} = {};", name, guarded_lanes(i, here, step)));
      return;
    }
    if (i.access.type == Type::i64) {
      need("whole");
      line(fmt::format("const f32v {} = whole({}, {}, w);", name, here, step));
    } else if (i.access.type == Type::mask) {
      need("flags");
      line(fmt::format("const auto {} = flags({}, {}, w);", name, here, step));
    } else if (step == "1") {
      need("at");
      line(fmt::format("const f32v {} = at({}, w);", name, here));
    } else if (step == "-1") {
      need("backwards");
      line(fmt::format("const f32v {} = backwards({}, w);", name, here));
    } else {
      need("gather");
      line(fmt::format("const f32v {} = gather({}, {}, w);", name, here, step));
    }
    return;
  }
  if (i.form == Instruction::Form::index) {
    line(vector ? fmt::format("const f32v {} = __builtin_convertvector(iotav((int32_t)({})), f32v);", name, lane_index_)
                : fmt::format("const float {} = (float){};", name, axis_name(std::countr_zero(i.axes))));
    return;
  }
  if (vector && compares_integers(i)) return line(fmt::format("const i32v {} = {};", name, compared_integers(i)));
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
  const char* type = vector ? (i.type == Type::mask ? "auto" : "f32v")
                            : (i.type == Type::mask  ? "bool"
                               : i.type == Type::i64 ? "int64_t"
                               : wide                ? "double"
                                                     : "float");
  line(fmt::format("const {} {} = {};", type, name, text));
}

std::string CppKernel::gathered_lanes(int v) {
  const Instruction& i = at(v);
  const std::string name = cpp_name(i.name);
  const std::string from = pointers_.contains(v)
                               ? pointers_.at(v)
                               : pointer(i.access, i.name, false) + offset(i.access, i.name, bit(inner_));
  const Subscript* along = i.access.along(inner_);
  const std::string step = along == nullptr ? "0" : stride(i.access, along->stride, inner_, i.name);
  const std::string indices = picked(i.access, i.name, bit(inner_), true);
  std::string lanes;
  if (const int first = i.access.picks.front().index; along == nullptr && indices == " + " + index_of(first) &&
                                                      i.access.type == Type::f32 &&
                                                      at(first).form != Instruction::Form::reduce) {
    need("looked_up");
    lanes = fmt::format("looked_up({}, {}, w)", from, operand(first, true).text);
  } else {
    need("each_lane");
    std::string here = along == nullptr ? "" : fmt::format(" + ({} + nth)", lane_index_);
    if (along != nullptr && step != "1") here += " * " + step;
    lanes = fmt::format("each_lane(w, [&](int64_t nth) {{ return {}{}{}; }})", from, here, indices);
  }
  return fmt::format("const {} {} = {}{};", i.access.type == Type::mask ? "auto" : "f32v", name, lanes,
                     i.access.type == Type::mask ? " != 0.0f" : "");
}

// Indices in lanes are floats; in a loop over these one at a time.
std::string CppKernel::index_of(int v) {
  if (!along_inner(v)) return KernelText::index_of(v);
  if (arrays_.contains(v)) return fmt::format("(int64_t)({})[{} + nth]", arrays_.at(v), column_);
  return fmt::format("(int64_t){}[nth]", cpp_name(at(v).name));
}

bool CppKernel::is_chosen(int v) const {
  for (std::size_t k = 0; k < r_.code.size(); ++k) {
    const Instruction& i = r_.code[k];
    if (i.form != Instruction::Form::pointwise || std::ranges::find(i.operands, v) == i.operands.end()) continue;
    if (i.op == Op::where && i.operands[0] != v) return true;
    const bool alone = std::ranges::all_of(i.operands, [&](int o) {
      return o == v || at(o).form == Instruction::Form::constant || at(o).form == Instruction::Form::parameter;
    });
    if (alone && is_chosen(static_cast<int>(k))) return true;
  }
  return false;
}

// A load of lanes of which some, or all, may lie outside of the tensor.
std::string CppKernel::guarded_lanes(const Instruction& i, const std::string& here, const std::string& step) {
  const auto index = [&](int axis) { return axis == inner_ ? "(" + lane_index_ + ")" : axis_name(axis); };
  const std::string others = fmt::format("{}", fmt::join(bounds(i.access, i.name, index, inner_), " && "));
  std::string lanes;
  for (const Window& window : i.access.windows)
    for (const Window::Term& term : window.terms) {
      if (term.axis != inner_) continue;
      const char* helper = is_chosen(static_cast<int>(&i - r_.code.data())) ? "of_part" : "within";
      need(helper);
      lanes = fmt::format("{}({}, {}, {}, {}, {}, {}, w)", helper, here, step, window_index(window, i.name, index),
                          number(term.step, i.name + "_window"), number(window.limit, i.name + "_limit"),
                          cpp_literal(i.access.outside));
    }
  if (lanes.empty()) {
    need(step == "1" ? "at" : "gather");
    lanes = step == "1" ? fmt::format("at({}, w)", here) : fmt::format("gather({}, {}, w)", here, step);
  }
  return others.empty() ? lanes : fmt::format("{} ? {} : splatv({})", others, lanes, cpp_literal(i.access.outside));
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
    line(fmt::format("storev({} + {}, {});", kept_row(), column_, as_vector(operand(*keep_, true))));
    keeping_ = true;
  }
  if (!fetching_) return;
  for (const int v : values) {
    const Instruction& i = at(v);
    if (i.form != Instruction::Form::load || !along_inner(v) || (i.axes & kept_) == 0 || i.access.type != Type::f32 ||
        is_by_element(v))
      continue;
    if (stride(i.access, i.access.along(inner_)->stride, inner_, i.name) != "1") continue;
    line(fmt::format("prefetch({} + {} + {});", pointers_.at(v), lane_index_, size(inner_)));
  }
}

std::string CppKernel::kept_row() {
  std::string row;
  for (int a = 0; a < inner_; ++a) {
    if (!r_.is_reduced(a)) continue;
    const std::string& n = r_.axes[static_cast<std::size_t>(a)].name;
    row = row.empty() ? n : fmt::format("({} * {} + {})", row, size(a), n);
  }
  return row.empty() ? "kept" : fmt::format("kept + {} * {}", row, size(inner_));
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

bool CppKernel::used_later(int v, int wave) const {
  for (const Instruction& i : r_.code)
    if (std::ranges::find(i.operands, v) != i.operands.end() && ((i.axes & r_.reduced) != 0 || i.wave > wave))
      return true;
  return false;
}

void CppKernel::fix_shadow(int v) {
  const std::string name = cpp_name(at(v).name);
  const std::string declaration = "const f32v " + name + " = ";
  if (const auto p = body_.rfind(declaration); p != std::string::npos)
    body_.replace(p, declaration.size(), "const f32v " + name + "_lanes = ");
  const std::string stored = fmt::format("storev({0} + c, {0});", name);
  if (const auto p = body_.rfind(stored); p != std::string::npos)
    body_.replace(p, stored.size(), fmt::format("storev({0} + c, {0}_lanes);", name));
}

}  // namespace kerf
