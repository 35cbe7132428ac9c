// Expressions of Triton for the pointwise operations, on tiles and scalars alike.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "synthesize/builtin/ir.h"

namespace kerf {

[[nodiscard]] std::string triton_literal(double value);          // "0.5", "float(\"inf\")"
[[nodiscard]] std::string triton_name(const std::string& name);  // none of Python's words, nor of the emitter's
// `need` is told which helpers the expression uses.
[[nodiscard]] std::string triton_expression(Op op, const std::vector<std::string>& operands,
                                            const std::vector<Type>& types,
                                            const std::function<void(const std::string&)>& need);

}  // namespace kerf
