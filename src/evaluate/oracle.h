// The oracle: the trusted process that makes inputs, knows the true answers and judges outputs. Candidates never share
// a process with it. All calls block; they are made from job bodies, one at a time (an implementation serialises them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/shared_memory.h"
#include "problem/problem.h"

namespace kerf {

// A tensor's place in an arena: `offset` bytes from the start of the memory to its first element.
struct Placed {
  std::string name;
  TensorSpec spec;
  std::size_t offset = 0;
};

// Memory of a device. It is the oracle process's own; others open it by its handle (cuIpcOpenMemHandle) while the last
// holder of this record lives.
struct DeviceMemory {
  std::string id;      // by which the oracle knows it
  std::string handle;  // CUipcMemHandle, 128 hexadecimal digits
  std::size_t bytes = 0;
};

// One memory with room for several tensors. In main memory it is shared, with guard pages: every tensor has pages of
// its own, with an untouched page before and behind, so that whoever maps it can protect them. On a device `memory` is
// empty, and every tensor has margins that are filled before a run and looked at after it.
struct Arena {
  SharedMemory memory = {};
  std::vector<Placed> tensors = {};
  std::shared_ptr<const DeviceMemory> device = nullptr;
  [[nodiscard]] std::size_t size() const { return device ? device->bytes : memory.size(); }
};

// Where tensors lie in their pages. `front`: they start a page, so that reading before them faults. `back`: they end as
// close to a page's end as 64-byte alignment allows, so that reading behind them faults.
enum class Placement : std::uint8_t { front, back };

[[nodiscard]] Result<Arena> make_arena(const std::string& name,
                                       const std::vector<std::pair<std::string, TensorSpec>>& tensors,
                                       Placement placement);

// Inputs and perturbed parameters of one run, drawn from a secret seed. The true answers stay with the oracle, under
// `id`.
struct Trial {
  std::string id;
  std::string workload;      // Workload::id
  std::string distribution;  // "own", "heavy_tailed", …
  Arena arena;               // inputs, parameters, buffers, constants
};

struct TrialRequest {
  std::string workload;
  std::string distribution = "own";
  std::uint64_t seed = 0;
  Placement placement = Placement::front;
};

// A write that missed an output by a little.
struct MarginHit {
  std::string name;
  bool behind = false;       // or in front
  std::size_t distance = 0;  // bytes from the tensor to the nearest byte that changed, from 0
};

// The first element in which two runs differ bit by bit, and how many do, of one output.
struct Difference {
  std::string name;
  std::vector<std::int64_t> first;
  std::int64_t count = 0;
};

// What comparing one run's outputs with the truth found, per output tensor.
struct OutputJudgement {
  std::string name;
  bool right = false;
  double max_error = 0;                        // against fp64
  double reference_error = 0;                  // of the reference in the working type, against fp64
  double scale = 0;                            // largest magnitude of the truth
  double allowed = 0;                          // the budget that max_error had to meet
  std::int64_t wrong = 0;                      // elements outside the budget
  std::int64_t unwritten = 0;                  // elements that still hold the sentinel's bits
  std::int64_t nonfinite = 0;                  // NaN or infinite where the truth is not
  std::vector<std::int64_t> first_wrong = {};  // index, empty if none
  std::vector<std::pair<std::int64_t, std::int64_t>> box =
      {};                        // smallest box [low, high] a dimension around the wrong ones
  double got = 0, expected = 0;  // at first_wrong
};

struct Judgement {
  bool right = false;
  std::vector<OutputJudgement> outputs;
};

enum class Baseline : std::uint8_t {
  eager,
  compile,
  max_autotune
};  // the last: torch.compile's longest search, on GPUs
[[nodiscard]] const char* to_string(Baseline baseline);

struct Oracle {
  Oracle() = default;
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;
  virtual ~Oracle() = default;

  // Loads, traces, asks the trivial answers, finds `variants` hidden variants. User errors carry one clear line.
  [[nodiscard]] virtual Result<Understood> admit(const Problem& problem, int variants) = 0;
  // Shapes and graphs alone, of sizes that this machine need not hold: nothing is drawn or computed, the admission says
  // nothing, and trials of these workloads cannot be drawn.
  [[nodiscard]] virtual Result<Understood> trace(const Problem& problem, int variants) = 0;
  [[nodiscard]] virtual Result<Trial> draw(const TrialRequest& request) = 0;
  // `outputs` hold what a run left; `sentinel` is the byte pattern they were filled with before it. With
  // `inputs_changed`, the truth is computed anew from what the trial's arena holds now.
  [[nodiscard]] virtual Result<Judgement> judge(const Trial& trial, const Arena& outputs, std::uint64_t sentinel,
                                                bool inputs_changed) = 0;
  // Waits for what is made ready of a baseline by itself, beside this process, and may want the device alone for it:
  // nobody who asks may hold the device.
  virtual void await_baseline(const std::string& /*workload*/, Baseline /*baseline*/) {}
  // Makes a baseline ready (traces, compiles, warms up). `unavailable` if this machine cannot have it. `held`: whether
  // who asks holds the device. If not, it is taken for what runs on it, and not while something is compiled.
  [[nodiscard]] virtual Result<> prepare_baseline(const std::string& workload, Baseline baseline, bool held) = 0;
  // One timed run on the trial's inputs, device time in microseconds; caches flushed before it if `cold`.
  [[nodiscard]] virtual Result<double> time_baseline(const Trial& trial, Baseline baseline, bool cold) = 0;
  // Involuntary context switches of the oracle during the last time_baseline; -1 where it cannot know. Company is
  // noticed on both sides of a comparison or on neither: throwing away only one side's slow runs would favour it.
  [[nodiscard]] virtual std::int64_t baseline_switches() { return -1; }
  // RunReport::shows_host of the last time_baseline.
  [[nodiscard]] virtual bool baseline_shows_host() { return true; }
  // What PyTorch's profiler says of one call of a baseline, as JSON (read_torch_trace). In a process of its own: the
  // profiler leaves hooks behind, and nothing may be timed beside them. Kind unavailable says why there is none.
  [[nodiscard]] virtual Result<std::string> trace_baseline(const std::string& /*workload*/, Baseline /*baseline*/) {
    return fail(ErrorKind::unavailable, "unavailable: this oracle takes no traces");
  }
  virtual void forget(const std::string& trial) = 0;

  // What is done to the memory of trials and outputs, wherever it lies. These defaults are for main memory, which this
  // process maps.
  //
  // Room for the outputs of one run.
  [[nodiscard]] virtual Result<Arena> make_outputs(const Workload& workload, Placement placement);
  // Before a run: what lies around the outputs, and on a device the outputs too, is filled with the sentinel. (In main
  // memory the runner fills the outputs.)
  [[nodiscard]] virtual Result<> fill(Arena& outputs, std::uint64_t sentinel);
  [[nodiscard]] virtual Result<std::optional<MarginHit>> find_margin_hit(const Arena& outputs, std::uint64_t sentinel);
  [[nodiscard]] virtual Result<std::optional<Difference>> find_difference(const Arena& a, const Arena& b);
  // Exchanges random elements within each of the trial's named tensors.
  [[nodiscard]] virtual Result<> perturb(Trial& trial, const std::vector<std::string>& names, Random& random);
  // perturb() and fill(): what a timed run finds. On a device nobody waits in between.
  [[nodiscard]] virtual Result<> refresh(Trial& trial, const std::vector<std::string>& names, Arena& outputs,
                                         std::uint64_t sentinel, Random& random);
  // Whether a trial's tensors hold what was drawn, but for what perturb() exchanged. (True where runners cannot write.)
  [[nodiscard]] virtual Result<bool> is_intact(const Trial& trial);
  // Lets go of memory of a device that is kept for later, where a runner finds none.
  [[nodiscard]] virtual Result<> make_room() { return {}; }
  [[nodiscard]] virtual nlohmann::json versions() = 0;  // torch, python, threads
};

}  // namespace kerf
