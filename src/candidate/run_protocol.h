// What kerf and kerf-runner say to each other, and the page on which a runner keeps what it is doing. Both ends are
// built from one tree, so nothing here has a version.
//
// Zygote channel:   kerf: SpawnMessage + {child's end of a channel}   zygote: {"pid": n} or {"error": …}
//                   kerf: {"reap": pid} (kills first)                 zygote: {"status": wait status, -1 if unknown}
//                   kerf: {"ping": n}                                 zygote: {"ping": n}
// Child's channel:  kerf: LoadMessage + {image, status page}          child: {"ready": true} or an error
//                         (+ the interpreter's socket, where one executes the launches: runner/interpreter.h)
//                   kerf: RunMessage + {inputs read-only, outputs}    child: {"ready": true} or an error
//                   kerf: {"go": true}                                child: {"done": true}, then RunAnswer or an error
// The child times the steps between "go" and "done"; so does kerf, on its own clock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "candidate/plan.h"
#include "problem/problem.h"

namespace kerf {

// What a child of the runner is doing, in memory that kerf shares: how kerf knows where a process died. The child's own
// code writes it before each step. A kernel could overwrite it, so kerf takes nothing from it but words for an error.
struct StatusPage {
  static constexpr std::size_t bytes = 4096;
  enum class Phase : std::int32_t { ours, loading, launch, call };
  enum class Fault : std::int32_t { none, signal, system_call };
  std::atomic<Phase> phase;
  std::atomic<std::int32_t> step;  // index into Plan::steps
  std::atomic<Fault> fault;
  std::atomic<std::int32_t> number;  // of the signal or system call
  std::atomic<std::int32_t> tensor;  // signal: 1 + index into names(), of the tensor whose memory or guard was touched
  std::atomic<std::uint64_t> address;  // signal: what was touched
  std::atomic<std::int32_t> inside;    // 1: inside the tensor's own pages, hence a write to what is read-only
  std::array<char, 200> name;          // of that tensor
};
static_assert(sizeof(StatusPage) <= StatusPage::bytes);

struct LoadMessage {
  Candidate candidate;
  Workload workload;
  TunePoint tune;
  int threads = 1;
  std::int64_t memory_limit = 0;  // bytes of address space beyond what the runner has when it starts
  std::int64_t sweep_bytes = std::int64_t{32} << 20;  // what is read and written to flush the caches
};

struct RunMessage {
  std::vector<std::int64_t> inputs;   // offsets of Workload::tensors in the trial's memory
  std::vector<std::int64_t> outputs;  // offsets of Workload::outputs in the outputs' memory
  std::uint64_t sentinel = 0;
  std::uint64_t seed = 0;  // of addresses
  bool descending = false;
  bool timed = false;
  bool cold = false;
  // A watched run: of these steps of the plan the first launch is looked at (runner/launch_watch.h). Its times are
  // those of no run.
  std::optional<std::vector<int>> watch = {};
};

// Cache lines (64 bytes) that a launch's chunks write, as far as was looked. A line is shared where two chunks that are
// handed out within `threads` of each other, hence run side by side, write it. Writes that leave the same bytes are not
// seen.
struct LineWrites {
  std::int64_t lines = 0, shared_lines = 0;
  std::int64_t writes = 0, shared_writes = 0;  // pairs of a chunk and a line
  std::int64_t looked_at = 0, writable = 0;    // bytes
  int argument = -1;  // of the launch: whose memory has the most shared lines; -1: none has any
};

// What was seen of one step of the plan. Of its first launch, but for page faults. Processor time in microseconds.
struct StepWatch {
  int step = 0;                                      // of Plan::steps
  std::int64_t page_faults = 0, major_faults = 0;    // of all its executions
  std::int64_t tasks = 0;                            // 0: its launch was not looked at, no more is known
  std::vector<double> busiest_us = {}, all_us = {};  // of each parallel run: the thread that worked most, all threads
  std::vector<double> apart_us = {};                 // all threads, where each has copies of what is written
  std::vector<double> chunk_us = {};  // of each chunk, run alone, in the order in which they are handed out
  LineWrites lines = {};
  std::string no_lines = {};  // why lines were not looked at, or threads not run apart
};

struct RunWatch {
  double page_fault_us = 0;  // what a page fault costs here
  int nodes = 0;             // memory nodes on which the threads ran
  std::vector<StepWatch> steps = {};
};

struct RunAnswer {
  double device_us = 0;
  double before_us = 0;  // of the run, but not of the steps: emptying a device's caches
  double prepare_us = 0;
  std::int64_t involuntary_switches = 0;
  bool shows_host = true;       // what the host did may be part of device_us
  std::vector<double> step_us;  // by index into Plan::steps
  std::optional<RunWatch> watched = {};
};

[[nodiscard]] std::string encode(const LoadMessage& message);
[[nodiscard]] std::string encode(const RunMessage& message);
[[nodiscard]] std::string encode(const RunAnswer& answer);
[[nodiscard]] std::string encode(const Error& error);
// What the peer said; an encoded Error is returned as the error. A message that is not understood is of kind system:
// the peer may be hostile.
[[nodiscard]] Result<LoadMessage> decode_load(std::string_view body);
[[nodiscard]] Result<RunMessage> decode_run(std::string_view body);
[[nodiscard]] Result<RunAnswer> decode_answer(std::string_view body);
// {"KEY": number} or an encoded error.
[[nodiscard]] std::string encode_number(const char* key, std::int64_t value);
[[nodiscard]] Result<std::int64_t> decode_number(const char* key, std::string_view body);

}  // namespace kerf
