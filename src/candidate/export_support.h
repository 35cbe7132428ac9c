// The parts of exported files that are the same for every candidate.
#pragma once

#include <string_view>

namespace kerf {

// C++ behind prelude, candidate and trailer: works a launch off on OpenMP threads, or one thread without OpenMP.
[[nodiscard]] std::string_view export_launcher();
// Python behind the problem's text and KERF_* tables: compiles, loads, allocates, launches, calls, falls back.
[[nodiscard]] std::string_view export_python_support();

}  // namespace kerf
