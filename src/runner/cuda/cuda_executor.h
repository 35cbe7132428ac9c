// Runs a bound plan on a GPU: kernels of a cubin, operators through the bridge, all on the default stream of the
// primary context, or captured as one graph.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "candidate/bind.h"
#include "candidate/device_protocol.h"
#include "candidate/run_protocol.h"
#include "candidate/triton_manifest.h"
#include "runner/bridge_value.h"
#include "runner/cuda/device_memory.h"
#include "runner/cuda/driver.h"
#include "runner/cuda/graph.h"
#include "runner/cuda/launch_layout.h"

namespace kerf {

// A module in the device, unloaded at the end: what a kernel keeps in its globals ends with its candidate.
class CudaModule {
 public:
  CudaModule(const CudaDriver& driver, CuModule module) : driver_(&driver), module_(module) {}
  CudaModule(CudaModule&& other) noexcept : driver_(other.driver_), module_(std::exchange(other.module_, nullptr)) {}
  CudaModule& operator=(CudaModule&&) = delete;
  ~CudaModule() {
    if (module_ != nullptr) driver_->module_unload(module_);
  }
  [[nodiscard]] CuModule get() const { return module_; }

 private:
  const CudaDriver* driver_;
  CuModule module_;
};

// One kernel as the image offers it, and what a launch of it adds to the plan's arguments.
struct LoadedKernel {
  CuFunction function = nullptr;
  int shared_allowed = 0;  // dynamic shared memory, as far as it was asked for
};

// Through whom launches go while somebody wants to know more of them than that they ran.
struct LaunchObserver {
  LaunchObserver() = default;
  LaunchObserver(const LaunchObserver&) = delete;
  LaunchObserver& operator=(const LaunchObserver&) = delete;
  virtual ~LaunchObserver() = default;
  // Launches it, once or several times with the same effect. `step` is of the plan.
  [[nodiscard]] virtual CuResult launch(int step, CudaLaunch& launch) = 0;
};

class CudaExecutor final : public Machine {
 public:
  // `bridge` is null where the plan calls no operators. `fill` and `flush` belong to the process. All must outlive it.
  CudaExecutor(const CudaDriver& driver, const Filler& filler, const DeviceBuffer& flush, const KerfBridge* bridge,
               int device, const Source& source, const DeviceRequest& load, StatusPage& page);
  ~CudaExecutor() override;

  [[nodiscard]] Result<> load_image();
  // Opens the run's memory and fills scratch.
  [[nodiscard]] Result<> place(const DeviceRequest& run, OpenedMemories& memories);
  // On first use binds the plan, which runs it once, and fills the outputs again.
  [[nodiscard]] Result<> prepare();
  [[nodiscard]] bool prepared() const { return program_.has_value(); }
  // `as_graph`: what is timed is one launch of a graph, into which the steps were captured right before (its first
  // timed run excepted, which times each step). Kind unavailable if the steps cannot be captured.
  [[nodiscard]] Result<RunAnswer> replay(const RunMessage& run, bool as_graph = false);
  // The steps as a timed run hands them over, between two marks (mark_bytes) on the stream that timed runs use.
  [[nodiscard]] Result<> replay_marked();
  // Launches go through it; null: straight to the driver.
  void observe(LaunchObserver* observer) { observer_ = observer; }
  // Of another cubin than the image's, with room for that much dynamic shared memory. Stays loaded with the executor.
  [[nodiscard]] Result<CuFunction> function(const std::string& cubin, const std::string& symbol,
                                            std::int64_t shared_bytes);
  // Whether something wrote beside scratch. Lets go of what the run held.
  [[nodiscard]] Result<> finish();
  // An error after which this process is of no use any more.
  [[nodiscard]] bool lost() const { return lost_; }

  [[nodiscard]] Result<std::optional<std::vector<std::string>>> schemas(std::string_view op) override;
  [[nodiscard]] Result<std::optional<std::vector<std::string>>> prototype(std::string_view kernel) override;
  [[nodiscard]] Result<> allocate(TensorId id, const BoundTensor& tensor) override;
  [[nodiscard]] Result<> launch(const BoundStep& step, const BoundLaunch& launch) override;
  [[nodiscard]] Result<std::optional<std::vector<CallResult>>> call(const BoundStep& step,
                                                                    const BoundCall& call) override;
  [[nodiscard]] Result<> commit(const BoundStep& step, const BoundCall& call) override;

 private:
  struct Slot {
    CuPointer data = 0;
    TensorSpec spec = {};
    std::string name = {};
    OwnedTensor tensor = OwnedTensor(nullptr, ReleaseTensor{nullptr});
    std::optional<DeviceBuffer> scratch = std::nullopt;
  };
  struct ReadyCall {
    OwnedCall call;
    bool writes_outs = false;
  };

  [[nodiscard]] Slot& slot(TensorId id);
  [[nodiscard]] Result<> put(TensorId id, std::string name, const TensorSpec& spec, CuPointer at);
  [[nodiscard]] Result<> keep(TensorId id, OwnedTensor tensor, const TensorSpec* must_be);
  void forget(TensorId id);
  [[nodiscard]] Result<CudaLaunch> ready(const BoundStep& step, const BoundLaunch& launch);
  [[nodiscard]] Result<CudaLaunch> ready_blocks(const BoundStep& step, const BoundLaunch& launch);
  [[nodiscard]] Result<CudaLaunch> ready_programs(const BoundStep& step, const BoundLaunch& launch);
  [[nodiscard]] Result<LoadedKernel*> kernel(const std::string& cubin, const std::string& symbol);
  [[nodiscard]] Result<> allow_shared(LoadedKernel& kernel, std::int64_t bytes, const std::string& name, Location at);
  void note(TensorId id, BoundTensor tensor);
  [[nodiscard]] Result<ReadyCall> ready(const BoundStep& step, const BoundCall& call, bool out) const;
  [[nodiscard]] Result<RunAnswer> replay_on(const RunMessage& run, bool as_graph);
  // Hands all steps over to the stream; `each` is called after every one.
  [[nodiscard]] Result<> hand_over(const std::function<Result<>(std::size_t)>& each);
  // From now on launches and operators go to it.
  [[nodiscard]] Result<> use_stream(CuStream stream);
  // At the addresses that tensors have now.
  [[nodiscard]] Result<> encode_maps(CudaLaunch& launch, Location at);
  [[nodiscard]] Result<> run(CudaLaunch& launch, Location at);
  [[nodiscard]] Result<> run_call(const BoundStep& step, const BoundCall& call, KerfCall* prepared);
  [[nodiscard]] Result<> run(const BoundStep& step, const BoundCall& call, ReadyCall& ready);
  // Waits for everything; an error that the device reports is the candidate's, found at or before the step.
  [[nodiscard]] Result<> settle(const std::string& what, std::optional<Location> at);
  [[nodiscard]] std::unexpected<Error> device_failed(CuResult code, const std::string& what,
                                                     std::optional<Location> at);
  [[nodiscard]] std::unexpected<Error> torch_failed(const BoundStep& step, const std::string& op);
  [[nodiscard]] Result<CuEvent> event(std::size_t i);

  const CudaDriver& driver_;
  const Filler& filler_;
  const DeviceBuffer& flush_;
  const KerfBridge* bridge_;
  const int device_;
  const Source& source_;
  const DeviceRequest& load_;
  StatusPage& page_;
  std::map<std::string, CudaModule> modules_;                            // by the cubin's path
  std::map<std::pair<std::string, std::string>, LoadedKernel> kernels_;  // by cubin and symbol
  std::optional<TritonManifest> manifest_;                               // of a candidate in Triton or Gluon

  std::vector<BoundTensor> bound_;                         // by TensorId, as they became known
  std::vector<Slot> slots_;                                // likewise
  std::vector<KerfTensor*> table_;                         // the same tensors, as the bridge wants them
  std::unordered_map<const void*, TensorId> storages_;     // while binding
  std::vector<OwnedTensor> pending_;                       // results of the last call
  std::vector<std::pair<TensorId, OwnedTensor>> adopted_;  // outputs of a run, until they are where the judge looks
  std::optional<Program> program_;
  std::vector<std::variant<CudaLaunch, ReadyCall>> ready_;  // by bound step
  std::vector<CuEvent> events_;
  std::vector<double> step_us_;  // by step of the plan, of the first timed run
  double prepare_us_ = 0;        // likewise
  std::uint64_t sentinel_ = 0;
  bool lost_ = false;
  LaunchObserver* observer_ = nullptr;
  std::optional<CaptureStream> captures_;
  CuStream stream_ = nullptr;  // where launches and operators go
  bool capturing_ = false;     // then nothing runs, and nothing may wait
};

}  // namespace kerf
