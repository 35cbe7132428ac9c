// What is appended to a cpp candidate so that its kernels can be checked and run, and what stands before it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "candidate/plan.h"

namespace kerf {

// A compiled image exports `extern "C" const KernelEntry kerf_kernels[]`, one entry a kernel that the plan launches,
// ended by one whose name is null.
struct KernelEntry {
  const char* name;
  // The parameters, grid indexes included, ended by null: "i64", "f32", "const f32*", "f32*", …; "?" for a type that no
  // argument has, "? void" first if it returns something.
  const char* const* types;
  // Runs tasks begin <= task < end of a grid of `dims` extents (dimension 0 runs fastest), in ascending order.
  // args[i] points to the value of argument i (for a tensor: to its address), grid indexes left out. Reentrant: give
  // each thread its own array where an argument is the thread's index.
  void (*run)(void* const* args, std::int64_t arg_count, const std::int64_t* grid, std::int64_t dims,
              std::int64_t begin, std::int64_t end);
};
inline constexpr const char* kernels_symbol = "kerf_kernels";

// The names of the kernels that the plan launches, each once, in order of appearance.
[[nodiscard]] std::vector<std::string> kernels_of(const Source& source);
// C++ text to append to the source: defines kerf_kernels. Needs no header and no prelude. Starts with a line break; a
// kernel that is not declared is an error of the compiler at the plan's line (the text has #line directives).
[[nodiscard]] std::string trailer(const Source& source);
// C++ text to put before the source: one `constexpr` line an axis ("constexpr int64_t BLOCK = 1024;").
[[nodiscard]] std::string constants(const TunePoint& point);

}  // namespace kerf
