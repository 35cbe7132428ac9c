// Scalar expressions of CUDA C++ for the pointwise operations.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "synthesize/builtin/ir.h"

namespace kerf {

// A variable's name: cpp_name, and none of the helpers'.
[[nodiscard]] std::string cuda_name(const std::string& name);

// `need` is told which helpers the expression uses.
[[nodiscard]] std::string cuda_expression(Op op, const std::vector<std::string>& operands,
                                          const std::vector<Type>& types,
                                          const std::function<void(const std::string&)>& need);

}  // namespace kerf
