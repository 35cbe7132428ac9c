// Runs a CUDA kernel's blocks on the CPU: every thread of a block is a fibre with a stack of its own, switched by hand
// where it waits for others. One emulator a system thread; blocks of a launch run side by side on several. Those of a
// cooperative launch are alive at the same time, all on one system thread: grid_emulator.h.
//
// What is emulated: barriers, warp operations, shared memory (filled with NaNs before each block), asynchronous copies
// (which take place when they are waited for). What is not: the order in which warps really run, races that happen to
// end well, bank conflicts, time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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
  bool cooperative = false;  // its blocks may wait for each other: for GridEmulator
  bool tensor_maps = false;  // dynamic shared memory begins where swizzled boxes may
};

// Threads that wait for each other in a way that no GPU promises to resolve.
struct BlockTrouble {
  int line = 0;           // in the candidate, of the construct
  std::string construct;  // "__syncthreads", …: what to point at in that line
  std::string message;
  const char* rule = "divergent";
};

class BlockEmulator {
 public:
  static constexpr std::int64_t max_threads = 1024;
  static constexpr std::int64_t max_shared_bytes = std::int64_t{240} << 10;

  // For blocks of up to `threads`.
  [[nodiscard]] static Result<std::unique_ptr<BlockEmulator>> create(std::int64_t threads = max_threads);
  ~BlockEmulator();
  BlockEmulator(const BlockEmulator&) = delete;
  BlockEmulator& operator=(const BlockEmulator&) = delete;

  // One block; threads start in descending order if asked to. args[i] points to the value of argument i.
  [[nodiscard]] std::optional<BlockTrouble> run(const EmulatedLaunch& launch, void* const* args, std::int64_t arguments,
                                                std::int64_t index, bool descending);

  // The same in steps. A block that was begun runs in advance() until all of its threads have returned, or those that
  // have not wait for memory that another block has to write.
  [[nodiscard]] std::optional<BlockTrouble> begin(const EmulatedLaunch& launch, void* const* args,
                                                  std::int64_t arguments, std::int64_t index, bool descending);
  struct Advance {
    bool done = false;
    bool moved = false;  // a thread did more than look at memory again
    std::optional<BlockTrouble> trouble = std::nullopt;
  };
  [[nodiscard]] Advance advance();
  // Of a block whose threads wait for memory: who waits where.
  [[nodiscard]] BlockTrouble waiting() const;

 private:
  static constexpr std::size_t lanes = 32;  // of a warp
  enum class Wait : std::uint8_t { none, barrier, warp };
  struct Copy {
    void* to;
    const void* from;
    unsigned bytes, filled;
    unsigned group;
  };
  struct BulkCopy {
    void* to;
    const void* from;
    unsigned bytes;
    const void* barrier;
  };
  struct TensorCopy {
    KerfTensorMap map;
    KerfTensorPlace place;
    std::byte* shared;
    const void* barrier;  // of a load
    unsigned group;       // of a store
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
    unsigned bulk_groups = 0;
    std::vector<TensorCopy> stores = {};
  };
  struct Warp {
    unsigned alive = 0, waiting = 0;
  };

  BlockEmulator(std::byte* region, std::size_t threads);
  [[nodiscard]] static BlockEmulator& of(KerfBlock* block);
  static void fibre_main();
  static int on_barrier(KerfBlock* block, int line, KerfVote vote, int value);
  static unsigned long on_warp(KerfBlock* block, int line, KerfWarpOperation operation, unsigned mask,
                               unsigned long value, unsigned argument);
  static void on_copy(KerfBlock* block, int line, void* to, const void* from, unsigned bytes, unsigned filled);
  static void on_commit(KerfBlock* block);
  static void on_wait(KerfBlock* block, unsigned pending_groups);
  static void on_trap(KerfBlock* block, int line);
  static void on_yield(KerfBlock* block, int line);
  static void on_bulk_copy(KerfBlock* block, int line, void* to, const void* from, unsigned bytes, const void* barrier);
  static unsigned on_bulk_bytes(KerfBlock* block, const void* barrier);
  static void on_tensor_load(KerfBlock* block, int line, void* to, const void* map, KerfTensorPlace place,
                             const void* barrier);
  static void on_tensor_store(KerfBlock* block, int line, const void* map, KerfTensorPlace place, const void* from);
  static void on_bulk_commit(KerfBlock* block);
  static void on_bulk_wait(KerfBlock* block, unsigned pending_groups);

  [[nodiscard]] bool reserve_stacks(std::size_t threads);
  void set_up(std::size_t thread);
  void leave();  // to the scheduler
  void give_up(int line, const char* construct, std::string message);
  void try_barrier();
  void try_warp(std::size_t warp, unsigned mask, int line, KerfWarpOperation operation);
  void finish_warp(std::size_t warp, unsigned named, KerfWarpOperation operation);
  void complete(Fibre& fibre, unsigned group);
  [[nodiscard]] KerfTensorMap checked(int line, const void* map, const KerfTensorPlace& place, const void* shared);
  [[nodiscard]] bool run_round();  // whether a thread did more than look at memory again
  [[nodiscard]] std::optional<BlockTrouble> finished();
  [[nodiscard]] BlockTrouble deadlock() const;
  [[nodiscard]] std::string thread_name(std::size_t thread) const;

  std::byte* region_;
  std::size_t mapped_threads_;
  KerfBlock* block_;
  std::size_t stacks_ = 0;  // that can be written
  const EmulatedLaunch* launch_ = nullptr;
  void* const* args_ = nullptr;
  std::int64_t arguments_ = 0;
  std::vector<Fibre> fibres_;
  std::vector<Warp> warps_;
  std::vector<BulkCopy> bulk_copies_;
  std::vector<TensorCopy> tensor_loads_;
  std::vector<std::uint16_t> ready_, next_;
  std::size_t threads_ = 0, alive_ = 0, arrived_ = 0;
  KerfVote vote_ = kerf_vote_none;
  bool descending_ = false, moved_ = false;
  std::vector<std::byte> statics_;  // cooperative: the __shared__ variables while other blocks run
  void* scheduler_ = nullptr;
  std::optional<BlockTrouble> trouble_;
};

}  // namespace kerf
