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
};

struct RunAnswer {
  double device_us = 0;
  double before_us = 0;  // of the run, but not of the steps: emptying a device's caches
  double prepare_us = 0;
  std::int64_t involuntary_switches = 0;
  std::vector<double> step_us;  // by index into Plan::steps
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
