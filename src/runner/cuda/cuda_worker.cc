#include "runner/cuda/cuda_worker.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "base/shared_memory.h"
#include "runner/clocked_run.h"
#include "runner/cuda/cuda_executor.h"
#include "runner/cuda/launch_profiler.h"

namespace kerf {
namespace {

constexpr std::chrono::milliseconds for_ever{-1};

Result<const KerfBridge*> load_bridge(const std::string& path, const std::string& torch, int device) {
  // Operators of the GPU are in a library of their own, which registers them when it is loaded.
  if (::dlopen((torch + "/libtorch_cuda.so").c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const char* why = ::dlerror();
    return fail(ErrorKind::unavailable,
                fmt::format("unavailable: this PyTorch has no operators for a GPU ({})", why == nullptr ? "" : why));
  }
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return fail(ErrorKind::unavailable,
                fmt::format("cannot load PyTorch through the bridge: {}", why == nullptr ? "" : why));
  }
  const auto entry = reinterpret_cast<decltype(&kerf_bridge)>(::dlsym(library, "kerf_bridge"));
  if (entry == nullptr) return fail(ErrorKind::internal, path + " is no bridge");
  const KerfBridge* bridge = entry();
  if (!bridge->use_gpu(device)) return fail(ErrorKind::unavailable, fmt::format("PyTorch: {}", bridge->error()));
  return bridge;
}

struct Instance {
  DeviceRequest load;
  Source source;
  SharedMemory status;
  std::unique_ptr<CudaExecutor> executor;
};

class CudaWorker {
 public:
  CudaWorker(const Channel& channel, int device) : channel_(channel), device_(device) {}

  Result<> serve() {
    driver_ = TRY(load_cuda_driver());
    const DeviceFacts facts = TRY(open_device(driver_, device_));
    filler_ = TRY(Filler::make(driver_));
    memories_.emplace(driver_);
    TRY(channel_.send(encode(facts)));
    while (!lost_) {
      ChannelMessage message = TRY(channel_.receive(for_ever));
      const DeviceRequest request = TRY(decode_device_request(message.body));
      using enum DeviceRequest::Does;
      switch (request.does) {
        case load:
          TRY(answered(this->load(request, std::move(message))));
          break;
        case run:
          TRY(run_one(request));
          break;
        case profile:
          TRY(profile_one(request));
          break;
        case expect:
          TRY(answered(expect_profile(request.profile)));
          break;
        case probe:
          TRY(probe_one(request));
          break;
        case drop:
          drop_instance(request.instance);
          TRY(channel_.send(encode_number("dropped", 1)));
          break;
        case close:
          memories_->close();
          TRY(channel_.send(encode_number("closed", 1)));
          break;
        case ping:
          TRY(channel_.send(encode_number("ping", 1)));
          break;
      }
    }
    return {};
  }

 private:
  Result<> answered(const Result<>& result) {
    return channel_.send(result ? encode_number("ready", 1) : encode(result.error()));
  }

  void drop_instance(std::int64_t number) {
    instances_.erase(number);
    if (!instances_.empty()) return;
    if (bridge_ != nullptr) bridge_->trim();
  }

  Result<> load(const DeviceRequest& request, ChannelMessage message) {
    if (message.fds.size() != 1) return fail(ErrorKind::internal, "a load comes with one descriptor");
    if (!request.bridge.empty() && bridge_ == nullptr)
      bridge_ = TRY(load_bridge(request.bridge, request.torch, device_));
    if (flush_.size() < static_cast<std::size_t>(request.load.sweep_bytes))
      flush_ = TRY(DeviceBuffer::allocate(driver_, static_cast<std::size_t>(request.load.sweep_bytes)));
    auto instance =
        std::make_unique<Instance>(Instance{.load = request,
                                            .source = TRY(read_source(request.load.candidate)),
                                            .status = TRY(SharedMemory::map(std::move(message.fds[0]), true)),
                                            .executor = nullptr});
    if (instance->status.size() < StatusPage::bytes) return fail(ErrorKind::internal, "the status page is too small");
    TRY(begin(*instance));
    instances_[request.instance] = std::move(instance);
    return {};
  }

  // From the image on: nothing of what a run had begun is left.
  Result<> begin(Instance& instance) {
    instance.executor.reset();
    if (bridge_ != nullptr) bridge_->trim();
    auto& page = *reinterpret_cast<StatusPage*>(instance.status.bytes().data());
    instance.executor =
        std::make_unique<CudaExecutor>(driver_, *filler_, flush_, instance.load.bridge.empty() ? nullptr : bridge_,
                                       device_, instance.source, instance.load, page);
    return instance.executor->load_image();
  }

  // After a run that failed. One that found no memory may be asked for again.
  Result<> failed(Instance& instance, const Error& error) {
    lost_ = instance.executor->lost();
    if (!lost_ && is_no_room(error)) TRY(begin(instance));
    return channel_.send(encode(error));
  }

  Result<> placed(const DeviceRequest& request, CudaExecutor& executor) {
    if (!executor.prepared()) {
      TRY(executor.place(request, *memories_));
      TRY(executor.prepare());
    }
    // Also after binding: the run that is judged and timed is always a replay.
    return executor.place(request, *memories_);
  }

  Result<> run_one(const DeviceRequest& request) {
    const auto found = instances_.find(request.instance);
    if (found == instances_.end())
      return channel_.send(encode(fail(ErrorKind::internal, "no such candidate is loaded").error()));
    CudaExecutor& executor = *found->second->executor;
    if (const auto ready = placed(request, executor); !ready) return failed(*found->second, ready.error());
    const auto answer = TRY(clocked_run(
        channel_, [&] { return executor.replay(request.run, request.graph); }, [&] { return executor.finish(); }));
    if (!answer) return failed(*found->second, answer.error());
    lost_ = executor.lost();
    return channel_.send(encode(*answer));
  }

  // What takes some tenths of a second once and no GPU: CUPTI's libraries, and plans of what the hardware is to count.
  Result<> expect_profile(const ProfileMessage& profile) {
    if (!profiler_) profiler_ = TRY(LaunchProfiler::open(driver_, profile.library, device_));
    return profiler_->expect(profile.groups);
  }

  Result<ProfileAnswer> profiled(const DeviceRequest& request, CudaExecutor& executor) {
    if (request.profile.library.empty()) {
      TRY(placed(request, executor));
      return mark_launches(driver_, request, executor, *memories_, flush_);
    }
    const Stopwatch whole;
    TRY(expect_profile(request.profile));
    TRY(placed(request, executor));
    const double ready = whole.seconds();
    ProfileAnswer answer = TRY(profiler_->profile(request, executor, *memories_, flush_));
    answer.parts["ready"] = ready;
    answer.seconds = whole.seconds();
    return answer;
  }

  Result<> profile_one(const DeviceRequest& request) {
    const auto found = instances_.find(request.instance);
    if (found == instances_.end())
      return channel_.send(encode(fail(ErrorKind::internal, "no such candidate is loaded").error()));
    const auto answer = profiled(request, *found->second->executor);
    lost_ = found->second->executor->lost();
    memories_->close();
    return channel_.send(answer ? encode(*answer) : encode(answer.error()));
  }

  Result<> probe_one(const DeviceRequest& request) {
    const auto found = instances_.find(request.instance);
    if (found == instances_.end())
      return channel_.send(encode(fail(ErrorKind::internal, "no such candidate is loaded").error()));
    CudaExecutor& executor = *found->second->executor;
    const auto answer = [&]() -> Result<ProbeAnswer> {
      TRY(placed(request, executor));
      return probe_launch(driver_, request, executor, *memories_, flush_);
    }();
    lost_ = executor.lost();
    memories_->close();
    return channel_.send(answer ? encode(*answer) : encode(answer.error()));
  }

  const Channel& channel_;
  const int device_;
  CudaDriver driver_{};
  std::optional<Filler> filler_;
  DeviceBuffer flush_;
  std::optional<OpenedMemories> memories_;
  const KerfBridge* bridge_ = nullptr;
  std::map<std::int64_t, std::unique_ptr<Instance>> instances_;
  std::optional<LaunchProfiler> profiler_;
  bool lost_ = false;
};

}  // namespace

int serve_cuda(int device, const Channel& channel) {
  CudaWorker worker(channel, device);
  // kerf closing the channel is the usual end; then nobody listens.
  if (const auto served = worker.serve(); !served) static_cast<void>(channel.send(encode(served.error())));
  // Without the destructors of what uses a context that may be lost.
  std::_Exit(0);
}

}  // namespace kerf
