#include "target/nvidia/triton_interpreter.h"

#include <chrono>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "problem/json_fields.h"
#include "target/nvidia/python_worker.h"

namespace kerf {

using json = nlohmann::json;

namespace {

// Each process of it has as much: launches take long.
constexpr int cpu_limit = 3600;
constexpr PythonWorkerOptions options{.script = "workers/triton_interpreter.py",
                                      .purpose = "interprets candidates in triton",
                                      .cpu_seconds = cpu_limit,
                                      .interpret = true};
constexpr std::chrono::milliseconds load_limit{60'000};
constexpr std::size_t kept = 4;  // candidates whose processes stay

struct Loaded {
  std::string candidate;
  std::unique_ptr<PythonWorker> worker;
  std::mutex mutex;  // one exchange at a time
};

Error crashed(std::string message) {
  return {.kind = ErrorKind::candidate,
          .message = std::move(message),
          .facts = {{"verdict", "crashed"}, {"rule", "interpreter"}}};
}

Result<json> exchange(const PythonWorker& worker, const json& question, std::span<const int> fds = {}) {
  auto sent = worker.channel.send(question.dump(-1, ' ', false, json::error_handler_t::replace), fds);
  auto answer = sent ? worker.channel.receive(load_limit) : Result<ChannelMessage>(std::unexpected(sent.error()));
  if (!answer) return std::unexpected(crashed("loading the candidate ends the process, or takes too long"));
  json said = read_json(answer->body);
  if (!said.is_object()) return std::unexpected(crashed("the process that interprets the candidate is not understood"));
  if (said.contains("error")) {
    const json& error = said["error"];
    const bool words = error.is_object() && error.contains("message") && error["message"].is_string();
    return std::unexpected(crashed(words ? error["message"].get<std::string>() : "loading the candidate fails"));
  }
  return said;
}

}  // namespace

struct TritonInterpreters::State {
  std::mutex mutex;
  std::unique_ptr<PythonWorker> spare;
  std::deque<std::shared_ptr<Loaded>> loaded;  // the latest last
};

TritonInterpreters::TritonInterpreters() : state_(std::make_unique<State>()) {}
TritonInterpreters::~TritonInterpreters() = default;

Result<std::unique_ptr<TritonInterpreters>> TritonInterpreters::start() {
  auto made = std::unique_ptr<TritonInterpreters>(new TritonInterpreters());
  auto first = TRY(start_python_worker(options));
  made->version_ = "Triton " + TRY(await_ready(options, *first)) + ", interpreter";
  made->state_->spare = std::move(first);
  return made;
}

Result<Channel> TritonInterpreters::connect(const Candidate& candidate) {
  if (candidate.language != Language::triton) {
    return fail(
        ErrorKind::unavailable,
        "unavailable: Gluon has no interpreter in this version of Triton; it compiles, and runs on an NVIDIA GPU");
  }
  std::shared_ptr<Loaded> loaded;
  bool fresh = false;
  {
    const std::scoped_lock lock(state_->mutex);
    const std::string id = candidate.id();
    for (const auto& each : state_->loaded)
      if (each->candidate == id && each->worker->process.running()) loaded = each;
    if (!loaded) {
      fresh = true;
      loaded = std::make_shared<Loaded>();
      loaded->candidate = id;
      loaded->worker = std::exchange(state_->spare, nullptr);
      if (!loaded->worker) loaded->worker = TRY(start_python_worker(options));
      state_->loaded.push_back(loaded);
      if (state_->loaded.size() > kept) state_->loaded.pop_front();
      loaded->mutex.lock();  // until the candidate is there
    }
  }
  std::unique_lock<std::mutex> lock =
      fresh ? std::unique_lock(loaded->mutex, std::adopt_lock) : std::unique_lock(loaded->mutex);
  if (fresh) {
    if (!loaded->worker->ready) TRY(await_ready(options, *loaded->worker));
    if (auto answer = exchange(*loaded->worker, {{"text", candidate.text}}); !answer) {
      loaded->worker->process.kill();
      return std::unexpected(answer.error());
    }
    auto next = TRY(start_python_worker(options));
    const std::scoped_lock spare(state_->mutex);
    state_->spare = std::move(next);
  }
  auto [ours, theirs] = TRY(Channel::pair());
  const int fd = theirs.fd();
  TRY(exchange(*loaded->worker, {{"serve", 1}}, std::span(&fd, 1)));
  return std::move(ours);
}

}  // namespace kerf
