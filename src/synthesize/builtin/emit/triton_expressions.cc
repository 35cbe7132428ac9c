#include "synthesize/builtin/emit/triton_expressions.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "synthesize/builtin/emit/spelling.h"

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
      "chunks", "begin", "end", "length", "block", "there", "program", "matrix", "piece", "down", "across", "column",
      "first_row", "height", "within", "tile_row", "tile_column", "valid_rows", "valid_columns", "left", "right",
      "pitch", "place", "wanted", "lane", "valid_lanes", "highest", "level", "share", "seen", "logits", "top",
      "queries", "keys", "values", "weights", "query_at", "query_inside", "query_valid", "last", "count", "first_part",
      "second_part", "third_part", "total", "sums", "greater", "smaller", "further_up", "further_down", "times",
      "join_moments", "join_exponentials", "tanh", "log1p", "expm1", "softplus", "power", "lowest"};
  return taken.contains(name) || name.size() == 1 ? name + "_" : name;
}

std::string triton_expression(Op op, const std::vector<std::string>& x, const std::vector<Type>& types,
                              const std::function<void(const std::string&)>& need) {
  if (op == Op::to_float)
    return types.at(0) == Type::i64 ? x.at(0) + ".to(tl.float32)" : fmt::format("tl.where({}, 1.0, 0.0)", x.at(0));
  return spelled(Tongue::triton, op, x, need).value_or("0");
}

}  // namespace kerf
