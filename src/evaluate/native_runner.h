// The Runner for this machine's CPU: kerf-runner in the jail, a process a candidate.
//
// What goes wrong in a candidate has kind candidate and the facts "verdict" and "rule":
//   crashed    writes_input         a kernel wrote to what is read-only
//   crashed    out_of_bounds        a kernel touched the guard pages beside a tensor
//   crashed    signal               any other fatal signal
//   crashed    interpreter          Triton's interpreter, which executes launches in triton, ends over the candidate
//   crashed    memory               out of memory
//   wrong      out_of_bounds_write  a margin beside a tensor holds something else
//   timed_out  time_limit
//   rejected   system_call          a kernel asked the operating system for something
//   rejected   call, load, …        an operator refused its arguments, the image cannot be loaded; the binder's rules
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "evaluate/runner.h"

namespace kerf {

struct NativeRunnerOptions {
  bool jail = true;  // off only in tests: seccomp and rlimits of the candidate's process still hold
  std::function<void(std::string_view)> notice;  // a line for the user; standard error if empty
};

// The first `load` starts the runner's process (0.5 s) and, where this PyTorch has not been seen before, builds the
// bridge to it (ten seconds more); a runner that died is started again by the next. `load` may be called from several
// threads; an instance by one thread at a time.
[[nodiscard]] Result<std::unique_ptr<Runner>> make_native_runner(NativeRunnerOptions options = {});

}  // namespace kerf
