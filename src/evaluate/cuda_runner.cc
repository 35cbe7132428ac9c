#include "evaluate/cuda_runner.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/channel.h"
#include "base/paths.h"
#include "base/process.h"
#include "base/random.h"
#include "evaluate/bridge_build.h"
#include "evaluate/profile/kernel_profile.h"
#include "evaluate/profile/ncu_csv.h"
#include "target/nvidia/libraries.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds start_limit{60'000};  // the driver may have to wake the device
constexpr milliseconds load_limit{120'000};  // with PyTorch, whose libraries for GPUs have gigabytes
constexpr milliseconds hand_over_limit{10'000};
constexpr milliseconds placing_slack{10'000};  // opening and filling memory before the first step

Error candidate_error(const char* verdict, const char* rule, std::string message, std::optional<Location> at) {
  return {.kind = ErrorKind::candidate,
          .message = std::move(message),
          .at = at,
          .facts = {{"verdict", verdict}, {"rule", rule}}};
}

// One process, and the conversation with it. One exchange at a time.
struct DeviceProcess {
  std::mutex mutex;
  Process process;
  Channel channel;
  DeviceFacts facts;
  bool lost = false;  // silent, or gone: what was loaded in it is gone, too

  // `watcher`: a program with its arguments, that starts the process and watches it.
  static Result<std::shared_ptr<DeviceProcess>> start(int device, const std::vector<std::string>& watcher = {}) {
    auto [ours, theirs] = TRY(Channel::pair());
    const std::string binary = TRY(runner_binary());
    constexpr int fd_in_child = 3;
    Command command{.argv = {binary, "--cuda", std::to_string(fd_in_child), std::to_string(device)},
                    .environment = clean_environment(),
                    .directory = "/",
                    .inherit = {{fd_in_child, theirs.fd()}}};
    for (const char* name : {"LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"})
      if (const char* value = std::getenv(name)) command.environment[name] = value;
    command.argv.insert(command.argv.begin(), watcher.begin(), watcher.end());
    auto started = std::make_shared<DeviceProcess>();
    started->process = TRY(Process::start(command, STDERR_FILENO));
    started->channel = std::move(ours);
    theirs = Channel();
    const auto first = started->channel.receive(start_limit);
    if (!first) return fail(ErrorKind::system, "kerf-runner did not start: " + first.error().message);
    started->facts = TRY(decode_device_facts(first->body));
    return started;
  }

  // What is missing for a profile its answer says.
  void expect_profile(std::string library, std::vector<std::vector<std::string>> groups) {
    const DeviceRequest request{.does = DeviceRequest::Does::expect,
                                .profile = {.library = std::move(library), .groups = std::move(groups)}};
    if (!channel.send(encode(request)) || !channel.receive(load_limit)) end();
  }

  void end() {
    lost = true;
    process.kill();
  }
};

class CudaInstance final : public RunnerInstance {
 public:
  CudaInstance(std::shared_ptr<DeviceProcess> device, std::int64_t number, CudaRunner::MakeRoom make_room)
      : device_(std::move(device)), number_(number), make_room_(std::move(make_room)) {}
  ~CudaInstance() override {
    const std::scoped_lock lock(device_->mutex);
    if (device_->lost) return;
    if (!device_->channel.send(encode(DeviceRequest{.does = DeviceRequest::Does::drop, .instance = number_})) ||
        !device_->channel.receive(hand_over_limit))
      device_->end();
  }

  Result<> load(const LoadRequest& request, const std::optional<BuiltBridge>& bridge) {
    const std::scoped_lock lock(device_->mutex);
    workload_ = *request.workload;
    for (const Step& step : request.source->plan.steps) steps_.push_back({step.target.text, step.target.at});
    status_ = TRY(SharedMemory::create("kerf-status", StatusPage::bytes));
    const DeviceFacts& facts = device_->facts;
    DeviceRequest message{.does = DeviceRequest::Does::load,
                          .instance = number_,
                          .load = {.candidate = request.source->candidate,
                                   .workload = workload_,
                                   .tune = request.tune,
                                   .threads = 1,
                                   .memory_limit = facts.memory_bytes / 4,
                                   .sweep_bytes = static_cast<std::int64_t>(flush_bytes(facts))},
                          .image = request.image->path};
    if (request.source->candidate.language == Language::cuda) {
      const auto kernels = request.image->inspected.find("kernels");
      if (kernels == request.image->inspected.end() || !kernels->is_object())
        return fail(ErrorKind::internal, "the image does not say what its kernels are called");
      for (const auto& [name, kernel] : kernels->items())
        message.symbols.emplace_back(name, kernel.value("symbol", std::string()));
    }
    if (bridge) {
      message.bridge = bridge->library.string();
      message.torch = (bridge->torch.folder / "lib").string();
    }
    const int fd = status_.fd().get();
    TRY(sent(device_->channel.send(encode(message), std::span(&fd, 1)), load_limit));
    return acknowledged("ready", load_limit);
  }

  Result<RunReport> run(const RunRequest& request) override {
    // Making room closes what this process has open: not within the lock.
    return with_room([&] { return run_once(request); }, [&] { return make_room_(&request); });
  }

  Result<RunReport> run_once(const RunRequest& request) {
    const std::scoped_lock lock(device_->mutex);
    if (broken_) return std::unexpected(*broken_);
    if (device_->lost) return fail(ErrorKind::system, "the runner of the GPU was started anew");
    if (!request.trial->arena.device || !request.outputs->device)
      return fail(ErrorKind::internal, "a trial in main memory came to a GPU's runner");
    const DeviceRequest message = message_of(request, DeviceRequest::Does::run);
    TRY(sent(device_->channel.send(encode(message)), request.limit));
    // The first run of an instance binds the plan, which runs it as well.
    TRY(acknowledged("ready", 2 * request.limit + placing_slack));
    const auto start = steady_clock::now();
    TRY(sent(device_->channel.send("{}"), request.limit));
    TRY(acknowledged("done", request.limit));
    const std::chrono::duration<double, std::micro> seen = steady_clock::now() - start;
    TRY(sent(device_->channel.send("{}"), request.limit));
    const auto body = device_->channel.receive(hand_over_limit);
    if (!body) return lost(body.error(), hand_over_limit);
    auto answer = decode_answer(body->body);
    if (!answer) return reported(answer.error());
    return RunReport{.device_us = answer->device_us,
                     .prepare_us = answer->prepare_us,
                     .parent_us = seen.count() - answer->before_us,
                     .involuntary_switches = 0,
                     .shows_host = answer->shows_host,
                     .step_us = std::move(answer->step_us)};
  }

  // The whole of it within the limit of the request.
  Result<ProfileAnswer> profile(const RunRequest& request, ProfileMessage profile) {
    DeviceRequest message = message_of(request, DeviceRequest::Does::profile);
    message.profile = std::move(profile);
    return asked(message, request.limit, decode_profile);
  }
  // Likewise.
  Result<ProbeAnswer> probe(const RunRequest& request, const ProbeMessage& probe) {
    DeviceRequest message = message_of(request, DeviceRequest::Does::probe);
    message.probe = probe;
    return asked(message, request.limit, decode_probe);
  }

 private:
  [[nodiscard]] DeviceRequest message_of(const RunRequest& request, DeviceRequest::Does does) const {
    DeviceRequest message{.does = does,
                          .instance = number_,
                          .run = {.inputs = {},
                                  .outputs = {},
                                  .sentinel = request.sentinel,
                                  .seed = secret_seed(),
                                  .timed = request.timed,
                                  .cold = request.cold},
                          .inputs = request.trial->arena.device->handle,
                          .outputs = request.outputs->device->handle,
                          .graph = request.graph};
    for (const Placed& t : request.trial->arena.tensors)
      message.run.inputs.push_back(static_cast<std::int64_t>(t.offset));
    for (const Placed& t : request.outputs->tensors) message.run.outputs.push_back(static_cast<std::int64_t>(t.offset));
    return message;
  }

  template <class Decode>
  auto asked(const DeviceRequest& message, milliseconds limit, Decode decode) -> decltype(decode("")) {
    const std::scoped_lock lock(device_->mutex);
    TRY(sent(device_->channel.send(encode(message)), limit));
    const auto body = device_->channel.receive(limit);
    if (!body) return lost(body.error(), limit);
    auto answer = decode(body->body);
    if (!answer) return reported(answer.error());
    return answer;
  }

  Result<> sent(const Result<>& result, milliseconds limit) {
    if (!result) return lost(result.error(), limit);
    return {};
  }

  Result<> acknowledged(const char* what, milliseconds limit) {
    const auto message = device_->channel.receive(limit);
    if (!message) return lost(message.error(), limit);
    const auto number = decode_number(what, message->body);
    if (!number) return reported(number.error());
    return {};
  }

  // The process is silent or gone. Whatever asks again gets the same answer.
  std::unexpected<Error> lost(const Error& error, milliseconds limit) {
    const auto& page = *reinterpret_cast<const StatusPage*>(status_.bytes().data());
    const auto index = static_cast<std::size_t>(page.step.load());
    const bool known = index < steps_.size();
    device_->end();
    if (error.kind == ErrorKind::cancelled) {
      broken_ = candidate_error(
          "timed_out", "time_limit",
          fmt::format("{} was still running after {} ms", known ? steps_[index].first : "the candidate", limit.count()),
          known ? std::optional(steps_[index].second) : std::nullopt);
    } else {
      broken_ = Error{.kind = ErrorKind::system, .message = "the runner of the GPU ended: " + error.message};
    }
    return std::unexpected(*broken_);
  }

  // The process itself said what is wrong. If it was the device that did, its context is lost, and the process ends.
  std::unexpected<Error> reported(const Error& error) {
    if (is_no_room(error)) return std::unexpected(error);
    broken_ = error;
    const bool crashed = std::ranges::any_of(
        error.facts, [](const auto& fact) { return fact.first == "verdict" && fact.second == "crashed"; });
    if (crashed || error.kind == ErrorKind::system) device_->end();
    return std::unexpected(error);
  }

  std::shared_ptr<DeviceProcess> device_;
  std::int64_t number_;
  CudaRunner::MakeRoom make_room_;
  SharedMemory status_;
  Workload workload_;
  std::vector<std::pair<std::string, Location>> steps_;
  std::optional<Error> broken_;
};

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
    TRY(device->channel.receive(hand_over_limit));
    return std::chrono::duration<double, std::micro>(steady_clock::now() - start).count();
  }

  void close_memory() override {
    const std::shared_ptr<DeviceProcess> device = [this] {
      const std::scoped_lock lock(mutex_);
      return device_;
    }();
    if (!device) return;
    const std::scoped_lock lock(device->mutex);
    if (device->lost) return;
    if (!device->channel.send(encode(DeviceRequest{.does = DeviceRequest::Does::close})) ||
        !device->channel.receive(hand_over_limit))
      device->end();
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
