// Runs that are watched, by a profiler or by the runner itself, and not timed.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/random.h"
#include "evaluate/outputs.h"
#include "evaluate/profile/launch_profile.h"

namespace kerf {

// Has `use` do something with a run of the plan on a fresh trial, and looks at the inputs afterwards. Errors as of
// take_profile().
template <class F>
auto on_a_trial(const ProfileTools& tools, const ProfileRequest& request, Random& random, F use)
    -> decltype(use(LoadRequest(), RunRequest())) {
  const auto trial = TRY(tools.trials.changing(request.workload, random));
  Arena outputs = TRY(tools.oracle.make_outputs(request.workload, Placement::front));
  const std::uint64_t sentinel = make_sentinel(random);
  TRY(tools.oracle.fill(outputs, sentinel));
  // Every pass is a run of each kernel, with what it takes to put memory back in front of it.
  constexpr double passes = 100, slack_ms = 60'000;
  const std::chrono::milliseconds limit(static_cast<std::int64_t>(slack_ms + passes * request.time_us * 1e-3));
  auto answer = use({.source = &request.source,
                     .image = &request.image,
                     .workload = &request.workload,
                     .tune = request.point,
                     .threads = tools.threads},
                    {.trial = trial.get(), .outputs = &outputs, .sentinel = sentinel, .limit = limit});
  if (!TRY(tools.oracle.is_intact(*trial))) {
    tools.trials.clear();  // the next candidate must not meet what this one left
    auto error = fail(ErrorKind::candidate, "a run that is watched writes to an input or a parameter");
    error.error().facts = {{"verdict", "wrong"}, {"rule", "writes_input"}};
    return error;
  }
  // Being slower, or ended, where somebody watches is no verdict.
  if (!answer && answer.error().kind == ErrorKind::candidate)
    return fail(ErrorKind::unavailable, "unavailable: in a run that is watched " + answer.error().message);
  return answer;
}

}  // namespace kerf
