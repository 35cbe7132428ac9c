#include "evaluate/native_runner.h"

#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/channel.h"
#include "base/jail.h"
#include "base/paths.h"
#include "base/random.h"
#include "candidate/run_protocol.h"
#include "evaluate/bridge_build.h"
#include "target/nvidia/triton_interpreter.h"
#include "target/target.h"

namespace kerf {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Twice the last-level cache, within bounds: as much as the oracle sweeps before a baseline
// (oracle/kerf_oracle/baselines.py).
std::int64_t sweep_bytes() {
  static const std::int64_t bytes = [] {
    std::int64_t largest = 0;
    for (const CacheLevel& cache : detect_machine().caches) largest = std::max(largest, cache.bytes);
    return std::clamp<std::int64_t>(2 * largest, std::int64_t{32} << 20, std::int64_t{256} << 20);
  }();
  return bytes;
}

constexpr milliseconds start_limit{60'000};  // of the zygote: a cold disk has 450 MB of PyTorch to read
constexpr milliseconds spawn_limit{10'000};
constexpr milliseconds load_limit{30'000};
constexpr milliseconds hand_over_limit{10'000};
constexpr milliseconds placing_slack{1'000};  // mapping and filling before the first step

// A zygote and the channel to it. One exchange at a time.
class Zygote {
 public:
  static Result<std::shared_ptr<Zygote>> start(const BuiltBridge& bridge, bool in_jail) {
    auto [ours, theirs] = TRY(Channel::pair());
    const std::string binary = TRY(runner_binary());
    constexpr int fd_in_child = 3;
    Command command{.argv = {binary, "--serve", std::to_string(fd_in_child), bridge.library.string()},
                    .environment = clean_environment(),
                    .directory = "/",
                    .inherit = {{fd_in_child, theirs.fd()}}};
    // Freed memory is used again without page faults, as in the oracle: neither side's times hold first touches.
    command.environment["MALLOC_MMAP_MAX_"] = "0";
    command.environment["MALLOC_TRIM_THRESHOLD_"] = "34359738368";
    command.environment["MALLOC_TOP_PAD_"] = "67108864";
    command.environment["OMP_STACKSIZE"] = "8M";
    command.environment.erase("OMP_NUM_THREADS");
    if (in_jail) {
      Jail jail{
          .read_only = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", binary,
                        carried_libraries().string(), bridge.library.string(), (bridge.torch.folder / "lib").string(),
                        "/sys/devices/system/cpu"},  // PyTorch's cpuinfo chooses kernels by what it finds there
          .tmp_bytes = 0,
          .proc = true};
      // A PyTorch built for GPUs needs CUDA's libraries even where it computes on the CPU. Wheels have them beside it.
      const std::filesystem::path cuda = bridge.torch.folder.parent_path() / "nvidia";
      if (std::error_code code; std::filesystem::is_directory(cuda, code)) jail.read_only.push_back(cuda.string());
      command = TRY(jailed(jail, std::move(command)));
    }
    auto zygote = std::shared_ptr<Zygote>(new Zygote());
    zygote->process_ = TRY(Process::start(command, STDERR_FILENO));
    zygote->channel_ = std::move(ours);
    {
      const Channel closed = std::move(theirs);
    }
    const auto first = zygote->channel_.receive(start_limit);
    if (!first) {
      const bool running = zygote->process_.running();
      return fail(ErrorKind::system, fmt::format("kerf-runner did not start: {}",
                                                 running ? first.error().message : zygote->process_.describe_end()));
    }
    TRY(decode_number("pid", first->body));
    return zygote;
  }

  // A child that serves `theirs`; its process id, in the zygote's namespace.
  Result<std::int64_t> spawn(const Channel& theirs) {
    const std::scoped_lock lock(mutex_);
    const int fd = theirs.fd();
    TRY(channel_.send("{}", std::span(&fd, 1)));
    const ChannelMessage answer = TRY(channel_.receive(spawn_limit));
    return decode_number("pid", answer.body);
  }

  // Ends a child and says how it had ended. -1: unknown.
  int reap(std::int64_t pid) {
    const std::scoped_lock lock(mutex_);
    if (!channel_.send(encode_number("reap", pid))) return -1;
    const auto answer = channel_.receive(spawn_limit);
    if (!answer) return -1;
    return static_cast<int>(decode_number("status", answer->body).value_or(-1));
  }

  Result<double> handover_us(int threads) {
    const std::scoped_lock lock(mutex_);
    const auto start = steady_clock::now();
    TRY(channel_.send(encode_number("ping", threads)));
    const ChannelMessage answer = TRY(channel_.receive(spawn_limit));
    const std::chrono::duration<double, std::micro> took = steady_clock::now() - start;
    TRY(decode_number("ping", answer.body));
    return took.count();
  }

  bool alive() {
    const std::scoped_lock lock(mutex_);
    return process_.running();
  }

 private:
  Zygote() = default;
  std::mutex mutex_;
  Process process_;
  Channel channel_;
};

Error candidate_error(const char* verdict, const char* rule, std::string message, std::optional<Location> at) {
  return {.kind = ErrorKind::candidate,
          .message = std::move(message),
          .at = at,
          .facts = {{"verdict", verdict}, {"rule", rule}}};
}

std::string system_call_name(int number) {
  char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
  std::string text = name == nullptr ? std::to_string(number) : name;
  std::free(name);
  return text;
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name == nullptr ? fmt::format("signal {}", number) : fmt::format("SIG{}", name);
}

class NativeInstance final : public RunnerInstance {
 public:
  NativeInstance(std::shared_ptr<Zygote> zygote, Channel channel, std::int64_t pid, SharedMemory status)
      : zygote_(std::move(zygote)), channel_(std::move(channel)), pid_(pid), status_(std::move(status)) {}
  ~NativeInstance() override {
    if (pid_ > 0) zygote_->reap(pid_);
  }

  // `interpreter`: of the candidate, where launches are executed by one.
  Result<> load(const LoadRequest& request, const Channel& interpreter) {
    workload_ = *request.workload;
    for (const Step& step : request.source->plan.steps) steps_.push_back({step.target.text, step.target.at});
    const LoadMessage message{.candidate = request.source->candidate,
                              .workload = workload_,
                              .tune = request.tune,
                              .threads = request.threads,
                              .memory_limit = ::sysconf(_SC_PHYS_PAGES) / 2 * ::sysconf(_SC_PAGESIZE),
                              .sweep_bytes = sweep_bytes()};
    const Fd image(::open(request.image->path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!image) return system_error("cannot open " + request.image->path, errno);
    const std::array fds = {image.get(), status_.fd().get(), interpreter.fd()};
    TRY(sent(channel_.send(encode(message), std::span(fds).first(interpreter ? 3 : 2)), load_limit));
    TRY(acknowledged("ready", load_limit));
    return {};
  }

  Result<RunReport> run(const RunRequest& request) override {
    if (broken_) return std::unexpected(*broken_);
    RunMessage message{.inputs = {},
                       .outputs = {},
                       .sentinel = request.sentinel,
                       .seed = secret_seed(),
                       .descending = request.order == TaskOrder::descending,
                       .timed = request.timed,
                       .cold = request.cold,
                       .watch = request.watch};
    for (const NamedTensor& t : workload_.tensors)
      message.inputs.push_back(TRY(offset_in(request.trial->arena, t.name)));
    for (std::size_t i = 0; i < workload_.outputs.size(); ++i)
      message.outputs.push_back(TRY(offset_in(*request.outputs, workload_.output_name(i))));
    const Fd inputs = TRY(request.trial->arena.memory.read_only());
    const int fds[] = {inputs.get(), request.outputs->memory.fd().get()};
    TRY(sent(channel_.send(encode(message), fds), request.limit));
    TRY(acknowledged("ready", request.limit + placing_slack));
    const auto start = steady_clock::now();
    TRY(sent(channel_.send("{}"), request.limit));
    TRY(acknowledged("done", request.limit));
    const std::chrono::duration<double, std::micro> seen = steady_clock::now() - start;
    TRY(sent(channel_.send("{}"), request.limit));
    auto body = channel_.receive(hand_over_limit);
    if (!body) return lost(body.error(), hand_over_limit);
    auto answer = decode_answer(body->body);
    if (!answer) return reported(answer.error());
    return RunReport{.device_us = answer->device_us,
                     .prepare_us = answer->prepare_us,
                     .parent_us = seen.count(),
                     .involuntary_switches = answer->involuntary_switches,
                     .step_us = std::move(answer->step_us),
                     .watched = std::move(answer->watched)};
  }

 private:
  struct StepPlace {
    std::string target;
    Location at;
  };

  static Result<std::int64_t> offset_in(const Arena& arena, const std::string& name) {
    for (const Placed& t : arena.tensors)
      if (t.name == name) return static_cast<std::int64_t>(t.offset);
    return fail(ErrorKind::internal, "the arena holds no tensor " + name);
  }

  Result<> sent(const Result<>& result, milliseconds limit) {
    if (!result) return lost(result.error(), limit);
    return {};
  }

  Result<> acknowledged(const char* what, milliseconds limit) {
    const auto message = channel_.receive(limit);
    if (!message) return lost(message.error(), limit);
    const auto number = decode_number(what, message->body);
    if (!number) return reported(number.error());
    return {};
  }

  // The child is silent or gone: ends it and finds out what became of it. Whatever asks again gets the same answer.
  std::unexpected<Error> lost(const Error& error, milliseconds limit) {
    const int status = zygote_->reap(std::exchange(pid_, 0));
    broken_ = error.kind == ErrorKind::cancelled ? overdue(limit) : death(status, error);
    return std::unexpected(*broken_);
  }

  // The child itself said what is wrong.
  std::unexpected<Error> reported(const Error& error) {
    zygote_->reap(std::exchange(pid_, 0));
    broken_ = error;
    return std::unexpected(error);
  }

  const StatusPage& page() const { return *reinterpret_cast<const StatusPage*>(status_.bytes().data()); }

  std::pair<std::string, std::optional<Location>> where() const {
    const auto step = static_cast<std::size_t>(page().step.load());
    if (step >= steps_.size()) return {"the candidate", std::nullopt};
    return {steps_[step].target, steps_[step].at};
  }

  Error overdue(milliseconds limit) const {
    if (page().phase.load() == StatusPage::Phase::ours)
      return {.kind = ErrorKind::system,
              .message = fmt::format("kerf-runner did not get ready in {} ms", limit.count())};
    const auto [target, at] = where();
    return candidate_error("timed_out", "time_limit",
                           fmt::format("{} was still running after {} ms", target, limit.count()), at);
  }

  Error death(int status, const Error& error) const {
    const StatusPage& p = page();
    const auto [target, at] = where();
    const int number = p.number.load();
    std::string name(p.name.data(), ::strnlen(p.name.data(), p.name.size()));
    for (char& c : name)
      if (c < ' ' || c > '~') c = '?';
    if (p.fault.load() == StatusPage::Fault::system_call) {
      return candidate_error(
          "rejected", "system_call",
          fmt::format("{} makes the system call {}: kernels compute only", target, system_call_name(number)), at);
    }
    if (p.fault.load() == StatusPage::Fault::signal) {
      if (p.tensor.load() > 0 && p.inside.load() != 0)
        return candidate_error("crashed", "writes_input",
                               fmt::format("{} writes to {}, which is read-only", target, name), at);
      if (p.tensor.load() > 0)
        return candidate_error("crashed", "out_of_bounds", fmt::format("{} reads or writes outside {}", target, name),
                               at);
      return candidate_error(
          "crashed", "signal",
          fmt::format("{} was ended by {} at address {:#x}", target, signal_name(number), p.address.load()), at);
    }
    if (status >= 0 && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
      return candidate_error("crashed", "signal",
                             fmt::format("{} was ended by {}", target, signal_name(WTERMSIG(status))), at);
    }
    if (p.phase.load() == StatusPage::Phase::ours) return error;
    // SIGKILL is the reaping of what had closed its channel, or the kernel's answer to too much memory.
    return candidate_error("crashed", "signal", fmt::format("the process ended while {} ran", target), at);
  }

  std::shared_ptr<Zygote> zygote_;
  Channel channel_;
  std::int64_t pid_ = 0;
  SharedMemory status_;
  Workload workload_;
  std::vector<StepPlace> steps_;
  std::optional<Error> broken_;
};

class NativeRunner final : public Runner {
 public:
  NativeRunner(NativeRunnerOptions options, std::vector<std::string> isolation)
      : options_(std::move(options)), isolation_(std::move(isolation)) {}

  Result<std::unique_ptr<RunnerInstance>> load(const LoadRequest& request) override {
    auto zygote = TRY(living());
    auto [ours, theirs] = TRY(Channel::pair());
    const auto pid = TRY(zygote->spawn(theirs));
    {
      const Channel closed = std::move(theirs);
    }
    auto status = TRY(SharedMemory::create("kerf-status", StatusPage::bytes));
    auto instance = std::make_unique<NativeInstance>(std::move(zygote), std::move(ours), pid, std::move(status));
    Channel interpreter;
    if (is_interpreted(request.source->candidate.language)) {
      TritonInterpreters* interpreters = TRY(living_interpreters());
      interpreter = TRY(interpreters->connect(request.source->candidate));
    }
    TRY(instance->load(request, interpreter));
    return instance;
  }

  Result<double> handover_us(int threads) override { return TRY(living())->handover_us(threads); }

  std::vector<std::string> isolation() const override { return isolation_; }
  bool watches() const override { return true; }

 private:
  static bool is_interpreted(Language language) { return language == Language::triton || language == Language::gluon; }

  Result<TritonInterpreters*> living_interpreters() {
    const std::scoped_lock lock(mutex_);
    if (!interpreters_) interpreters_ = TRY(TritonInterpreters::start());
    return interpreters_.get();
  }

  Result<std::shared_ptr<Zygote>> living() {
    const std::scoped_lock lock(mutex_);
    if (!bridge_) bridge_ = TRY(build_bridge(options_.notice));
    if (!zygote_ || !zygote_->alive()) zygote_ = TRY(Zygote::start(*bridge_, options_.jail));
    return zygote_;
  }

  NativeRunnerOptions options_;
  std::vector<std::string> isolation_;
  std::mutex mutex_;
  std::optional<BuiltBridge> bridge_;
  std::shared_ptr<Zygote> zygote_;
  std::unique_ptr<TritonInterpreters> interpreters_;
};

}  // namespace

Result<std::unique_ptr<Runner>> make_native_runner(NativeRunnerOptions options) {
  if (!options.notice) options.notice = [](std::string_view line) { fmt::print(stderr, "kerf: {}\n", line); };
  std::vector<std::string> layers;
  if (options.jail) layers = TRY(isolation());
  layers.emplace_back("kernels: seccomp allow-list, address space limit");
  return std::make_unique<NativeRunner>(std::move(options), std::move(layers));
}

}  // namespace kerf
