#include "evaluate/watch_job.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "evaluate/profile/on_a_trial.h"
#include "evaluate/watch_diagnosis.h"

namespace kerf {

namespace {

// Without those that would take too long, of which the receipt then tells.
std::vector<int> affordable_steps(const SharedState& shared, CandidateState& c) {
  constexpr double most_us = 3e6;
  std::vector<int> steps = steps_to_watch(c.source.plan, c.timed.step_us);
  std::erase_if(steps, [&](int step) {
    const auto index = static_cast<std::size_t>(step);
    const double us = index < c.timed.step_us.size() ? c.timed.step_us[index] : 0;
    const double needed = us_to_watch(us, shared.options.threads);
    if (needed <= most_us) return false;
    c.timed.receipt.unavailable["threads"] = fmt::format("unavailable: to look at {} would take {:.0f} s",
                                                         c.source.plan.steps[index].target.text, needed * 1e-6);
    return true;
  });
  return steps;
}

}  // namespace

bool can_be_watched(const CandidateState& c) {
  return c.candidate.language == Language::cpp && c.tools.runner->watches();
}

Result<> watch_picked(SharedState& shared, CandidateState& c) {
  c.watched.reset();
  const ProfileTools tools = shared.profile_tools(*c.tools.runner);
  auto seen = on_a_trial(tools, c.profile_request(), c.random,
                         [&](const LoadRequest& load, RunRequest run) -> Result<RunReport> {
                           const auto instance = TRY(c.tools.runner->load(load));
                           // The first one binds the plan and touches pages; results of calls that become outputs
                           // get their memory in the second one.
                           for (int before = 0; before < 2; ++before) TRY(instance->run(run));
                           run.watch = affordable_steps(shared, c);
                           return instance->run(run);
                         });
  if (seen && seen->watched) {
    c.watched = std::move(seen->watched);
    for (const StepWatch& step : c.watched->steps)
      if (!step.no_lines.empty()) c.timed.receipt.unavailable["shared_lines"] = "unavailable: " + step.no_lines;
  } else if (seen) {
    c.timed.receipt.unavailable["threads"] = "unavailable: the runner did not say what it saw";
  } else if (seen.error().kind == ErrorKind::candidate) {
    return std::unexpected(seen.error());
  } else {
    c.timed.receipt.unavailable["threads"] = seen.error().message;
    static_cast<void>(shared.watched(std::move(seen)));
  }
  return {};
}

}  // namespace kerf
