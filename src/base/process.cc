#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

extern "C" char** environ;

namespace kerf {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

// What the child needs, laid out before fork: afterwards only async-signal-safe calls are made.
struct Prepared {
  std::vector<char*> argv, envp;
  std::vector<std::string> environment;
  std::vector<std::pair<int, int>> fds;  // child number, ours
  const char* directory = nullptr;
};

Prepared prepare(const Command& command) {
  Prepared p;
  for (const std::string& arg : command.argv) p.argv.push_back(const_cast<char*>(arg.c_str()));
  p.argv.push_back(nullptr);
  for (const auto& [name, value] : command.environment) p.environment.push_back(name + "=" + value);
  for (std::string& entry : p.environment) p.envp.push_back(entry.data());
  p.envp.push_back(nullptr);
  for (const auto& entry : command.inherit) p.fds.emplace_back(entry);
  if (!command.directory.empty()) p.directory = command.directory.c_str();
  return p;
}

[[noreturn]] void child_fails(int report, int code) {
  [[maybe_unused]] const ssize_t written = ::write(report, &code, sizeof code);
  ::_exit(127);
}

// In the child: descriptors in, everything else closed, exec.
[[noreturn]] void child(const Prepared& p, int in, int out, int err, int report) {
  ::setpgid(0, 0);
  // Lift every source out of the range of targets first, so that no dup2 overwrites a source that is still needed.
  int top = 3;
  for (const auto& entry : p.fds) top = std::max(top, entry.first + 1);
  std::array<int, 64> lifted{};
  if (p.fds.size() + 4 > lifted.size()) child_fails(report, E2BIG);
  int* next = lifted.data();
  for (const int fd : {in, out, err, report}) {
    *next = ::fcntl(fd, F_DUPFD_CLOEXEC, top);
    if (*next++ < 0) child_fails(report, errno);
  }
  report = lifted[3];
  for (const auto& entry : p.fds) {
    *next = ::fcntl(entry.second, F_DUPFD_CLOEXEC, top);
    if (*next++ < 0) child_fails(report, errno);
  }
  for (int i = 0; i < 3; ++i) {
    if (::dup2(lifted[static_cast<std::size_t>(i)], i) < 0) child_fails(report, errno);
  }
  const int* source = lifted.data() + 4;
  for (const auto& entry : p.fds) {
    if (::dup2(*source++, entry.first) < 0) child_fails(report, errno);
  }
  // Everything else was opened close-on-exec by us; what a library opened without it must not leak either.
  const int last = static_cast<int>(std::min<long>(::sysconf(_SC_OPEN_MAX), 4096));
  for (int fd = 3; fd < last; ++fd) {
    bool keep = fd == report;
    for (const auto& entry : p.fds) keep = keep || entry.first == fd;
    if (!keep) ::close(fd);
  }
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (p.directory != nullptr && ::chdir(p.directory) != 0) child_fails(report, errno);
  ::execve(p.argv[0], p.argv.data(), p.envp.data());
  child_fails(report, errno);
}

Result<int> spawn(const Command& command, int in, int out, int err) {
  if (command.argv.empty()) return fail(ErrorKind::internal, "a command without a program");
  Command resolved = command;
  if (resolved.argv[0].find('/') == std::string::npos) {
    const auto found = find_program(resolved.argv[0]);
    if (!found) return fail(ErrorKind::unavailable, "cannot find " + command.argv[0] + " in PATH: install it");
    resolved.argv[0] = *found;
  }
  const Prepared prepared = prepare(resolved);
  Pipe report = TRY(make_pipe());
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("cannot fork", errno);
  if (pid == 0) child(prepared, in, out, err, report.write.get());
  ::setpgid(pid, pid);  // both sides do it, so that whoever comes first sees it done
  report.write = Fd();
  int code = 0;
  ssize_t got = 0;
  do {
    got = ::read(report.read.get(), &code, sizeof code);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof code)) {
    ::waitpid(pid, nullptr, 0);
    return system_error("cannot start " + resolved.argv[0], code);
  }
  return pid;
}

Result<Fd> open_null(int flags) {
  Fd fd(::open("/dev/null", flags | O_CLOEXEC));
  if (!fd) return system_error("cannot open /dev/null", errno);
  return fd;
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status)) {
    const char* name = ::sigabbrev_np(WTERMSIG(status));
    return std::string("killed by SIG") + (name != nullptr ? name : "?");
  }
  return "exit " + std::to_string(WEXITSTATUS(status));
}

// Reads both outputs and feeds the input until all are closed or the time is up.
struct Pump {
  Pipe in, out, err;
  std::size_t max_output;
  Finished& finished;

  void drain(Fd& fd, std::string& into) const {
    std::array<char, 65536> buffer;
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) {
      fd = Fd();
      return;
    }
    const std::size_t room = max_output > into.size() ? max_output - into.size() : 0;
    const std::size_t take = std::min(room, static_cast<std::size_t>(n));
    into.append(buffer.data(), take);
    if (take < static_cast<std::size_t>(n)) finished.output_cut = true;
  }

  void run(std::string_view input, steady_clock::time_point deadline) {
    if (input.empty()) in.write = Fd();
    while (in.write || out.read || err.read) {
      std::array<pollfd, 3> polls{
          {{in.write.get(), POLLOUT, 0}, {out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}}};
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()).count();
      if (left <= 0) {
        finished.timed_out = true;
        return;
      }
      if (::poll(polls.data(), polls.size(), static_cast<int>(std::min<long>(left, 1000))) < 0 && errno != EINTR)
        return;
      if (in.write && polls[0].revents != 0) {
        const ssize_t n = ::write(in.write.get(), input.data(), input.size());
        if (n > 0) input.remove_prefix(static_cast<std::size_t>(n));
        if (input.empty() || (n < 0 && errno != EINTR && errno != EAGAIN)) in.write = Fd();
      }
      if (out.read && polls[1].revents != 0) drain(out.read, finished.output);
      if (err.read && polls[2].revents != 0) drain(err.read, finished.errors);
    }
  }
};

// Waits for the child until the deadline; true if it was reaped.
bool wait_until(pid_t pid, steady_clock::time_point deadline, int& status) {
  useconds_t nap = 200;
  for (;;) {
    const pid_t got = ::waitpid(pid, &status, WNOHANG);
    if (got == pid || (got < 0 && errno != EINTR)) return true;
    if (steady_clock::now() >= deadline) return false;
    ::usleep(nap);
    nap = std::min<useconds_t>(nap * 2, 10'000);
  }
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Fd> Fd::duplicate() const {
  Fd copy(::fcntl(fd_, F_DUPFD_CLOEXEC, 0));
  if (!copy) return system_error("cannot duplicate a descriptor", errno);
  return copy;
}

std::map<std::string, std::string> clean_environment() {
  static constexpr std::array<std::string_view, 13> kept = {
      "PATH", "HOME",    "LANG",           "LC_ALL",        "LC_CTYPE", "TMPDIR",         "TZ",
      "USER", "LOGNAME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TERM",     "OMP_WAIT_POLICY"};
  std::map<std::string, std::string> result;
  for (const std::string_view name : kept) {
    const std::string key(name);
    if (const char* value = std::getenv(key.c_str()); value != nullptr) result.emplace(key, value);
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const bool secret =
        name.find("KEY") != name.npos || name.find("TOKEN") != name.npos || name.find("SECRET") != name.npos;
    if (name.starts_with("KERF_") && !secret && equals != text.npos) result.emplace(name, text.substr(equals + 1));
  }
  return result;
}

std::string Finished::describe() const {
  if (timed_out) return "timed out";
  if (signal != 0) {
    const char* name = ::sigabbrev_np(signal);
    return std::string("killed by SIG") + (name != nullptr ? name : "?");
  }
  return "exit " + std::to_string(exit_code);
}

Result<Finished> run(const Command& command, std::chrono::milliseconds limit, std::size_t max_output) {
  Finished finished;
  Pump pump{TRY(make_pipe()), TRY(make_pipe()), TRY(make_pipe()), max_output, finished};
  const int pid = TRY(spawn(command, pump.in.read.get(), pump.out.write.get(), pump.err.write.get()));
  pump.in.read = Fd();
  pump.out.write = Fd();
  pump.err.write = Fd();
  ::fcntl(pump.in.write.get(), F_SETFL, O_NONBLOCK);
  // A child that closes its input early must not kill us; the process as a whole ignores SIGPIPE, a library cannot
  // know.
  sigset_t pipe_only, before;
  ::sigemptyset(&pipe_only);
  ::sigaddset(&pipe_only, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  const auto deadline = steady_clock::now() + limit;
  pump.run(command.input.value_or(""), deadline);
  int status = 0;
  if (finished.timed_out || !wait_until(pid, deadline, status)) {
    finished.timed_out = true;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, &status, 0);
  } else {
    ::kill(-pid, SIGKILL);  // what the child left behind in its group
  }
  const timespec now{};
  while (::sigtimedwait(&pipe_only, nullptr, &now) > 0) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (WIFEXITED(status)) finished.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) finished.signal = WTERMSIG(status);
  return finished;
}

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    status_ = other.status_;
  }
  return *this;
}

Process::~Process() { kill(); }

Result<Process> Process::start(const Command& command, int output_fd) {
  const Fd in = TRY(open_null(O_RDONLY));
  const Fd null_out = TRY(open_null(O_WRONLY));
  const int out = output_fd >= 0 ? output_fd : null_out.get();
  Process process;
  process.pid_ = TRY(spawn(command, in.get(), out, out));
  return process;
}

Result<Process> Process::start(const Command& command, int in, int out, int err) {
  Process process;
  process.pid_ = TRY(spawn(command, in, out, err));
  return process;
}

bool Process::running() {
  if (pid_ < 0) return false;
  int status = 0;
  const pid_t got = ::waitpid(pid_, &status, WNOHANG);
  if (got == 0 || (got < 0 && errno == EINTR)) return true;
  if (got == pid_) status_ = status;
  ::kill(-pid_, SIGKILL);
  pid_ = -1;
  return false;
}

std::string Process::describe_end() { return describe_status(status_); }

void Process::kill() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

std::optional<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos)
    return ::access(name.c_str(), X_OK) == 0 ? std::optional(name) : std::nullopt;
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    rest = colon == rest.npos ? std::string_view{} : rest.substr(colon + 1);
    if (folder.empty()) continue;
    std::string file = std::string(folder) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  return std::nullopt;
}

}  // namespace kerf
