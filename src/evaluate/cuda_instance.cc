#include "evaluate/cuda_instance.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/paths.h"
#include "base/random.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds start_limit{60'000};    // the driver may have to wake the device
constexpr milliseconds load_limit{120'000};    // with PyTorch, whose libraries for GPUs have gigabytes
constexpr milliseconds placing_slack{10'000};  // opening and filling memory before the first step

Error candidate_error(const char* verdict, const char* rule, std::string message, std::optional<Location> at) {
  return {.kind = ErrorKind::candidate,
          .message = std::move(message),
          .at = at,
          .facts = {{"verdict", verdict}, {"rule", rule}}};
}

}  // namespace

Result<std::shared_ptr<DeviceProcess>> DeviceProcess::start(int device, const std::vector<std::string>& watcher) {
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

void DeviceProcess::expect_profile(std::string library, std::vector<std::vector<std::string>> groups) {
  tell({.does = DeviceRequest::Does::expect, .profile = {.library = std::move(library), .groups = std::move(groups)}},
       load_limit);
}

void DeviceProcess::tell(const DeviceRequest& request, milliseconds limit) {
  if (!channel.send(encode(request)) || !channel.receive(limit)) end();
}

void DeviceProcess::end() {
  lost = true;
  process.kill();
}

CudaInstance::CudaInstance(std::shared_ptr<DeviceProcess> device, std::int64_t number, CudaRunner::MakeRoom make_room)
    : device_(std::move(device)), number_(number), make_room_(std::move(make_room)) {}

CudaInstance::~CudaInstance() {
  const std::scoped_lock lock(device_->mutex);
  if (!device_->lost) device_->tell({.does = DeviceRequest::Does::drop, .instance = number_});
}

Result<> CudaInstance::load(const LoadRequest& request, const std::optional<BuiltBridge>& bridge) {
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

Result<RunReport> CudaInstance::run(const RunRequest& request) {
  // Making room closes what this process has open: not within the lock.
  return with_room([&] { return run_once(request); }, [&] { return make_room_(&request); });
}

Result<RunReport> CudaInstance::run_once(const RunRequest& request) {
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
  const auto body = device_->channel.receive(device_answer_limit);
  if (!body) return lost(body.error(), device_answer_limit);
  auto answer = decode_answer(body->body);
  if (!answer) return reported(answer.error());
  return RunReport{.device_us = answer->device_us,
                   .prepare_us = answer->prepare_us,
                   .parent_us = seen.count() - answer->before_us,
                   .involuntary_switches = 0,
                   .shows_host = answer->shows_host,
                   .step_us = std::move(answer->step_us)};
}

Result<ProfileAnswer> CudaInstance::profile(const RunRequest& request, ProfileMessage profile) {
  DeviceRequest message = message_of(request, DeviceRequest::Does::profile);
  message.profile = std::move(profile);
  return asked(message, request.limit, decode_profile);
}
Result<ProbeAnswer> CudaInstance::probe(const RunRequest& request, const ProbeMessage& probe) {
  DeviceRequest message = message_of(request, DeviceRequest::Does::probe);
  message.probe = probe;
  return asked(message, request.limit, decode_probe);
}

DeviceRequest CudaInstance::message_of(const RunRequest& request, DeviceRequest::Does does) const {
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
auto CudaInstance::asked(const DeviceRequest& message, milliseconds limit, Decode decode) -> decltype(decode("")) {
  const std::scoped_lock lock(device_->mutex);
  TRY(sent(device_->channel.send(encode(message)), limit));
  const auto body = device_->channel.receive(limit);
  if (!body) return lost(body.error(), limit);
  auto answer = decode(body->body);
  if (!answer) return reported(answer.error());
  return answer;
}

Result<> CudaInstance::sent(const Result<>& result, milliseconds limit) {
  if (!result) return lost(result.error(), limit);
  return {};
}

Result<> CudaInstance::acknowledged(const char* what, milliseconds limit) {
  const auto message = device_->channel.receive(limit);
  if (!message) return lost(message.error(), limit);
  const auto number = decode_number(what, message->body);
  if (!number) return reported(number.error());
  return {};
}

std::unexpected<Error> CudaInstance::lost(const Error& error, milliseconds limit) {
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

std::unexpected<Error> CudaInstance::reported(const Error& error) {
  if (is_no_room(error)) return std::unexpected(error);
  broken_ = error;
  const bool crashed = std::ranges::any_of(
      error.facts, [](const auto& fact) { return fact.first == "verdict" && fact.second == "crashed"; });
  if (crashed || error.kind == ErrorKind::system) device_->end();
  return std::unexpected(error);
}

}  // namespace kerf
