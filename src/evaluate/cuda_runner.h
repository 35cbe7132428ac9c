// The runner of an NVIDIA GPU: kerf-runner --cuda, one process a device, which serves candidate after candidate and is
// started anew when a candidate has cost it the device's context.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "candidate/device_protocol.h"
#include "evaluate/runner.h"

namespace kerf {

struct CudaRunnerOptions {
  int device = 0;
  std::function<void(std::string_view)> notice = {};  // that the bridge to PyTorch is being compiled; default: stderr
};

class CudaRunner : public Runner {
 public:
  [[nodiscard]] virtual const DeviceFacts& facts() const = 0;
  // Lets go of memory of the oracle's that the last run has left open (OracleOptions::before_free). A process that
  // cannot be reached is ended, which lets go of it as well.
  virtual void close_memory() = 0;
  // Who is asked when the GPU has no room for a load or a run, before the candidate is blamed: others let go of what
  // they keep for later, and the outputs of a run are filled again, then it is tried once more.
  using MakeRoom = std::function<Result<>(const RunRequest* run)>;
  virtual void on_no_room(MakeRoom make_room) = 0;
  // Plans with calls will come: the bridge to PyTorch is built meanwhile, where the cache lacks it. Does not wait.
  virtual void expect_calls() = 0;
};

// What `attempt` gives; where there was no room for it, what it gives after `make_room`, if that succeeds.
template <class F, class M>
[[nodiscard]] auto with_room(F attempt, M make_room) -> decltype(attempt()) {
  auto result = attempt();
  if (result || !is_no_room(result.error()) || !make_room()) return result;
  return attempt();
}

// Starts the process (0.3 s), to know the device. `unavailable: …` where there is no driver or no such GPU. Images are
// cubins, whose kernels' symbols Image::inspected names, or manifests (candidate/triton_manifest.h). Trials and outputs
// must lie on the device.
[[nodiscard]] Result<std::unique_ptr<CudaRunner>> make_cuda_runner(CudaRunnerOptions options = {});

// What is written before a timed run to empty the caches: twice the L2, at least 128 MiB, so that handing over the
// first launches takes less time than the writing.
[[nodiscard]] std::size_t flush_bytes(const DeviceFacts& facts);

}  // namespace kerf
