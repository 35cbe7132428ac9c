#include "runner/emulation/grid_emulator.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace kerf {

Result<std::optional<BlockTrouble>> GridEmulator::run(const EmulatedLaunch& launch, void* const* args,
                                                      std::int64_t arguments, bool descending) {
  const std::int64_t count = launch.grid[0] * launch.grid[1] * launch.grid[2];
  const std::int64_t threads = launch.block[0] * launch.block[1] * launch.block[2];
  if (threads > BlockEmulator::max_threads || count > max_threads / threads) {
    return fail(ErrorKind::unavailable,
                fmt::format("unavailable: a cooperative launch of {} blocks of {} threads: the emulation holds {} "
                            "threads at a time",
                            count, threads, max_threads));
  }
  if (threads != std::exchange(threads_, threads)) blocks_.clear();
  for (auto missing = count - std::ssize(blocks_); missing > 0; --missing)
    blocks_.push_back(TRY(BlockEmulator::create(threads_)));
  std::vector<BlockEmulator*> running;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t index = descending ? count - 1 - i : i;
    running.push_back(blocks_[static_cast<std::size_t>(index)].get());
    if (auto trouble = running.back()->begin(launch, args, arguments, index, descending))
      return fail(ErrorKind::unavailable, "unavailable: " + trouble->message);
  }
  // A thread may look a number of times before it does something else.
  constexpr int patience = 10'000;
  for (int idle = 0; !running.empty(); ++idle) {
    std::optional<BlockTrouble> trouble;
    std::erase_if(running, [&](BlockEmulator* block) {
      if (trouble) return false;
      BlockEmulator::Advance now = block->advance();
      trouble = std::move(now.trouble);
      if (now.moved || now.done) idle = 0;
      return now.done;
    });
    if (trouble) return trouble;
    if (idle > patience) return running.front()->waiting();
  }
  return std::nullopt;
}

}  // namespace kerf
