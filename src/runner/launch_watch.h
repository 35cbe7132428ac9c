// Looks at one launch of native code: how long each thread works, what sharing cache lines costs, which lines are
// shared. The launch runs several times, on copies of what it may write: memory is afterwards what it was. Everything
// here is counted in the candidate's own process: it explains, and decides nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "candidate/prototype.h"
#include "candidate/run_protocol.h"
#include "runner/bridge/bridge.h"

namespace kerf {

// Argument of a launch that is a tensor, and the memory behind it.
struct LaunchTensor {
  std::size_t argument = 0;
  std::span<std::byte> memory;
  bool writable = false;
};

struct LaunchToWatch {
  const KernelEntry& kernel;
  std::span<const std::int64_t> grid;
  std::int64_t tasks = 1;
  std::size_t arguments = 0;
  std::span<const std::uint64_t> values;  // threads x arguments, addresses filled in
  std::vector<LaunchTensor> tensors;
};

struct WatchTools {
  const KerfBridge& bridge;
  int threads = 1;
  Random& random;
  StatusPage& page;
  std::function<Result<>()> flush_caches;
};

// Fills what is known of threads, chunks and lines. With as many threads as the launch has, each chunk going to the
// next thread where chunks run alone. Errors: system, no memory for copies.
[[nodiscard]] Result<> watch_launch(const WatchTools& tools, const LaunchToWatch& launch, StepWatch& seen);

// Memory nodes on which the pool's threads are now.
[[nodiscard]] int nodes_of_threads(const WatchTools& tools);
// What the first write to a page costs now, in microseconds. Errors: system, no memory.
[[nodiscard]] Result<double> page_fault_us();

}  // namespace kerf
