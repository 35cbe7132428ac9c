// A CUDA candidate's text made ready for the emulation: what C++ has no words for is written in other ones, on the same
// lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

// Dynamic shared memory (`extern __shared__ float memory[];`) becomes a pointer, inline PTX a call. Kind unavailable,
// with the construct and its place, for PTX that is not emulated.
[[nodiscard]] Result<std::string> emulated_source(std::string_view text);

// One instruction of inline PTX, operands replaced by their expressions: "cp.async.wait_group 1" and {"…"} to
// "kerf_cp_async_wait(1)". Empty if it is not emulated.
[[nodiscard]] std::string emulated_ptx(std::string_view instruction, const std::vector<std::string>& operands);

}  // namespace kerf
