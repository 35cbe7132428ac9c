// Runs a cooperative launch on the CPU, whose blocks may wait for each other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "runner/emulation/block_emulator.h"

namespace kerf {

// All blocks of a cooperative launch, in turn on the thread that calls: one runs until its threads wait for others.
class GridEmulator {
 public:
  // Of all blocks together: each has a stack, two of the 65,530 mappings that Linux gives a process.
  static constexpr std::int64_t max_threads = 16'384;

  // Blocks, and the threads in them, start in descending order if asked to. args[i] points to the value of argument i.
  // Fails where there are more threads than the emulation holds.
  [[nodiscard]] Result<std::optional<BlockTrouble>> run(const EmulatedLaunch& launch, void* const* args,
                                                        std::int64_t arguments, bool descending);

 private:
  std::vector<std::unique_ptr<BlockEmulator>> blocks_;
  std::int64_t threads_ = 0;  // that each has
};

}  // namespace kerf
