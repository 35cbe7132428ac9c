// C++ compilers of this machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

struct Compiler {
  enum class Family : std::uint8_t { gnu, clang };
  Family family = Family::gnu;
  std::string path;     // absolute, links resolved
  std::string version;  // "g++ 12.2.0"
  int major = 0;
};

// From the first lines of `--version`; an error if neither family is recognised.
[[nodiscard]] Result<Compiler> parse_version(std::string_view output, std::string path);
// Every g++ from 12 and clang++ from 16 in PATH, best first: g++ (it compiles a small kernel three times faster), then
// newer. $KERF_CXX, if set, is the only one asked. Starts processes.
[[nodiscard]] std::vector<Compiler> find_compilers();
// The best, or `unavailable: …`.
[[nodiscard]] Result<Compiler> find_compiler();

}  // namespace kerf
