#include "synthesize/builtin/emit/triton_expressions.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

namespace kerf {

std::string triton_literal(double value) {
  if (std::isnan(value)) return "float(\"nan\")";
  if (std::isinf(value)) return value > 0 ? "float(\"inf\")" : "-float(\"inf\")";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string triton_name(const std::string& name) {
  static const std::set<std::string> taken = {
      // Python
      "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
      "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass",
      "raise", "return", "try", "while", "with", "yield", "float", "int", "range",
      // this emitter
      "tl", "triton", "tile", "tiles", "row", "rows", "piece", "pieces", "first", "at", "inside", "valid", "chunk",
      "chunks", "begin", "end", "length", "block", "there", "greater", "smaller", "further_up", "further_down", "times",
      "join_moments", "join_exponentials", "tanh", "log1p", "expm1", "softplus", "power"};
  return taken.contains(name) || name.size() == 1 ? name + "_" : name;
}

std::string triton_expression(Op op, const std::vector<std::string>& x, const std::vector<Type>& types,
                              const std::function<void(const std::string&)>& need) {
  const auto infix = [&](const char* sign) { return fmt::format("{} {} {}", x.at(0), sign, x.at(1)); };
  const auto function = [&](const char* name) { return fmt::format("{}({})", name, x.at(0)); };
  const auto helper = [&](const char* name) {
    need(name);
    return x.size() > 1 ? fmt::format("{}({}, {})", name, x.at(0), x.at(1)) : fmt::format("{}({})", name, x.at(0));
  };
  switch (op) {
    case Op::neg:
      return "-" + x.at(0);
    case Op::abs:
      return function("tl.abs");
    case Op::exp:
      return function("tl.exp");
    case Op::log:
      return function("tl.log");
    case Op::log1p:
      return helper("log1p");
    case Op::expm1:
      return helper("expm1");
    case Op::sqrt:
      return function("tl.sqrt_rn");
    case Op::rsqrt:
      return "1.0 / " + function("tl.sqrt_rn");
    case Op::reciprocal:
      return "1.0 / " + x.at(0);
    case Op::sin:
      return function("tl.sin");
    case Op::cos:
      return function("tl.cos");
    case Op::tanh:
      return helper("tanh");
    case Op::sigmoid:
      return fmt::format("1.0 / (1.0 + tl.exp(-{}))", x.at(0));
    case Op::softplus:
      return helper("softplus");
    case Op::erf:
      return function("tl.erf");
    case Op::floor:
      return function("tl.floor");
    case Op::ceil:
      return function("tl.ceil");
    case Op::sign:
      return fmt::format("tl.where({0} > 0.0, 1.0, tl.where({0} < 0.0, -1.0, {0}))", x.at(0));
    case Op::square:
      return fmt::format("{0} * {0}", x.at(0));
    case Op::relu:
      return fmt::format("tl.where({0} < 0.0, 0.0, {0})", x.at(0));
    case Op::to_float:
      return types.at(0) == Type::i64 ? x.at(0) + ".to(tl.float32)" : fmt::format("tl.where({}, 1.0, 0.0)", x.at(0));
    case Op::logical_not:
      return x.at(0) + " == 0";
    case Op::add:
      return infix("+");
    case Op::sub:
      return infix("-");
    case Op::mul:
      return infix("*");
    case Op::div:
      return infix("/");
    case Op::pow:
      return helper("power");
    case Op::maximum:
      return helper("greater");
    case Op::minimum:
      return helper("smaller");
    case Op::eq:
      return infix("==");
    case Op::ne:
      return infix("!=");
    case Op::lt:
      return infix("<");
    case Op::le:
      return infix("<=");
    case Op::gt:
      return infix(">");
    case Op::ge:
      return infix(">=");
    case Op::logical_and:
      return infix("&");
    case Op::logical_or:
      return infix("|");
    case Op::where:
      return fmt::format("tl.where({}, {}, {})", x.at(0), x.at(1), x.at(2));
  }
  return "0";
}

}  // namespace kerf
