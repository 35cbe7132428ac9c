// What Proton, Triton's profiler, writes: the tree of kernels that ran (`data="tree"`, a .hatchet file), and the
// timeline of scopes within kernels (`backend="instrumentation"`, a Chrome trace; its JSON, unpacked).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

struct ProtonKernel {
  std::vector<std::string> path;  // scopes of the host around it, outermost first, without the root
  std::string kernel;
  std::int64_t launches = 0;
  double us = 0;  // of all launches
};
// In the order of the tree. Kind user: no tree of Proton's, or one deeper than 200 scopes.
[[nodiscard]] Result<std::vector<ProtonKernel>> read_proton_tree(std::string_view json);

// One scope of a kernel over all blocks and warps that were recorded. A scope times what its warp issues: the wait for
// a load lands in the scope that first uses its value.
struct ProtonScope {
  std::string kernel;
  std::string scope;
  std::int64_t events = 0;
  double median_us = 0, most_us = 0;  // of one event
  double share = 0;                   // of the time of all scopes of the kernel
};
// Sorted by kernel, then the largest share first. Kind user: no Chrome trace, or an event without its fields.
[[nodiscard]] Result<std::vector<ProtonScope>> read_proton_trace(std::string_view json);

}  // namespace kerf
