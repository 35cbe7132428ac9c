#include "synthesize/builtin/ir.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>

namespace kerf {
namespace {

std::string factor(const std::string& text) {
  return text.find_first_of("+-/%") == std::string::npos ? text : "(" + text + ")";
}

constexpr std::array op_names = {"neg",         "abs",        "exp",  "log",  "log1p",  "expm1",   "sqrt",
                                 "rsqrt",       "reciprocal", "sin",  "cos",  "tanh",   "sigmoid", "softplus",
                                 "erf",         "floor",      "ceil", "sign", "square", "relu",    "to_float",
                                 "logical_not", "add",        "sub",  "mul",  "div",    "pow",     "maximum",
                                 "minimum",     "eq",         "ne",   "lt",   "le",     "gt",      "ge",
                                 "logical_and", "logical_or", "where"};

}  // namespace

bool Extent::is(std::int64_t constant) const {
  return std::ranges::all_of(values, [&](std::int64_t v) { return v == constant; });
}

Extent operator*(const Extent& a, const Extent& b) {
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  Extent made{.text = factor(a.text) + " * " + factor(b.text), .values = a.values};
  for (std::size_t w = 0; w < made.values.size(); ++w) made.values[w] *= b.values[w];
  return made;
}

Extent one(std::size_t workloads) { return {.text = "1", .values = std::vector<std::int64_t>(workloads, 1)}; }

const char* to_string(Op op) { return op_names.at(static_cast<std::size_t>(op)); }

const char* to_string(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return "sum";
    case ReduceOp::max:
      return "max";
    case ReduceOp::min:
      return "min";
    case ReduceOp::prod:
      return "prod";
    case ReduceOp::argmax:
      return "argmax";
    case ReduceOp::argmin:
      return "argmin";
  }
  return "?";
}

const Subscript* Access::along(int axis) const {
  for (const Subscript& s : subscripts)
    if (s.axis == axis) return &s;
  return nullptr;
}

Extent Region::extent_of(std::uint64_t mask) const {
  Extent made = one(workloads);
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (mask >> a & 1U) made = made * axes[a].extent;
  return made;
}

std::vector<int> Region::reductions(int wave) const {
  std::vector<int> found;
  for (std::size_t i = 0; i < code.size(); ++i)
    if (code[i].form == Instruction::Form::reduce && code[i].wave == wave) found.push_back(static_cast<int>(i));
  return found;
}

std::int64_t bytes_moved(const Region& region) {
  std::int64_t bytes = 0;
  const auto count = [&](const Access& access) {
    std::int64_t n = access.type == Type::i64 ? 8 : access.type == Type::mask ? 1 : 4;
    for (const Subscript& s : access.subscripts) n *= region.axes[static_cast<std::size_t>(s.axis)].extent.values[0];
    bytes += n;
  };
  for (const Instruction& i : region.code)
    if (i.form == Instruction::Form::load) count(i.access);
  for (const RegionStore& store : region.stores) count(store.access);
  return bytes;
}

}  // namespace kerf
