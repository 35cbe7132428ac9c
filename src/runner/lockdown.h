// What keeps a candidate's machine code inside: a seccomp filter in force before any of it runs, and handlers that say
// what it died of. One process holds one candidate, so this state is the process's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "candidate/run_protocol.h"

namespace kerf {

// A tensor's place in memory, for naming it in an error.
struct Watched {
  std::span<const std::byte> reserved;  // guards included
  std::span<const std::byte> pages;
  const char* name = "";
};

// Handlers of SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and SIGSYS: they write to `page` what happened and end the
// process. `page` must live as long as the process.
void handle_faults(StatusPage& page);
// Gives the calling thread a stack for those handlers, so that an overflowing stack is reported, too. Every thread that
// runs kernels calls it before lock_down().
void handle_faults_on_this_thread();
// The tensors to look addresses up in; must stay alive until the next call.
void watch(const std::vector<Watched>* tensors);

// From here on, for all threads of the process: no opening, no sockets, no processes and threads, no signals, no
// tracing. `channels` can be talked on. Memory, futexes and clocks remain. A system call that is refused fails with
// EPERM while our own code or an operator runs (libraries try things), and ends the process while a kernel runs.
// Errors: unavailable.
[[nodiscard]] Result<> lock_down(std::span<const int> channels);

// dlopen of an image by descriptor, after lock_down(). The dynamic loader wants to open a file: the refused openat() is
// answered with `image`, once, by the SIGSYS handler, so that no descriptor can be opened even while static
// constructors of the image run. A library that the image needs must be loaded already. Errors: candidate.
[[nodiscard]] Result<void*> load_image(int image);

// Address space, core dumps, processor time of this process from now on. `memory` is in bytes beyond what is mapped
// now.
[[nodiscard]] Result<> limit_resources(std::int64_t memory);

}  // namespace kerf
