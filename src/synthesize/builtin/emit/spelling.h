// How the languages spell pointwise operations: one table for all of them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "synthesize/builtin/ir.h"

namespace kerf {

enum class Tongue : std::uint8_t {
  scalar,  // cpp, of one element
  lanes,   // cpp, of 16
  cuda,
  triton,
};

// The operation on operands, which are names or literals. None where the spelling depends on more than the operation
// (to_float, and logic in lanes). `need` is told which helper the expression uses.
[[nodiscard]] std::optional<std::string> spelled(Tongue tongue, Op op, const std::vector<std::string>& operands,
                                                 const std::function<void(const std::string&)>& need);

}  // namespace kerf
