// Programs that run beside the loop: started, fed and read without blocking it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "base/loop.h"
#include "base/process.h"

namespace kerf {

class Background {
 public:
  explicit Background(Loop& loop);
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background();  // kills what runs
  using Ticket = std::uint64_t;
  using OnFinished = std::move_only_function<void(Finished)>;
  // `done` comes once, later, on the loop's thread: when the program has ended, or after `limit`, when its process
  // group is killed. Fails if it cannot be started.
  [[nodiscard]] Result<Ticket> start(const Command& command, std::chrono::milliseconds limit, std::size_t max_output,
                                     OnFinished done);
  // Kills its process group; `done` is not called any more.
  void cancel(Ticket ticket);

 private:
  struct Run;
  void feed(Run& run);
  void drain(Run& run, Fd& fd, std::string& into);
  void close(Fd& fd);
  void finish(Ticket ticket, bool timed_out);

  Loop& loop_;
  Ticket last_ = 0;
  std::map<Ticket, std::unique_ptr<Run>> runs_;
};

}  // namespace kerf
