// A run of which nothing is timed: how its threads and its memory fare.
#include <sys/resource.h>

#include <algorithm>
#include <string_view>

#include "runner/executor.h"
#include "runner/launch_watch.h"

namespace kerf {

namespace {

rusage resources() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage;
}

}  // namespace

Result<> Executor::look_at(std::size_t index, StepWatch& seen) {
  auto& launch = std::get<ReadyLaunch>(ready_[index]);
  if (launch.emulated || launch.interpreted || !launch.maps.empty()) return {};
  fill_addresses(launch);
  LaunchToWatch watched{.kernel = *launch.kernel,
                        .grid = launch.grid,
                        .tasks = launch.tasks,
                        .arguments = launch.arguments,
                        .values = launch.values,
                        .tensors = {}};
  for (const auto& [argument, id] : launch.tensors) {
    const Slot& s = slots_[static_cast<std::size_t>(id)];
    const std::string_view type = launch.kernel->types[argument];
    watched.tensors.push_back({.argument = argument,
                               .memory = {static_cast<std::byte*>(s.data), s.spec.storage_bytes()},
                               .writable = !type.starts_with("const ")});
  }
  const WatchTools tools{
      .bridge = bridge_, .threads = load_.threads, .random = random_, .page = page_, .flush_caches = [this] {
        return flush_caches();
      }};
  return watch_launch(tools, watched, seen);
}

Result<RunAnswer> Executor::watched_replay(const RunMessage& message) {
  RunAnswer answer;
  RunWatch& watched = answer.watched.emplace();
  adopted_.clear();
  const WatchTools tools{
      .bridge = bridge_, .threads = load_.threads, .random = random_, .page = page_, .flush_caches = {}};
  watched.nodes = nodes_of_threads(tools);
  watched.page_fault_us = TRY(page_fault_us());
  TRY(zero_all());
  std::vector<int> wanted = *message.watch;
  for (std::size_t i = 0; i < program_->steps.size(); ++i) {
    const int step = program_->steps[i].step;
    auto known = std::ranges::find(watched.steps, step, &StepWatch::step);
    if (known == watched.steps.end()) known = watched.steps.insert(known, StepWatch{.step = step});
    if (std::holds_alternative<ReadyLaunch>(ready_[i]) && std::erase(wanted, step) > 0) {
      page_.step.store(step, std::memory_order_relaxed);
      TRY(look_at(i, *known));
    }
    const rusage before = resources();
    TRY(run_step(i));
    const rusage after = resources();
    known->page_faults += after.ru_minflt - before.ru_minflt;
    known->major_faults += after.ru_majflt - before.ru_majflt;
  }
  return answer;
}

}  // namespace kerf
