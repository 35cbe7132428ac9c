// Runs a bound plan: kernels of a loaded image over their grids, operators through the bridge, in a locked-down
// process.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "candidate/bind.h"
#include "candidate/prototype.h"
#include "candidate/run_protocol.h"
#include "runner/bridge_value.h"
#include "runner/emulation/block_emulator.h"
#include "runner/guarded_memory.h"
#include "runner/interpreter.h"
#include "runner/lockdown.h"

namespace kerf {

// A kernel's parameter that is a tensor map, and the tensor, whose address changes.
struct alignas(64) ReadyMap {
  union {
    KerfTensorMap map;
    std::array<std::byte, tensor_map_bytes> bytes = {};
  };
  TensorId tensor = no_tensor;
};

// A launch whose arguments lie as KernelEntry::run wants them, an array a thread.
struct ReadyLaunch {
  const KernelEntry* kernel = nullptr;
  std::vector<std::int64_t> grid;
  std::int64_t tasks = 1;
  std::vector<std::pair<std::size_t, TensorId>> tensors;  // argument, whose address changes
  std::vector<std::uint64_t> values;                      // threads x arguments
  std::vector<void*> pointers;                            // into values and maps
  std::size_t arguments = 0;
  std::vector<ReadyMap> maps;              // emulated: the same for all threads
  std::optional<EmulatedLaunch> emulated;  // of a language with blocks: a task is one of them
  std::optional<BoundLaunch> interpreted;  // executed elsewhere: nothing else here is filled
};

struct ReadyCall {
  OwnedCall call;
  bool writes_outs = false;  // an out overload: nothing is left to copy
};

// Splits a launch's tasks so that each thread comes back for more some eight times: even load at a small cost.
[[nodiscard]] std::int64_t chunk_of(std::int64_t tasks, int threads);

class Executor final : public Machine {
 public:
  // `kernels` is the image's table; null where `interpreter` executes launches. All must outlive the executor.
  Executor(const KerfBridge& bridge, const Source& source, const LoadMessage& load, const KernelEntry* kernels,
           const Channel* interpreter, StatusPage& page);
  ~Executor() override;

  // Maps and fills everything anew for a run. Descriptors: inputs read-only, outputs.
  [[nodiscard]] Result<> place(const RunMessage& run, int inputs, int outputs);
  // On first use binds the plan, which runs it once; then makes it ready to be replayed. place() must be called again.
  [[nodiscard]] Result<> prepare();
  [[nodiscard]] bool prepared() const { return program_.has_value(); }
  // Writes and reads a buffer of twice the last-level cache on all threads.
  [[nodiscard]] Result<> flush_caches();
  // All steps, timed.
  [[nodiscard]] Result<RunAnswer> replay(const RunMessage& run);
  // All steps, looked at as `run.watch` says (launch_watch.h); of launches that are not native code only page faults.
  [[nodiscard]] Result<RunAnswer> watched_replay(const RunMessage& run);
  // Brings adopted outputs to where they are judged; says whether something wrote beside a tensor. Releases what the
  // run held.
  [[nodiscard]] Result<> finish(const RunMessage& run);

  [[nodiscard]] Result<std::optional<std::vector<std::string>>> schemas(std::string_view op) override;
  [[nodiscard]] Result<std::optional<std::vector<std::string>>> prototype(std::string_view kernel) override;
  [[nodiscard]] Result<> allocate(TensorId id, const BoundTensor& tensor) override;
  [[nodiscard]] Result<> launch(const BoundStep& step, const BoundLaunch& launch) override;
  [[nodiscard]] Result<std::optional<std::vector<CallResult>>> call(const BoundStep& step,
                                                                    const BoundCall& call) override;
  [[nodiscard]] Result<> commit(const BoundStep& step, const BoundCall& call) override;

 private:
  struct Slot {
    OwnedTensor tensor;
    void* data = nullptr;
    const void* storage = nullptr;
    GuardedMemory memory;  // of inputs, outputs, scratch
    bool writable = false;
    std::string name;
    TensorSpec spec;
  };

  [[nodiscard]] Slot& slot(TensorId id);
  [[nodiscard]] Result<> put(TensorId id, std::string name, const TensorSpec& spec, GuardedMemory memory,
                             bool writable);
  [[nodiscard]] Result<> keep(TensorId id, std::string name, OwnedTensor tensor, const TensorSpec* must_be);
  void forget(TensorId id);
  void rewatch();
  [[nodiscard]] const KernelEntry* find(std::string_view kernel) const;
  [[nodiscard]] Result<ReadyLaunch> ready(const BoundStep& step, const BoundLaunch& launch) const;
  [[nodiscard]] Result<ReadyMap> emulated_map(const BoundArgument& argument) const;
  [[nodiscard]] Result<ReadyCall> ready(const BoundStep& step, const BoundCall& call, bool out) const;
  [[nodiscard]] Result<> run(ReadyLaunch& launch, Location at);
  [[nodiscard]] Result<> run_interpreted(const BoundLaunch& launch, Location at);
  [[nodiscard]] Result<> run(const BoundStep& step, const BoundCall& call, ReadyCall& ready);
  [[nodiscard]] Result<> run_call(const BoundStep& step, const BoundCall& call, KerfCall* prepared);
  [[nodiscard]] Result<> zero(TensorId id);
  [[nodiscard]] Result<> zero_all();
  // What the plan as it was bound does at `index`, results that nothing later uses forgotten.
  [[nodiscard]] Result<> run_step(std::size_t index);
  void fill_addresses(ReadyLaunch& launch) const;
  [[nodiscard]] Result<> look_at(std::size_t index, StepWatch& seen);
  [[nodiscard]] Result<> check_margins(const BoundStep& step, const BoundLaunch& launch);
  [[nodiscard]] std::unexpected<Error> torch_failed(const BoundStep& step, const std::string& op) const;

  const KerfBridge& bridge_;
  const Source& source_;
  const LoadMessage& load_;
  const KernelEntry* kernels_;
  const Channel* interpreter_;
  StatusPage& page_;
  SharedVariables shared_variables_;  // of an emulated image

  std::vector<Slot> slots_;                                // by TensorId
  std::vector<KerfTensor*> table_;                         // the same tensors, as the bridge wants them
  std::unordered_map<const void*, TensorId> storages_;     // while binding
  std::vector<OwnedTensor> pending_;                       // results of the last call
  std::vector<std::pair<TensorId, OwnedTensor>> adopted_;  // outputs of a run, until they are where the judge looks
  std::optional<Program> program_;
  std::vector<std::variant<ReadyLaunch, ReadyCall>> ready_;  // by bound step
  std::vector<Watched> watched_;
  GuardedMemory sweep_;
  Random random_{0};
  std::uint64_t sentinel_ = 0;
  bool descending_ = false;
  std::uint64_t placements_ = 0;
};

}  // namespace kerf
