// A candidate's kernel compiled anew with probes in it (ttgir.h), by whoever compiles its language.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "candidate/plan.h"
#include "problem/problem.h"
#include "target/nvidia/ttgir.h"

namespace kerf {

struct ProbedKernel {
  struct Op {
    std::string name;  // "tt.load"
    int line = 0;      // of the candidate; 0: unknown
  };
  std::string kernel;  // as the plan names it
  std::string cubin;   // path
  std::string symbol;
  int num_warps = 4;
  std::int64_t shared_bytes = 0;
  int parameters = 0;                 // of the launch's own; then the address of plan.bytes() bytes, then scratch
  std::vector<std::int64_t> scratch;  // bytes for every program
  ProbePlan plan;
  std::map<std::size_t, Op> ops;  // by ProbePlan::Event::op
};

// Implemented by backends of languages that can.
struct KernelProber {
  KernelProber() = default;
  KernelProber(const KernelProber&) = delete;
  KernelProber& operator=(const KernelProber&) = delete;
  virtual ~KernelProber() = default;
  // Of the launch that a step of the plan makes first on this workload. Blocks. Kind unavailable says why there is
  // none.
  [[nodiscard]] virtual Result<ProbedKernel> probed(const Source& source, const Workload& workload,
                                                    const TunePoint& point, int step) = 0;
};

}  // namespace kerf
