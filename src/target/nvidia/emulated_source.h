// A CUDA candidate's text made ready for the emulation: what C++ has no words for is written in other ones, on the same
// lines.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace kerf {

// Dynamic shared memory (`extern __shared__ float memory[];`) becomes a pointer, inline PTX a call. Kind unavailable,
// with the construct and its place, for PTX that is not emulated.
[[nodiscard]] Result<std::string> emulated_source(std::string_view text);

}  // namespace kerf
