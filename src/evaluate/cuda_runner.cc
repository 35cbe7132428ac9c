#include "evaluate/cuda_runner.h"

#include <algorithm>
#include <cstdio>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/paths.h"
#include "base/process.h"
#include "evaluate/bridge_build.h"
#include "evaluate/cuda_instance.h"
#include "evaluate/profile/kernel_profile.h"
#include "evaluate/profile/ncu_csv.h"
#include "target/nvidia/libraries.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds ncu_ends{30'000};

std::vector<std::string> ncu_command(const std::string& ncu, const std::string& log) {
  std::string counters;
  for (const std::string& counter : nvidia_counters()) counters += (counters.empty() ? "" : ",") + counter;
  // Caches were emptied before each launch, clocks are those of the timed runs.
  return {ncu,
          "--csv",
          "--page",
          "raw",
          "--print-units",
          "base",
          "--clock-control",
          "none",
          "--cache-control",
          "none",
          "--profile-from-start",
          "off",
          "--target-processes",
          "all",
          "--force-overwrite",
          "--log-file",
          log,
          "--metrics",
          counters};
}

class LocalCudaRunner final : public CudaRunner {
 public:
  LocalCudaRunner(CudaRunnerOptions options, std::shared_ptr<DeviceProcess> device)
      : options_(std::move(options)), device_(std::move(device)), facts_(device_->facts) {}

  Result<std::unique_ptr<RunnerInstance>> load(const LoadRequest& request) override {
    const auto bridge = TRY(bridge_for(request));
    return with_room(
        [&]() -> Result<std::unique_ptr<RunnerInstance>> {
          auto instance = std::make_unique<CudaInstance>(TRY(living(device_)), ++instances_, make_room_);
          TRY(instance->load(request, bridge));
          return instance;
        },
        [&] { return make_room_(nullptr); });
  }

  void on_no_room(MakeRoom make_room) override { make_room_ = std::move(make_room); }

  void expect_calls() override {
    const std::scoped_lock lock(mutex_);
    if (!bridge_ && !building_.valid())
      building_ = std::async(std::launch::async, [notice = options_.notice] { return build_bridge(notice); });
  }

  bool profiles() const override { return true; }

  void foresee_profile(const Image& image, Effort effort) override {
    const std::scoped_lock lock(mutex_);
    const bool anew = !profiler_ || (effort == Effort::confirm && is_spent(code_of(image)));
    if (!anew || next_profiler_.valid()) return;
    next_profiler_ =
        std::async(std::launch::async, [device = options_.device, effort]() -> Result<std::shared_ptr<DeviceProcess>> {
          auto process = TRY(DeviceProcess::start(device));
          if (const auto library = find_cupti()) process->expect_profile(library->string(), cupti_groups(effort));
          return process;
        });
  }

  // The process, and in it PyTorch's libraries where the plan calls operators.
  void expect_profile(const LoadRequest& load, Effort effort) override {
    const auto bridge = bridge_for(load);
    if (!bridge) return;
    auto process = profiler_for(code_of(*load.image), effort == Effort::confirm);
    if (!process) return;
    CudaInstance instance(*std::move(process), ++instances_, make_room_);
    static_cast<void>(instance.load(load, *bridge));
  }

  Result<ProfileAnswer> profile(const LoadRequest& load, const RunRequest& run, const ProfileOrder& order) override {
    if (!run.trial->arena.device || !run.outputs->device)
      return fail(ErrorKind::internal, "a trial in main memory came to a GPU's runner");
    const auto library = TRY(find_cupti());
    const auto bridge = TRY(bridge_for(load));
    const ProfileMessage message{.library = library.string(),
                                 .groups = cupti_groups(order.effort),
                                 .steps = order.steps,
                                 .samples = order.effort == Effort::confirm,
                                 .activity = order.activity};
    const std::string& image = code_of(*load.image);
    bool recorded = false;  // before, in the process that is asked
    const auto ask = [&]() -> Result<ProfileAnswer> {
      CudaInstance instance(TRY(profiler_for(image, message.samples)), ++instances_, make_room_);
      TRY(instance.load(load, bridge));
      {
        const std::scoped_lock lock(mutex_);
        counted_.insert(image);
        recorded = std::exchange(recorded_, recorded_ || message.activity);
      }
      return instance.profile(run, message);
    };
    return with_room(
        [&]() -> Result<ProfileAnswer> {
          auto answer = ask();
          if (answer || !recorded || answer.error().kind != ErrorKind::unavailable) return answer;
          end_profiler();  // a CUPTI that recorded activity may count no more
          return ask();
        },
        [&] { return make_room_(&run); });
  }

  Result<ProbeAnswer> probe(const LoadRequest& load, const RunRequest& run, const ProbeMessage& kernel) override {
    if (!run.trial->arena.device || !run.outputs->device)
      return fail(ErrorKind::internal, "a trial in main memory came to a GPU's runner");
    const auto bridge = TRY(bridge_for(load));
    CudaInstance instance(TRY(profiler_for({}, false)), ++instances_, make_room_);
    TRY(instance.load(load, bridge));
    return instance.probe(run, kernel);
  }

  Result<ProfileAnswer> profile_with_ncu(const LoadRequest& load, const RunRequest& run,
                                         const std::vector<int>& steps) override {
    if (!run.trial->arena.device || !run.outputs->device)
      return fail(ErrorKind::internal, "a trial in main memory came to a GPU's runner");
    const auto ncu = TRY(find_ncu());
    const auto bridge = TRY(bridge_for(load));
    const auto folder = TRY(TemporaryDirectory::create("kerf-ncu"));
    const std::string log = (folder.path() / "ncu.csv").string();
    auto device = TRY(DeviceProcess::start(options_.device, ncu_command(ncu.string(), log)));
    const auto begin = steady_clock::now();
    auto answer = [&]() -> Result<ProfileAnswer> {
      CudaInstance instance(device, ++instances_, make_room_);
      TRY(instance.load(load, bridge));
      return instance.profile(run, {.library = {}, .groups = {}, .steps = steps});
    }();
    // It writes when the process that it watches has ended, which it does when nobody speaks to it any more.
    device->channel = Channel();
    const auto deadline = steady_clock::now() + ncu_ends;
    while (device->process.running() && steady_clock::now() < deadline) std::this_thread::sleep_for(milliseconds(20));
    device->end();
    const std::string text = read_file(log).value_or("");
    if (const auto why = answer ? "" : error_of_ncu(text); !why.empty())
      return fail(ErrorKind::unavailable, "unavailable: Nsight Compute: " + why);
    if (!answer) return answer;
    TRY(take_ncu(text, *answer));
    answer->seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
    return answer;
  }

  Result<double> handover_us(int /*threads*/) override {
    const auto device = TRY(living(device_));
    const std::scoped_lock lock(device->mutex);
    const auto start = steady_clock::now();
    TRY(device->channel.send(encode(DeviceRequest{})));
    TRY(device->channel.receive(device_answer_limit));
    return std::chrono::duration<double, std::micro>(steady_clock::now() - start).count();
  }

  void close_memory() override {
    const std::shared_ptr<DeviceProcess> device = [this] {
      const std::scoped_lock lock(mutex_);
      return device_;
    }();
    if (!device) return;
    const std::scoped_lock lock(device->mutex);
    if (!device->lost) device->tell({.does = DeviceRequest::Does::close});
  }

  std::vector<std::string> isolation() const override {
    return {"kernels: device code only, loaded by a process of kerf's; the module is unloaded after its candidate",
            "expected values: in another process, never opened here"};
  }
  bool keeps_order() const override { return false; }
  nlohmann::json describe() const override { return to_json(facts_); }
  const DeviceFacts& facts() const override { return facts_; }

 private:
  static const std::string& code_of(const Image& image) { return image.code.empty() ? image.digest : image.code; }

  // Empty where the plan calls no operators.
  Result<std::optional<BuiltBridge>> bridge_for(const LoadRequest& request) {
    const bool calls =
        std::ranges::any_of(request.source->plan.steps, [](const Step& step) { return step.kind == Step::Kind::call; });
    if (!calls) return std::nullopt;
    const std::scoped_lock lock(mutex_);
    if (!bridge_) bridge_ = TRY(building_.valid() ? building_.get() : build_bridge(options_.notice));
    return *bridge_;
  }

  Result<std::shared_ptr<DeviceProcess>> living(std::shared_ptr<DeviceProcess>& device) {
    const std::scoped_lock lock(mutex_);
    if (!device || device->lost || !device->process.running()) device = TRY(DeviceProcess::start(options_.device));
    return device;
  }

  // CUPTI samples no kernel that it counted before, and perhaps none once it recorded activity: then it takes another
  // process. With `mutex_`.
  [[nodiscard]] bool is_spent(const std::string& image) const { return recorded_ || counted_.contains(image); }

  void end_profiler() {
    const std::scoped_lock lock(mutex_);
    if (profiler_) {
      const std::scoped_lock speaking(profiler_->mutex);
      profiler_->end();
    }
    profiler_ = nullptr;
    counted_.clear();
    recorded_ = false;
  }

  // Who counts in it adds to `counted_`, who records sets `recorded_`.
  Result<std::shared_ptr<DeviceProcess>> profiler_for(const std::string& image, bool samples) {
    {
      const std::scoped_lock lock(mutex_);
      const bool spent = samples && is_spent(image);
      if (spent && profiler_) {
        const std::scoped_lock speaking(profiler_->mutex);
        profiler_->end();
      }
      // One that was started ahead; if it did not start, the next one says why.
      if ((spent || !profiler_) && next_profiler_.valid()) profiler_ = next_profiler_.get().value_or(nullptr);
      if (spent) {
        counted_.clear();
        recorded_ = false;
      }
    }
    return living(profiler_);
  }

  CudaRunnerOptions options_;
  std::mutex mutex_;
  std::shared_ptr<DeviceProcess> device_;
  std::shared_ptr<DeviceProcess> profiler_;  // counting makes launches slower: a process that times nothing
  std::future<Result<std::shared_ptr<DeviceProcess>>> next_profiler_;  // started ahead
  std::set<std::string> counted_;                                      // images, by the process at hand
  bool recorded_ = false;                                              // activity, likewise
  const DeviceFacts facts_;
  std::optional<BuiltBridge> bridge_;
  std::future<Result<BuiltBridge>> building_;  // ahead of the first plan with calls
  std::int64_t instances_ = 0;
  MakeRoom make_room_ = [](const RunRequest*) -> Result<> {
    return fail(ErrorKind::unavailable, "nobody keeps memory of this GPU");
  };
};

}  // namespace

Result<std::unique_ptr<CudaRunner>> make_cuda_runner(CudaRunnerOptions options) {
  if (!options.notice) options.notice = [](std::string_view line) { fmt::print(stderr, "kerf: {}\n", line); };
  auto device = TRY(DeviceProcess::start(options.device));
  return std::make_unique<LocalCudaRunner>(std::move(options), std::move(device));
}

std::size_t flush_bytes(const DeviceFacts& facts) {
  constexpr std::int64_t least = std::int64_t{128} << 20;
  return static_cast<std::size_t>(std::max(2 * facts.l2_bytes, least));
}

}  // namespace kerf
