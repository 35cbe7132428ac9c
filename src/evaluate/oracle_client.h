// The real oracle: `python -m kerf_oracle` as a long-lived child, spoken to over a socket pair (docs/problems.md).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

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
  int log_fd = -1;  // where the child's standard output and error go; /dev/null if negative
};

// Starts nothing yet: the child starts with the first call, and anew after it died or was killed on a time-out. Calls
// may come from any thread; they are made one at a time. Errors: `user` for what a problem file does wrong,
// `unavailable` where Python or PyTorch is missing (the message says what to install), `system` when the child died. A
// child that was started anew remembers no workload or trial: workloads are admitted again without the caller's doing,
// trials of before are refused with kind `system` and the fact ("oracle", "restarted").
[[nodiscard]] std::unique_ptr<Oracle> make_oracle(OracleOptions options = {});

}  // namespace kerf
