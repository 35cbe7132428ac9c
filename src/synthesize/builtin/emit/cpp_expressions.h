// Scalar and vector expressions of C++ for the pointwise operations.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "synthesize/builtin/ir.h"

namespace kerf {

struct CppOperand {
  std::string text;
  bool vector = false;
  Type type = Type::f32;
};

[[nodiscard]] std::string cpp_literal(double value);             // "0.5f", "__builtin_inff()"
[[nodiscard]] std::string cpp_name(const std::string& name);     // not a keyword, nor a name of the prelude or helpers
[[nodiscard]] std::string cpp_index(const std::string& offset);  // " + i * J" without the leading plus; "0" if empty
// `need` is told which helpers the expression uses.
[[nodiscard]] std::string cpp_expression(Op op, const std::vector<CppOperand>& operands, bool vector,
                                         const std::function<void(const std::string&)>& need);

}  // namespace kerf
