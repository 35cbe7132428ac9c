// A process of kerf-runner that serves a GPU, and a candidate that is loaded in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/channel.h"
#include "base/process.h"
#include "candidate/device_protocol.h"
#include "evaluate/bridge_build.h"
#include "evaluate/cuda_runner.h"
#include "evaluate/runner.h"

namespace kerf {

inline constexpr std::chrono::milliseconds device_answer_limit{10'000};  // of what takes the process no time

// One process, and the conversation with it. One exchange at a time: with `mutex`.
struct DeviceProcess {
  std::mutex mutex;
  Process process;
  Channel channel;
  DeviceFacts facts;
  bool lost = false;  // silent, or gone: what was loaded in it is gone, too

  // `watcher`: a program with its arguments, that starts the process and watches it.
  [[nodiscard]] static Result<std::shared_ptr<DeviceProcess>> start(int device,
                                                                    const std::vector<std::string>& watcher = {});
  // What is missing for a profile its answer says.
  void expect_profile(std::string library, std::vector<std::vector<std::string>> groups);
  // For what has no answer but that it is done: ends a process that does not say so.
  void tell(const DeviceRequest& request, std::chrono::milliseconds limit = device_answer_limit);
  void end();
};

class CudaInstance final : public RunnerInstance {
 public:
  // `number`: of no other instance of the process.
  CudaInstance(std::shared_ptr<DeviceProcess> device, std::int64_t number, CudaRunner::MakeRoom make_room);
  ~CudaInstance() override;

  [[nodiscard]] Result<> load(const LoadRequest& request, const std::optional<BuiltBridge>& bridge);
  Result<RunReport> run(const RunRequest& request) override;
  // Each the whole of it within the limit of the request.
  [[nodiscard]] Result<ProfileAnswer> profile(const RunRequest& request, ProfileMessage profile);
  [[nodiscard]] Result<ProbeAnswer> probe(const RunRequest& request, const ProbeMessage& probe);

 private:
  Result<RunReport> run_once(const RunRequest& request);
  [[nodiscard]] DeviceRequest message_of(const RunRequest& request, DeviceRequest::Does does) const;
  template <class Decode>
  auto asked(const DeviceRequest& message, std::chrono::milliseconds limit, Decode decode) -> decltype(decode(""));
  Result<> sent(const Result<>& result, std::chrono::milliseconds limit);
  Result<> acknowledged(const char* what, std::chrono::milliseconds limit);
  // The process is silent or gone. Whatever asks again gets the same answer.
  std::unexpected<Error> lost(const Error& error, std::chrono::milliseconds limit);
  // The process itself said what is wrong. If it was the device that did, its context is lost, and the process ends.
  std::unexpected<Error> reported(const Error& error);

  std::shared_ptr<DeviceProcess> device_;
  std::int64_t number_;
  CudaRunner::MakeRoom make_room_;
  SharedMemory status_;
  Workload workload_;
  std::vector<std::pair<std::string, Location>> steps_;
  std::optional<Error> broken_;
};

}  // namespace kerf
