#include "synthesize/builtin/emit/cpp_expressions.h"

#include <fmt/format.h>
#include <cmath>
#include <set>

#include "synthesize/builtin/emit/spelling.h"

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
      "and",      "or",       "not",      "xor",       "auto",          "bool",      "break",     "case",
      "char",     "class",    "const",    "continue",  "default",       "delete",    "do",        "double",
      "else",     "enum",     "explicit", "export",    "extern",        "false",     "float",     "for",
      "friend",   "goto",     "if",       "inline",    "int",           "long",      "namespace", "new",
      "operator", "private",  "public",   "register",  "return",        "short",     "signed",    "sizeof",
      "static",   "struct",   "switch",   "template",  "this",          "throw",     "true",      "try",
      "typedef",  "union",    "unsigned", "using",     "virtual",       "void",      "volatile",  "while",
      "at",       "put",      "put_past", "gather",    "scatter",       "whole",     "flags",     "keep",
      "greater",  "smaller",  "eachv",    "sums",      "folds",         "expm1_v",   "log1pv",    "expv",
      "logv",     "select",   "prefetch", "narrow",    "streamv",       "map",       "power",     "least",
      "begin",    "end",      "row",      "group",     "block",         "rows",      "w",         "c",
      "term",     "fold",     "step",     "first",     "stop",          "start",     "height",    "width",
      "chunk",    "chunks",   "length",   "task",      "count",         "lane",      "slice",     "tile",
      "piece",    "wanted",   "items",    "ticket",    "pass",          "done",      "loadv",     "storev",
      "splatv",   "sumv",     "maxv",     "kept",      "thread",        "moments",   "join",      "exponentials",
      "raise",    "sum_of",   "beyond",   "positions", "put_positions", "within",    "evens",     "backwards",
      "alongv",   "scanv",    "stepv",    "take_in",   "all_lanes",     "shuffle",   "vlen",      "shifted",
      "picked",   "compared", "of_part",  "nth",       "put_flags",     "looked_up", "each_lane"};
  const bool index = name.size() == 1;
  return taken.contains(name) || index ? name + "_" : name;
}

std::string cpp_index(const std::string& offset) { return offset.empty() ? "0" : offset.substr(3); }

std::string cpp_expression(Op op, const std::vector<CppOperand>& o, bool vector,
                           const std::function<void(const std::string&)>& need) {
  const auto as_vector = [&](const CppOperand& operand) {
    return operand.vector || !vector ? operand.text : "splatv(" + operand.text + ")";
  };
  if (op == Op::to_float) {
    const CppOperand& x = o.at(0);
    if (x.type == Type::i64) return vector ? as_vector(x) : "(float)" + x.text;
    if (!vector) return x.text + " ? 1.0f : 0.0f";
    return x.vector ? x.text + " ? splatv(1.0f) : splatv(0.0f)" : "splatv(" + x.text + " ? 1.0f : 0.0f)";
  }
  const bool logic = op == Op::logical_and || op == Op::logical_or;
  const bool lanes = vector && (!logic || (o.at(0).vector && o.at(1).vector));
  // Vectors and scalars mix in arithmetic; functions, and what a mask chooses from, take vectors.
  const bool whole = op == Op::pow || op == Op::maximum || op == Op::minimum;
  std::vector<std::string> x;
  for (const CppOperand& each : o) x.push_back(whole || (op == Op::where && !x.empty()) ? as_vector(each) : each.text);
  return spelled(lanes ? Tongue::lanes : Tongue::scalar, op, x, need).value_or("0");
}

}  // namespace kerf
