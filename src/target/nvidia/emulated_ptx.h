// Inline PTX in the words of the emulation (runner/emulation/abi.h). Operands are expressions of the code around: "%2"
// stands for the third. What is not emulated gives an empty text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kerf {

// One instruction: "cp.async.wait_group 1" to "kerf_cp_async_wait(1)".
[[nodiscard]] std::string emulated_ptx(std::string_view instruction, const std::vector<std::string>& operands);

// A look at a barrier in shared memory with what is customary around it: a predicate, then a value made of it or a
// loop. Empty for anything else, too.
[[nodiscard]] std::string emulated_wait(std::string code, const std::vector<std::string>& operands);

}  // namespace kerf
