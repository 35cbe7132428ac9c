// The real oracle: `python -m kerf_oracle` as a long-lived child, spoken to over a socket pair (docs/problems.md).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/room.h"
#include "evaluate/oracle.h"

namespace kerf {

struct OracleOptions {
  std::string device = {};      // "cuda:0": tensors live on that GPU; empty: in main memory
  std::size_t flush_bytes = 0;  // of a device: what is written before a baseline to empty its caches
  bool graph = false;           // of a device: baselines are timed as captured graphs
  bool tf32 = false;            // candidates are for a GPU, where convolutions may round to TF32 (docs/problems.md)
  // Of a device: the lock that kerfs share (gpu_watch.h). Admission takes it, for as long as the device is used; for
  // all other calls it is the caller's to hold.
  std::string lock = {};
  // How many oracles share the device, this one included: each has its part of what is kept in memory for later.
  int beside = 1;
  // Of a device that has `memory_bytes`: of which each of them takes its part before it admits a problem.
  std::shared_ptr<Room> room = {};
  std::int64_t memory_bytes = 0;
  // Problems that are admitted come to have candidates confirmed: their baselines are compiled meanwhile.
  bool compiles_ahead = false;
  // Of a device: called before memory is freed that others may have open still; they close it.
  std::function<void()> before_free = {};
  int threads = 0;               // of PyTorch; 0: one per core that this process may use
  std::string python = {};       // empty: kerf::python()
  std::string package = {};      // folder that holds kerf_oracle; empty: shipped("oracle")
  std::size_t memory_limit = 0;  // bytes of address space; 0: three quarters of the machine's memory
  std::chrono::milliseconds start_limit{60'000};
  std::chrono::milliseconds admit_limit{120'000};    // a problem file that never ends is killed after this
  std::chrono::milliseconds call_limit{60'000};      // draw, judge, one timed run
  std::chrono::milliseconds compile_limit{180'000};  // torch.compile's first run
  std::chrono::milliseconds autotune_limit{60'000};  // max-autotune's, which measures kernel after kernel
  int log_fd = -1;  // where the child's standard output and error go; /dev/null if negative
};

// Bytes that one run of a model moves from and to memory, and the most that it holds at a time, in its own precision.
struct Footprint {
  double moved = 0, most = 0;
};
// What of a device's memory judging a problem may take, where `beside` sessions use the device. The true answers are
// computed in double precision, beside the reference's own (three times what a run holds); a trial, another
// one and the outputs of two runs lie beside (twice what it moves). Never little: libraries want memory to work in.
struct MemoryShare {
  double share = 1;                  // of what there is for all of them
  std::int64_t computing_bytes = 0;  // of it, PyTorch's, as long as that is enough; 0: as much as it likes
};
[[nodiscard]] MemoryShare memory_share(const Footprint& footprint, std::int64_t memory_bytes, int beside);

// Starts nothing yet: the child starts with the first call, and anew after it died or was killed on a time-out. Calls
// may come from any thread; they are made one at a time. Errors: `user` for what a problem file does wrong,
// `unavailable` where Python or PyTorch is missing (the message says what to install), `system` when the child died. A
// child that was started anew remembers no workload or trial: workloads are admitted again without the caller's doing,
// trials of before are refused with kind `system` and the fact ("oracle", "restarted").
[[nodiscard]] std::unique_ptr<Oracle> make_oracle(OracleOptions options = {});

}  // namespace kerf
