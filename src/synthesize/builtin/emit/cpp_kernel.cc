#include "synthesize/builtin/emit/cpp_kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kerf {

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
    return {.text = vector ? fmt::format("load16({} + {})", arrays_.at(v), column_) : arrays_.at(v), .vector = vector};
  }
  return {.text = cpp_name(i.name), .vector = vector, .type = i.type};
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
  const char* type = vector ? (i.type == Type::mask ? "auto" : "f32x16")
                            : (i.type == Type::mask  ? "bool"
                               : i.type == Type::i64 ? "int64_t"
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

void CppKernel::restore(Scope scope) {
  declared_ = std::move(scope.declared);
  pointers_ = std::move(scope.pointers);
}

template <class Inside>
void CppKernel::pass(const std::set<int>& wanted, std::uint64_t loops, Inside inside) {
  const Scope scope = save();
  const int opened = open_loops(loops & ~bit(inner_) & ~chunked_);
  int chunk_loop = 0;
  if (chunked_ && chunked_ != bit(inner_) && (loops & chunked_)) {
    const int a = axis_of(chunked_);
    const std::string& n = r_.axes[static_cast<std::size_t>(a)].name;
    open(fmt::format("for (int64_t {0} = begin; {0} < end; ++{0}) {{", n));
    chunk_loop = 1;
  }
  std::set<int> values;
  for (const int v : wanted) collect(v, values);
  std::set<int> scalars, lanes;
  for (const int v : values) (along_inner(v) ? lanes : scalars).insert(v);
  declare_all(scalars, Place::outer);
  declare_pointers(lanes);
  inside(lanes);
  for (int i = 0; i < opened + chunk_loop; ++i) close();
  leave(scope, opened + chunk_loop == 0, lanes);
}

void CppKernel::leave(Scope scope, bool same_block, const std::set<int>& lanes) {
  if (!same_block) return restore(std::move(scope));
  for (const int v : lanes)
    if (!scope.declared.contains(v)) declared_.erase(v);
}

int CppKernel::axis_of(std::uint64_t mask) const {
  int a = 0;
  while (!(mask >> a & 1U)) ++a;
  return a;
}

std::pair<std::string, std::string> CppKernel::inner_range() {
  if (chunked_ == bit(inner_)) return {"begin", "end"};
  return {"0", size(inner_)};
}

std::string CppKernel::first_of(ReduceOp op) const {
  return op == ReduceOp::max ? "-__builtin_inff()" : op == ReduceOp::min ? "__builtin_inff()" : "1.0f";
}

std::string CppKernel::totals_of(std::size_t part) const {
  const Part& p = parts_[part];
  const char* what = !p.joint                                ? to_string(at(p.reductions[0]).reduce)
                     : p.joint->kind == Joint::Kind::moments ? "moments"
                                                             : "exponentials";
  return fmt::format("{}_of_pass_{}", what, part + 1);
}

std::vector<std::string> CppKernel::numbers_of(std::size_t part) const {
  const Part& p = parts_[part];
  const std::string totals = totals_of(part);
  if (p.joint && p.joint->kind == Joint::Kind::moments)
    return {totals + ".count", totals + ".sum", totals + ".squares"};
  if (p.joint) return {totals + ".top", totals + ".total"};
  std::vector<std::string> found;
  for (std::size_t k = 0; k < p.reductions.size(); ++k) found.push_back(fmt::format("{}[{}]", totals, k));
  return found;
}

void CppKernel::declare_results(std::size_t part, const std::string& totals) {
  const Part& p = parts_[part];
  const auto result = [&](int v, const std::string& text) {
    line(fmt::format("const float {} = {};", cpp_name(at(v).name), text));
    declared_.insert(v);
  };
  if (!p.joint) {
    for (std::size_t k = 0; k < p.reductions.size(); ++k)
      result(p.reductions[k], fmt::format("(float){}[{}]", totals, k));
  } else if (p.joint->kind == Joint::Kind::moments) {
    result(p.joint->first, fmt::format("(float){}.sum", totals));
    result(p.joint->second, fmt::format("(float){}.squares", totals));
  } else {
    result(p.joint->first, totals + ".top");
    result(p.joint->second, fmt::format("sum_of({})", totals));
  }
}

void CppKernel::reduce_alike(const std::vector<int>& reductions, const std::string& totals) {
  const ReduceOp op = at(reductions[0]).reduce;
  const bool sum = op == ReduceOp::sum;
  std::string init;
  for (std::size_t k = 0; k < reductions.size(); ++k) init += (k ? ", " : "") + (sum ? std::string("0") : first_of(op));
  line(fmt::format("{} {}[{}] = {{{}}};", sum ? "double" : "float", totals, reductions.size(), init));
  std::set<int> wanted;
  for (const int v : reductions) wanted.insert(at(v).operands[0]);
  pass(wanted, r_.reduced, [&](const std::set<int>& lanes) {
    const auto [begin, end] = inner_range();
    const std::string& n = r_.axes[static_cast<std::size_t>(inner_)].name;
    lane_index_ = column_ = n;
    if (sum) {
      need("sums");
      open(fmt::format("sums<{}, {}, {}>({}, {}, {}, [&](int64_t {}, [[maybe_unused]] int64_t w, f32x16* term) {{",
                       reductions.size(), s_.accumulators, s_.chunk, begin, end, totals, n));
    } else {
      need("folds");
      const char* fold = op == ReduceOp::max ? "greater(a, b)" : op == ReduceOp::min ? "smaller(a, b)" : "a * b";
      if (op != ReduceOp::prod) need(op == ReduceOp::max ? "greater" : "smaller");
      line(fmt::format("const auto {}_of = [](auto a, auto b) {{ return {}; }};", totals, fold));
      open(fmt::format(
          "folds<{}, {}>({}, {}, {}, {}, {}_of, [&](int64_t {}, [[maybe_unused]] int64_t w, f32x16* term) {{",
          reductions.size(), s_.accumulators, begin, end, first_of(op), totals, totals, n));
    }
    declare_lane(lanes);
    for (std::size_t k = 0; k < reductions.size(); ++k)
      line(fmt::format("term[{}] = {};", k, as_vector(operand(at(reductions[k]).operands[0], true))));
    close("});");
  });
}

void CppKernel::reduce_joint(const Joint& joint, const std::string& totals) {
  const char* helper = joint.kind == Joint::Kind::moments ? "moments" : "exponentials";
  need(helper);
  line(fmt::format("{} {};", joint.kind == Joint::Kind::moments ? "Moments" : "Exponentials", totals));
  pass({joint.value}, r_.reduced, [&](const std::set<int>& lanes) {
    const auto [begin, end] = inner_range();
    const std::string& n = r_.axes[static_cast<std::size_t>(inner_)].name;
    lane_index_ = column_ = n;
    open(fmt::format("{}<{}, {}>({}, {}, {}, [&](int64_t {}, [[maybe_unused]] int64_t w) {{", helper, s_.accumulators,
                     s_.chunk, begin, end, totals, n));
    declare_lane(lanes);
    line(fmt::format("return {};", as_vector(operand(joint.value, true))));
    close("});");
  });
}

void CppKernel::reduce_part(std::size_t part) {
  const Part& p = parts_[part];
  fetching_ = ahead_ == part;
  if (p.joint) {
    reduce_joint(*p.joint, totals_of(part));
  } else {
    reduce_alike(p.reductions, totals_of(part));
  }
  fetching_ = false;
  if (!keeping_) return;
  arrays_[*keep_] = "kept";
  declared_.insert(*keep_);
  keeping_ = false;
}

std::set<int> CppKernel::row_values(int after_wave) const {
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

void CppKernel::store_lane(const RegionStore& store, const std::string& base) {
  const Subscript* s = store.access.along(inner_);
  const std::string value = as_vector(operand(store.value, true));
  const std::string name = "out" + std::to_string(&store - r_.stores.data());
  const std::string step = s ? stride(store.access, s->stride, inner_, name) : "0";
  if (step == "1") {
    need(s_.streaming ? "put_past" : "put");
    line(fmt::format("{}({} + {}, {}, w);", s_.streaming ? "put_past" : "put", base, lane_index_, value));
  } else {
    need("scatter");
    line(fmt::format("scatter({} + {} * {}, {}, {}, w);", base, lane_index_, step, step, value));
  }
}

std::string CppKernel::store_name(std::size_t k) const {
  return "out" + (r_.stores.size() > 1 ? std::to_string(k) : std::string());
}

void CppKernel::store_pass(std::uint64_t loops, bool inner_stores) {
  std::set<int> wanted;
  std::vector<std::size_t> which;
  for (std::size_t k = 0; k < r_.stores.size(); ++k) {
    const bool inner = inner_ >= 0 && (axes_of(r_.stores[k].access) & (bit(inner_) | r_.reduced)) != 0;
    if (inner != inner_stores) continue;
    which.push_back(k);
    wanted.insert(r_.stores[k].value);
  }
  if (which.empty()) return;
  if (!inner_stores) {
    std::set<int> values;
    for (const int v : wanted) collect(v, values);
    declare_all(values, Place::task);
    for (const std::size_t k : which)
      line(fmt::format("{}[{}] = {};", store_pointer(k, store_name(k)),
                       cpp_index(offset(r_.stores[k].access, store_name(k), 0)),
                       operand(r_.stores[k].value, false).text));
    return;
  }
  pass(wanted, loops, [&](const std::set<int>& lanes) {
    std::map<std::size_t, std::string> bases;
    for (const std::size_t k : which) {
      const std::string base = store_pointer(k, store_name(k));
      const std::string rest = offset(r_.stores[k].access, store_name(k), bit(inner_));
      bases[k] = base;
      if (rest.empty()) continue;
      bases[k] = store_name(k) + "_at";
      line(fmt::format("float* {} = {}{};", bases[k], base, rest));
    }
    const auto [begin, end] = inner_range();
    const std::string& n = r_.axes[static_cast<std::size_t>(inner_)].name;
    lane_index_ = column_ = n;
    need("each16");
    open(fmt::format("each16<{}>({}, {}, [&](int64_t {}, int64_t w) {{", s_.unroll, begin, end, n));
    declare_lane(lanes);
    for (const std::size_t k : which) store_lane(r_.stores[k], bases[k]);
    close("});");
  });
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
