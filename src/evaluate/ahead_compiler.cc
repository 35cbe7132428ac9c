#include "evaluate/ahead_compiler.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace kerf {

using Json = nlohmann::json;
using std::chrono::milliseconds;

int compilers_ahead(int beside) {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 4 / std::max(1, beside), 1, 8);
}

void AheadCompiler::stop() {
  process_.process.kill();
  process_.channel = Channel();
  asked_.clear();
}

bool AheadCompiler::send(const Json& request, Asked asked) {
  if (!process_.channel.send(request.dump(-1, ' ', false, Json::error_handler_t::replace))) {
    stop();
    return false;
  }
  asked_.push_back(std::move(asked));
  return true;
}

void AheadCompiler::expect() {
  const bool compiles = std::ranges::any_of(asked_, [](const Asked& each) { return !each.workload.empty(); });
  if (compiles) stop();
  if (process_.channel && process_.process.running()) return;
  stop();
  auto started = start_oracle_process(options_, 1, compilers_ahead(options_.beside));
  if (!started) return;
  process_ = *std::move(started);
  static_cast<void>(send({{"do", "hello"}, {"protocol", oracle_protocol}, {"threads", 1}}, {}));
}

void AheadCompiler::begin(const std::string& workload, std::int64_t bytes, const Json& problem,
                          const std::vector<Baseline>& baselines) {
  expect();
  if (!process_.channel) return;
  for (const Baseline baseline : baselines) {
    const Json request{{"do", "compile_ahead"},           {"problem", problem},
                       {"baseline", to_string(baseline)}, {"bytes", bytes},
                       {"lock", options_.lock},           {"device", options_.device.empty() ? "cpu" : options_.device},
                       {"beside", options_.beside}};
    if (!send(request, {.workload = workload, .baseline = baseline})) return;
  }
}

bool AheadCompiler::wait(const std::string& workload, Baseline baseline, milliseconds limit) {
  const auto under_way = [&] {
    return std::ranges::any_of(
        asked_, [&](const Asked& each) { return each.workload == workload && each.baseline == baseline; });
  };
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (under_way()) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto message = process_.channel.receive(std::max(left, milliseconds(0)));
    if (!message) {
      stop();
      return message.error().kind != ErrorKind::cancelled;
    }
    const Json reply = Json::parse(message->body, nullptr, false);
    // Anything but what it is at is an answer, and answers come in order.
    if (!reply.is_object() || !reply.contains("phase")) asked_.pop_front();
  }
  return true;
}

}  // namespace kerf
