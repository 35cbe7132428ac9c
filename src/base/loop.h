// The engine's event loop. Everything that touches search, session and store runs on the loop's thread; blocking work
// (compilers, runners, the oracle) is offloaded to a pool and comes back as an event on the loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"

namespace kerf {

using Callback = std::move_only_function<void()>;

struct Loop {
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop() = default;
  // Runs `f` on the loop's thread, soon. Callable from any thread.
  virtual void post(Callback f) = 0;
  // Runs `f` on the loop's thread after `delay`.
  using Timer = std::uint64_t;
  virtual Timer after(std::chrono::milliseconds delay, Callback f) = 0;
  // A timer that is not wanted any more; nothing if it has fired.
  virtual void forget(Timer timer) = 0;
  // Calls `f` on the loop's thread whenever `fd` is ready for what was asked or has failed, until unwatch(). Watching
  // the same descriptor again replaces what was asked. A manual loop has no descriptors and never calls.
  enum class Ready : std::uint8_t { none = 0, readable = 1, writable = 2, both = 3 };
  [[nodiscard]] virtual Result<> watch(int fd, Ready wanted, std::move_only_function<void(Ready)> f) = 0;
  // Before the descriptor is closed.
  virtual void unwatch(int fd) = 0;
  // Runs `work` on a pool thread, then `done` on the loop's thread.
  virtual void offload(Callback work, Callback done) = 0;
  // Calls `f` on the loop's thread on SIGINT and SIGTERM, instead of dying. The last `f` counts.
  virtual void on_interrupt(Callback f) = 0;
  // Until stop() or until nothing is left to wait for.
  virtual void run() = 0;
  virtual void stop() = 0;
};

// libuv. `pool_threads` is how many offloaded jobs can block at once.
[[nodiscard]] Result<std::unique_ptr<Loop>> make_loop(int pool_threads);

// For tests: everything runs in run(), in the order in which it was posted; time jumps.
[[nodiscard]] std::unique_ptr<Loop> make_manual_loop();

}  // namespace kerf
