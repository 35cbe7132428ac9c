// Runs a CUDA kernel's blocks on the CPU: every thread of a block is a fibre with a stack of its own, switched by hand
// where it waits for others. One emulator a system thread; blocks of a launch run side by side on several.
//
// What is emulated: barriers, warp operations, shared memory (filled with NaNs before each block), asynchronous copies
// (which take place when they are waited for). What is not: the order in which warps really run, races that happen to
// end well, bank conflicts, time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "candidate/prototype.h"
#include "runner/emulation/abi.h"

namespace kerf {

// The __shared__ variables of a loaded image are its thread-local memory.
struct SharedVariables {
  std::size_t module = 0;  // 0: it has none
  std::size_t bytes = 0;
};
[[nodiscard]] SharedVariables shared_variables_of(const void* in_image);

struct EmulatedLaunch {
  const KernelEntry* kernel = nullptr;
  std::array<std::int64_t, 3> grid = {1, 1, 1}, block = {1, 1, 1};
  std::int64_t shared_bytes = 0;
  SharedVariables variables;
};

// Threads that wait for each other in a way that no GPU promises to resolve.
struct BlockTrouble {
  int line = 0;           // in the candidate, of the construct
  std::string construct;  // "__syncthreads", …: what to point at in that line
  std::string message;
};

class BlockEmulator {
 public:
  static constexpr std::int64_t max_threads = 1024;
  static constexpr std::int64_t max_shared_bytes = std::int64_t{240} << 10;

  [[nodiscard]] static Result<std::unique_ptr<BlockEmulator>> create();
  ~BlockEmulator();
  BlockEmulator(const BlockEmulator&) = delete;
  BlockEmulator& operator=(const BlockEmulator&) = delete;

  // One block; threads start in descending order if asked to. args[i] points to the value of argument i.
  [[nodiscard]] std::optional<BlockTrouble> run(const EmulatedLaunch& launch, void* const* args, std::int64_t arguments,
                                                std::int64_t index, bool descending);

 private:
  enum class Wait : std::uint8_t { none, barrier, warp };
  struct Copy {
    void* to;
    const void* from;
    unsigned bytes, filled;
    unsigned group;
  };
  struct Fibre {
    void* stack_pointer = nullptr;
    Wait waits = Wait::none;
    bool done = false;
    int line = 0;
    int vote = 0;
    KerfWarpOperation operation = kerf_warp_sync;
    unsigned mask = 0, argument = 0;
    unsigned long value = 0, result = 0;
    unsigned groups = 0;  // committed
    std::vector<Copy> copies = {};
  };
  struct Warp {
    unsigned alive = 0, waiting = 0;
  };

  explicit BlockEmulator(std::byte* mapping, std::byte* region);
  [[nodiscard]] static BlockEmulator& of(KerfBlock* block);
  static void fibre_main();
  static int on_barrier(KerfBlock* block, int line, KerfVote vote, int value);
  static unsigned long on_warp(KerfBlock* block, int line, KerfWarpOperation operation, unsigned mask,
                               unsigned long value, unsigned argument);
  static void on_copy(KerfBlock* block, int line, void* to, const void* from, unsigned bytes, unsigned filled);
  static void on_commit(KerfBlock* block);
  static void on_wait(KerfBlock* block, unsigned pending_groups);
  static void on_trap(KerfBlock* block, int line);

  [[nodiscard]] bool reserve_stacks(std::size_t threads);
  void set_up(std::size_t thread);
  void leave();  // to the scheduler
  void give_up(int line, const char* construct, std::string message);
  void try_barrier();
  void try_warp(std::size_t warp, unsigned mask, int line, KerfWarpOperation operation);
  void finish_warp(std::size_t warp, unsigned lanes, KerfWarpOperation operation);
  void complete(Fibre& fibre, unsigned group);
  [[nodiscard]] BlockTrouble deadlock() const;
  [[nodiscard]] std::string thread_name(std::size_t thread) const;

  std::byte* mapping_;
  std::byte* region_;
  KerfBlock* block_;
  std::size_t stacks_ = 0;  // that can be written
  const EmulatedLaunch* launch_ = nullptr;
  void* const* args_ = nullptr;
  std::int64_t arguments_ = 0;
  std::vector<Fibre> fibres_;
  std::vector<Warp> warps_;
  std::vector<std::uint16_t> ready_, next_;
  std::size_t threads_ = 0, alive_ = 0, arrived_ = 0;
  KerfVote vote_ = kerf_vote_none;
  void* scheduler_ = nullptr;
  std::optional<BlockTrouble> trouble_;
};

}  // namespace kerf
