// Child processes. Nothing here goes through a shell.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kerf {

// An owned file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  [[nodiscard]] Result<Fd> duplicate() const;

 private:
  int fd_ = -1;
};

// How a child is started. It inherits only what is named here: environment exactly `environment`, descriptors exactly
// 0-2 and those of `inherit` (child number -> ours). Keys of providers therefore never reach a child.
struct Command {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment = {};
  std::string directory = {};                       // working directory, ours if empty
  std::map<int, int> inherit = {};                  // descriptor in the child -> ours
  std::optional<std::string> input = std::nullopt;  // bytes for standard input; /dev/null if absent
};

// PATH, HOME, LANG, TMPDIR and the like of this process, without anything that looks like a secret.
[[nodiscard]] std::map<std::string, std::string> clean_environment();

struct Finished {
  int exit_code = -1;  // -1 if a signal ended it
  int signal = 0;
  bool timed_out = false;
  bool output_cut = false;  // more than max_output bytes came
  std::string output;       // standard output
  std::string errors;       // standard error
  [[nodiscard]] bool ok() const { return exit_code == 0 && !timed_out; }
  [[nodiscard]] std::string describe() const;  // "exit 1", "killed by SIGSEGV", "timed out after 10 s"
};

// Runs to the end or kills the whole process group at `limit`. Blocks: call it from a job body, not from the engine.
[[nodiscard]] Result<Finished> run(const Command& command, std::chrono::milliseconds limit,
                                   std::size_t max_output = std::size_t{8} << 20);

// A long-lived child. Destruction kills and reaps its process group.
class Process {
 public:
  Process() = default;
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();
  // Standard output and error go to `output_fd` (ours stays open), or /dev/null if negative.
  [[nodiscard]] static Result<Process> start(const Command& command, int output_fd = -1);
  // With descriptors of ours as 0, 1 and 2; `command.input` is not used.
  [[nodiscard]] static Result<Process> start(const Command& command, int in, int out, int err);
  [[nodiscard]] int pid() const { return pid_; }
  [[nodiscard]] bool running();                         // reaps if it has ended
  [[nodiscard]] std::string describe_end();             // after running() is false
  [[nodiscard]] int status() const { return status_; }  // as waitpid() gives it, after running() is false
  void kill();                                          // SIGKILL to the group, then reap

 private:
  int pid_ = -1;
  int status_ = 0;
};

// First match in PATH, absolute; nullopt if there is none.
[[nodiscard]] std::optional<std::string> find_program(const std::string& name);

}  // namespace kerf
