#include "synthesize/builtin/lowering.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace kerf {
namespace {

constexpr double exact = 1 << 24;  // integers up to here are floats

bool same_extent(const Extent& a, const Extent& b) { return a.values == b.values; }

std::string identifier(const std::string& text) {
  std::string made;
  for (const char c : text) made += (std::isalnum(static_cast<unsigned char>(c)) != 0) ? c : '_';
  if (made.empty() || std::isdigit(static_cast<unsigned char>(made[0])) != 0) made.insert(0, "v");
  return made;
}

std::string bracketed(const std::string& text) {
  return text.find_first_of(" +-/%*") == std::string::npos ? text : "(" + text + ")";
}

}  // namespace

std::string placeholder(const TensorRef& ref) { return fmt::format("@{}#{}@", ref.name, ref.index); }

int Lowering::root(int axis) const {
  while (axes_[static_cast<std::size_t>(axis)].parent >= 0) axis = axes_[static_cast<std::size_t>(axis)].parent;
  return axis;
}

std::vector<int> Lowering::expand(const std::vector<int>& list) const {
  std::vector<int> out;
  for (const int each : list) {
    const int r = root(each);
    const auto& parts = axes_[static_cast<std::size_t>(r)].parts;
    if (parts.empty()) {
      out.push_back(r);
    } else {
      for (const int p : expand(parts)) out.push_back(p);
    }
  }
  return out;
}

void Lowering::expand(Lowered& value) const {
  for (auto& dim : value.dims) dim = expand(dim);
}

std::vector<int> Lowering::axes_of_value(int value) const {
  return expand(code_axes_[static_cast<std::size_t>(value)]);
}

int Lowering::new_axis(std::string name, Extent extent) {
  axes_.push_back({.name = std::move(name), .extent = std::move(extent), .parent = -1, .parts = {}, .inside = false});
  return static_cast<int>(axes_.size()) - 1;
}

bool Lowering::unify(int a, int b) {
  a = root(a);
  b = root(b);
  if (a == b) return true;
  if (!same_extent(axes_[static_cast<std::size_t>(a)].extent, axes_[static_cast<std::size_t>(b)].extent)) return false;
  for (std::size_t v = 0; v < code_.size(); ++v) {
    std::vector<int> axes = axes_of_value(static_cast<int>(v));
    for (const int over : expand(reduce_over_[v])) axes.push_back(over);
    if (std::ranges::find(axes, a) != axes.end() && std::ranges::find(axes, b) != axes.end()) return false;
  }
  axes_[static_cast<std::size_t>(std::max(a, b))].parent = std::min(a, b);
  return true;
}

std::vector<int> Lowering::unify_lists(const std::vector<int>& left, const std::vector<int>& right) {
  std::vector<int> a = expand(left), b = expand(right);
  if (a.empty()) return b;
  if (b.empty()) return a;
  if (a.size() != b.size()) {
    if (a.size() > b.size()) std::swap(a, b);
    // What was reduced along a part of a dimension is broadcast along that part.
    std::size_t found = 0;
    for (const int each : b)
      if (found < a.size() && each == a[found]) ++found;
    if (found == a.size()) return b;
    Extent product = one(workloads_);
    for (const int each : b) product = product * extent(each);
    if (a.size() != 1 || !same_extent(extent(a[0]), product))
      throw CannotLower{"dimensions are cut up in different ways"};
    for (std::size_t v = 0; v < code_.size(); ++v) {  // no value may depend on both
      const std::vector<int> axes = axes_of_value(static_cast<int>(v));
      if (std::ranges::find(axes, a[0]) == axes.end()) continue;
      for (const int each : b)
        if (std::ranges::find(axes, each) != axes.end()) throw CannotLower{"a dimension meets its own parts"};
    }
    axes_[static_cast<std::size_t>(a[0])].parts = b;
    return b;
  }
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!unify(a[i], b[i])) throw CannotLower{"dimensions of different loops meet"};
  return expand(a);
}

int Lowering::add(Instruction instruction, std::vector<int> axes) {
  if (instruction.name.empty()) instruction.name = identifier(node_);
  code_.push_back(std::move(instruction));
  std::ranges::sort(axes);
  const auto repeated = std::ranges::unique(axes);
  axes.erase(repeated.begin(), repeated.end());
  code_axes_.push_back(std::move(axes));
  reduce_over_.emplace_back();
  loads_.emplace_back();
  return static_cast<int>(code_.size()) - 1;
}

Lowered Lowering::load(const TensorRef& ref) {
  if (const auto it = loaded_.find({ref.name, ref.index}); it != loaded_.end()) {
    Lowered again = it->second;
    expand(again);
    return again;
  }
  const GeneralTensor* tensor = graph_.tensor(ref);
  if (!tensor) throw CannotLower{"unknown tensor " + ref.name};
  Instruction i{.form = Instruction::Form::load, .type = Type::f32, .name = identifier(ref.name)};
  if (ref.index > 0) i.name += fmt::format("_{}", ref.index);
  switch (tensor->dtype) {
    case Dtype::f32:
      break;
    case Dtype::i64:
      i.type = Type::i64;
      break;
    case Dtype::boolean:
      i.type = Type::mask;
      break;
    default:
      throw CannotLower{fmt::format("{} tensors are left to the library", to_string(tensor->dtype))};
  }
  Lowered made;
  std::vector<int> axes;
  for (std::size_t d = 0; d < tensor->rank(); ++d) {
    Extent size{.text = fmt::format("{}.shape[{}]", placeholder(ref), d), .values = {}};
    for (const auto& shape : tensor->shape) size.values.push_back(shape[d]);
    if (std::ranges::find(size.values, 0) != size.values.end()) throw CannotLower{"an empty tensor"};
    made.dims.emplace_back();
    if (size.is(1)) continue;
    made.dims.back().push_back(
        new_axis(fmt::format("{}{}", "ijklmnpqrs"[std::min<std::size_t>(d, 9)], ""), std::move(size)));
    axes.push_back(made.dims.back()[0]);
  }
  made.value = add(std::move(i), axes);
  loads_.back() = {.ref = ref, .dims = made.dims};
  loaded_.insert_or_assign({ref.name, ref.index}, made);
  return made;
}

Lowered Lowering::value(const TensorRef& ref) {
  if (in_part_.contains(ref.name)) throw CannotLower{"what is appended is read before it is stored"};
  if (side_by_side_.contains({ref.name, ref.index}))
    throw CannotLower{"what lies side by side is read before it is stored"};
  return bound_.contains({ref.name, ref.index}) ? stored(ref) : load(ref);
}

bool Lowering::is_used(const TensorRef& ref) const {
  const auto among = [&](const std::vector<TensorRef>& refs) { return std::ranges::find(refs, ref) != refs.end(); };
  return among(graph_.outputs) ||
         std::ranges::any_of(graph_.nodes, [&](const GeneralNode& node) { return among(references(node)); });
}

Lowered Lowering::stored(const TensorRef& ref) {
  const auto it = bound_.find({ref.name, ref.index});
  if (it == bound_.end()) return load(ref);
  Lowered found = it->second;
  expand(found);
  return found;
}

Lowered Lowering::constant(double value) {
  Instruction i{.form = Instruction::Form::constant, .constant = value};
  return {.value = add(std::move(i), {}), .dims = {}};
}

Lowered Lowering::parameter(const std::string& text, std::vector<double> values) {
  for (std::size_t v = 0; v < code_.size(); ++v)
    if (code_[v].form == Instruction::Form::parameter && code_[v].text == text)
      return {.value = static_cast<int>(v), .dims = {}};
  Instruction i{.form = Instruction::Form::parameter, .text = text, .values = std::move(values)};
  std::string name = text;
  if (const auto dot = name.rfind("init."); dot != std::string::npos) name = name.substr(dot + 5);
  i.name = text.starts_with("f32(init.") || text.starts_with("init.")
               ? identifier(name.substr(0, name.find_first_of(" )*/+-")))
               : fmt::format("{}_count", identifier(node_));
  return {.value = add(std::move(i), {}), .dims = {}};
}

Lowered Lowering::number(const GeneralArgument& argument) {
  const auto* constant_argument = std::get_if<Constant>(&argument.is);
  if (!constant_argument) throw CannotLower{"a number was expected"};
  std::vector<double> values;
  for (const Value& v : constant_argument->values) {
    if (const auto* d = std::get_if<double>(&v.is)) {
      values.push_back(*d);
    } else if (const auto* i = std::get_if<std::int64_t>(&v.is)) {
      values.push_back(static_cast<double>(*i));
    } else if (const auto* b = std::get_if<bool>(&v.is)) {
      values.push_back(*b ? 1 : 0);
    } else {
      throw CannotLower{"a number was expected"};
    }
  }
  if (constant_argument->text.empty()) return constant(values[0]);
  return parameter(fmt::format("f32({})", constant_argument->text), std::move(values));
}

Lowered Lowering::count(const std::vector<int>& axes) {
  Extent product = one(workloads_);
  for (const int a : expand(axes)) product = product * extent(a);
  return parameter(fmt::format("f32({})", product.text), {product.values.begin(), product.values.end()});
}

std::vector<std::vector<int>> Lowering::broadcast(const std::vector<Lowered>& operands) {
  std::size_t rank = 0;
  for (const Lowered& each : operands) rank = std::max(rank, each.dims.size());
  Lowered made;
  made.dims.resize(rank);
  for (const Lowered& each : operands)
    for (std::size_t d = 0; d < each.dims.size(); ++d) {
      auto& into = made.dims[rank - each.dims.size() + d];
      into = unify_lists(into, each.dims[d]);
    }
  expand(made);
  return made.dims;
}

Lowered Lowering::apply(Op op, std::vector<Lowered> operands) {
  Lowered made{.value = -1, .dims = broadcast(operands)};
  std::vector<int> all;
  for (const auto& dim : made.dims) all.insert(all.end(), dim.begin(), dim.end());
  std::vector<int> sorted = all;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) throw CannotLower{"two dimensions run along one axis"};
  Instruction i{.form = Instruction::Form::pointwise, .op = op};
  std::vector<int> axes;
  for (const Lowered& each : operands) {
    i.operands.push_back(each.value);
    for (const int a : axes_of_value(each.value)) axes.push_back(a);
  }
  const auto kind = [&](std::size_t k) { return type(operands[k]); };
  const auto needs_f32 = [&](std::size_t k) {
    if (kind(k) == Type::f32) return;
    if (kind(k) == Type::i64 && code_[static_cast<std::size_t>(operands[k].value)].form != Instruction::Form::load)
      throw CannotLower{"integer arithmetic is left to the library"};
    Instruction cast{.form = Instruction::Form::pointwise, .op = Op::to_float, .operands = {i.operands[k]}};
    i.operands[k] = add(std::move(cast), axes_of_value(operands[k].value));
  };
  switch (op) {
    case Op::eq:
    case Op::ne:
    case Op::lt:
    case Op::le:
    case Op::gt:
    case Op::ge:
      for (std::size_t k = 0; k < operands.size(); ++k) {
        const Instruction& by = code_[static_cast<std::size_t>(operands[k].value)];
        if (kind(1 - k) == Type::i64 && by.form == Instruction::Form::constant && std::abs(by.constant) > exact)
          throw CannotLower{"an integer that floats do not tell from its neighbours"};
        if (kind(k) != Type::i64) needs_f32(k);
      }
      i.type = Type::mask;
      break;
    case Op::logical_and:
    case Op::logical_or:
    case Op::logical_not:
      for (std::size_t k = 0; k < operands.size(); ++k)
        if (kind(k) != Type::mask) throw CannotLower{"logic on numbers is left to the library"};
      i.type = Type::mask;
      break;
    case Op::where:
      if (kind(0) != Type::mask) throw CannotLower{"where needs a mask"};
      if (kind(1) == Type::i64 || kind(2) == Type::i64) {
        i.type = Type::i64;
      } else {
        needs_f32(1);
        needs_f32(2);
      }
      break;
    case Op::to_float:
      break;
    default:
      for (std::size_t k = 0; k < operands.size(); ++k) needs_f32(k);
  }
  made.value = add(std::move(i), std::move(axes));
  return made;
}

bool Lowering::follows_reduction(const Lowered& value, const std::vector<int>& axes) const {
  const std::vector<int> over = expand(axes);
  std::vector<int> open = {value.value};
  std::set<int> seen;
  while (!open.empty()) {
    const int v = open.back();
    open.pop_back();
    if (!seen.insert(v).second) continue;
    const Instruction& i = code_[static_cast<std::size_t>(v)];
    if (i.form == Instruction::Form::reduce &&
        std::ranges::any_of(axes_of_value(v), [&](int a) { return std::ranges::find(over, a) != over.end(); }))
      return true;
    open.insert(open.end(), i.operands.begin(), i.operands.end());
  }
  return false;
}

Lowered Lowering::reduce(ReduceOp op, const Lowered& operand, const std::vector<int>& over) {
  const std::vector<int> axes = expand(over);
  Lowered made = operand;
  expand(made);
  for (auto& dim : made.dims) std::erase_if(dim, [&](int a) { return std::ranges::find(axes, a) != axes.end(); });
  if (axes.empty()) return made;
  const std::vector<int> varies = axes_of_value(operand.value);
  for (const int a : axes)
    if (std::ranges::find(varies, a) == varies.end()) throw CannotLower{"a reduction of what is only repeated"};
  Instruction i{.form = Instruction::Form::reduce, .reduce = op, .operands = {operand.value}};
  if (type(operand) == Type::i64) throw CannotLower{"integers are reduced by the library"};
  if (is_position(op)) i.type = Type::i64;
  if (type(operand) == Type::mask) {
    Instruction cast{.form = Instruction::Form::pointwise, .op = Op::to_float, .operands = {operand.value}};
    i.operands[0] = add(std::move(cast), axes_of_value(operand.value));
  }
  std::vector<int> remaining;
  for (const int a : axes_of_value(operand.value))
    if (std::ranges::find(axes, a) == axes.end()) remaining.push_back(a);
  chained_ = chained_ || follows_reduction(operand, axes);
  made.value = add(std::move(i), std::move(remaining));
  reduce_over_.back() = axes;
  return made;
}

Lowered Lowering::mean(const Lowered& operand, const std::vector<int>& axes) {
  if (expand(axes).empty()) return reduce(ReduceOp::sum, operand, axes);
  const Lowered total = reduce(ReduceOp::sum, operand, axes);
  Lowered made = apply(Op::div, {total, count(axes)});
  return made;
}

std::vector<int> Lowering::all_dims(const Lowered& value) const {
  std::vector<int> dims(value.dims.size());
  std::iota(dims.begin(), dims.end(), 0);
  return dims;
}

std::vector<int> Lowering::axes_of(const Lowered& value, const std::vector<int>& dims) const {
  std::vector<int> axes;
  for (int d : dims) {
    if (d < 0) d += static_cast<int>(value.dims.size());
    if (d < 0 || static_cast<std::size_t>(d) >= value.dims.size()) throw CannotLower{"a dimension out of range"};
    for (const int a : expand(value.dims[static_cast<std::size_t>(d)])) axes.push_back(a);
  }
  return axes;
}

Lowered Lowering::remove_dims(Lowered value, std::vector<int> dims, bool keepdim) const {
  if (keepdim) return value;
  for (int& d : dims)
    if (d < 0) d += static_cast<int>(value.dims.size());
  std::ranges::sort(dims, std::greater{});
  for (const int d : dims) value.dims.erase(value.dims.begin() + d);
  return value;
}

std::pair<int, int> Lowering::split_axis(int axis, const Extent& outer, const Extent& inner) {
  const std::vector<int> now = expand({axis});
  if (now.size() == 2 && same_extent(extent(now[0]), outer)) return {now[0], now[1]};
  if (now.size() != 1) throw CannotLower{"a dimension is cut up in different ways"};
  RawAxis& raw = axes_[static_cast<std::size_t>(now[0])];
  if (!same_extent(outer * inner, raw.extent)) throw CannotLower{"a dimension cannot be cut up evenly"};
  const std::string name = raw.name;
  const int a = new_axis(name + "0", outer), b = new_axis(name + "1", inner);
  axes_[static_cast<std::size_t>(now[0])].parts = {a, b};
  return {a, b};
}

// Dimensions are regrouped where boundaries meet; a dimension that is cut must be one axis.
Lowered Lowering::reshape(const Lowered& value, const GeneralTensor& to, const std::vector<std::string>& sizes) {
  std::vector<int> flat;
  for (const auto& dim : value.dims)
    for (const int a : expand(dim)) flat.push_back(a);
  Lowered made{.value = value.value, .dims = {}};
  std::size_t at = 0;
  for (std::size_t d = 0; d < to.rank(); ++d) {
    Extent want{.text = "", .values = {}};
    for (const auto& shape : to.shape) want.values.push_back(shape[d]);
    made.dims.emplace_back();
    if (want.is(1)) continue;
    Extent have = one(workloads_);
    while (at < flat.size() && !same_extent(have, want)) {
      const Extent next = have * extent(flat[at]);
      if (next.values[0] > want.values[0]) break;
      made.dims.back().push_back(flat[at++]);
      have = next;
    }
    if (!same_extent(have, want)) {
      if (at == flat.size() || !made.dims.back().empty()) throw CannotLower{"a view that cuts dimensions up"};
      want.text = d < sizes.size() ? sizes[d] : "";
      if (want.text.empty()) {  // what the pieces behind it leave of the axis
        const Extent& whole = extent(flat[at]);
        Extent behind = one(workloads_);
        for (std::size_t e = d + 1; e < sizes.size() && !sizes[e].empty() && !same_extent(behind * want, whole); ++e) {
          Extent next{.text = sizes[e], .values = {}};
          for (const auto& shape : to.shape) next.values.push_back(shape[e]);
          behind = behind * next;
        }
        if (!same_extent(behind * want, whole)) throw CannotLower{"a view that cuts dimensions up"};
        want.text = fmt::format("{} // {}", bracketed(whole.text), bracketed(behind.text));
      }
      const auto [outer, inner] = cut(flat[at], std::move(want));
      made.dims.back().push_back(outer);
      flat[at] = inner;
    }
  }
  if (at != flat.size()) throw CannotLower{"a view that cuts dimensions up"};
  return made;
}

// An axis as `outer` pieces of equal length.
std::pair<int, int> Lowering::cut(int axis, Extent outer) {
  const Extent& whole = extent(axis);
  Extent inner{.text = fmt::format("{} // {}", bracketed(whole.text), bracketed(outer.text)), .values = {}};
  for (std::size_t w = 0; w < workloads_; ++w) {
    if (whole.values[w] % outer.values[w] != 0) throw CannotLower{"a view that cuts dimensions up"};
    inner.values.push_back(whole.values[w] / outer.values[w]);
  }
  return split_axis(axis, outer, inner);
}

}  // namespace kerf
