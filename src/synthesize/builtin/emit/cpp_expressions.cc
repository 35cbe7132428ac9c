#include "synthesize/builtin/emit/cpp_expressions.h"

#include <fmt/format.h>
#include <cmath>
#include <set>

namespace kerf {

std::string cpp_literal(double value) {
  if (std::isnan(value)) return "__builtin_nanf(\"\")";
  if (std::isinf(value)) return value > 0 ? "__builtin_inff()" : "-__builtin_inff()";
  std::string text = fmt::format("{}", static_cast<float>(value));
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

std::string cpp_name(const std::string& name) {
  static const std::set<std::string> taken = {
      "and",       "or",           "not",      "xor",      "auto",         "bool",     "break",     "case",
      "char",      "class",        "const",    "continue", "default",      "delete",   "do",        "double",
      "else",      "enum",         "explicit", "export",   "extern",       "false",    "float",     "for",
      "friend",    "goto",         "if",       "inline",   "int",          "long",     "namespace", "new",
      "operator",  "private",      "public",   "register", "return",       "short",    "signed",    "sizeof",
      "static",    "struct",       "switch",   "template", "this",         "throw",    "true",      "try",
      "typedef",   "union",        "unsigned", "using",    "virtual",      "void",     "volatile",  "while",
      "at",        "put",          "put_past", "gather",   "scatter",      "whole",    "flags",     "keep",
      "greater",   "smaller",      "each16",   "sums",     "folds",        "expm1_16", "log1p16",   "exp16",
      "log16",     "select",       "prefetch", "narrow",   "stream16",     "map",      "power",     "least",
      "begin",     "end",          "row",      "group",    "block",        "rows",     "w",         "c",
      "term",      "fold",         "step",     "first",    "width",        "chunk",    "chunks",    "length",
      "task",      "count",        "lane",     "slice",    "tile",         "piece",    "wanted",    "items",
      "ticket",    "pass",         "done",     "load16",   "store16",      "splat16",  "sum16",     "max16",
      "kept",      "thread",       "moments",  "join",     "exponentials", "raise",    "sum_of",    "beyond",
      "positions", "put_positions"};
  const bool index = name.size() == 1;
  return taken.contains(name) || index ? name + "_" : name;
}

std::string cpp_index(const std::string& offset) { return offset.empty() ? "0" : offset.substr(3); }

std::string cpp_expression(Op op, const std::vector<CppOperand>& o, bool vector,
                           const std::function<void(const std::string&)>& need) {
  const auto x = [&](std::size_t k) { return o.at(k).text; };
  const auto as_vector = [&](std::size_t k) { return o.at(k).vector || !vector ? x(k) : "splat16(" + x(k) + ")"; };
  const auto infix = [&](const char* sign) { return fmt::format("{} {} {}", x(0), sign, x(1)); };
  const auto function = [&](const char* lanes, const char* scalar) {
    return fmt::format("{}({})", vector ? lanes : scalar, x(0));
  };
  const auto mapped = [&](const char* scalar) {
    if (!vector) return fmt::format("{}({})", scalar, x(0));
    need("map");
    return fmt::format("map({}, [](float a) {{ return {}(a); }})", x(0), scalar);
  };
  switch (op) {
    case Op::neg:
      return "-" + x(0);
    case Op::abs:
      return function("abs16", "abs1");
    case Op::exp:
      return function("exp16", "exp1");
    case Op::log:
      return function("log16", "log1");
    case Op::log1p:
      return function("log1p16", "log1p1");
    case Op::expm1:
      return function("expm1_16", "expm1_1");
    case Op::sqrt:
      return function("sqrt16", "sqrt1");
    case Op::rsqrt:
      return "1.0f / " + function("sqrt16", "sqrt1");
    case Op::reciprocal:
      return "1.0f / " + x(0);
    case Op::sin:
      return mapped("__builtin_sinf");
    case Op::cos:
      return mapped("__builtin_cosf");
    case Op::tanh:
      return function("tanh16", "tanh1");
    case Op::sigmoid:
      return function("sigmoid16", "sigmoid1");
    case Op::softplus:
      return function("softplus16", "softplus1");
    case Op::erf:
      return function("erf16", "erf1");
    case Op::floor:
      return mapped("__builtin_floorf");
    case Op::ceil:
      return mapped("__builtin_ceilf");
    case Op::sign:
      return vector ? fmt::format("{0} > 0.0f ? splat16(1.0f) : ({0} < 0.0f ? splat16(-1.0f) : {0})", x(0))
                    : fmt::format("{0} > 0 ? 1.0f : ({0} < 0 ? -1.0f : {0})", x(0));
    case Op::square:
      return fmt::format("{0} * {0}", x(0));
    case Op::relu:
      return vector ? fmt::format("{0} < 0.0f ? splat16(0.0f) : {0}", x(0)) : fmt::format("{0} < 0 ? 0.0f : {0}", x(0));
    case Op::to_float:
      if (o.at(0).type == Type::i64) return vector ? as_vector(0) : "(float)" + x(0);
      if (!vector) return fmt::format("{} ? 1.0f : 0.0f", x(0));
      return o.at(0).vector ? fmt::format("{} ? splat16(1.0f) : splat16(0.0f)", x(0))
                            : fmt::format("splat16({} ? 1.0f : 0.0f)", x(0));
    case Op::logical_not:
      return vector ? x(0) + " == 0" : "!" + x(0);
    case Op::add:
      return infix("+");
    case Op::sub:
      return infix("-");
    case Op::mul:
      return infix("*");
    case Op::div:
      return infix("/");
    case Op::pow:
      if (!vector) return fmt::format("__builtin_powf({}, {})", x(0), x(1));
      need("power");
      return fmt::format("power({}, {})", as_vector(0), as_vector(1));
    case Op::maximum:
      need("greater");
      return fmt::format("greater({}, {})", as_vector(0), as_vector(1));
    case Op::minimum:
      need("smaller");
      return fmt::format("smaller({}, {})", as_vector(0), as_vector(1));
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
      return vector && o.at(0).vector && o.at(1).vector ? infix("&") : infix("&&");
    case Op::logical_or:
      return vector && o.at(0).vector && o.at(1).vector ? infix("|") : infix("||");
    case Op::where:
      return fmt::format("{} ? {} : {}", x(0), as_vector(1), as_vector(2));
  }
  return "0";
}

}  // namespace kerf
