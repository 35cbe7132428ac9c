#include "base/background.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace kerf {

namespace {

struct Ends {
  Fd read, write;
};
Result<Ends> pipe_ends() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
  return Ends{Fd(fds[0]), Fd(fds[1])};
}

void never_block(const Fd& fd) { ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK); }

// A reader that has gone must not kill us, whatever the process does with SIGPIPE.
ssize_t write_quietly(int fd, std::string_view bytes) {
  sigset_t pipe_only, before;
  ::sigemptyset(&pipe_only);
  ::sigaddset(&pipe_only, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  const ssize_t n = ::write(fd, bytes.data(), bytes.size());
  const int code = errno;
  const timespec now{};
  if (n < 0 && code == EPIPE) ::sigtimedwait(&pipe_only, nullptr, &now);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = code;
  return n;
}

}  // namespace

struct Background::Run {
  Process process;
  Fd in, out, err, exit;
  std::string input;
  std::size_t fed = 0;
  std::size_t max_output = 0;
  Finished finished;
  Loop::Timer timer = 0;
  OnFinished done;
};

Background::Background(Loop& loop) : loop_(loop) {}
Background::~Background() {
  while (!runs_.empty()) cancel(runs_.begin()->first);
}

Result<Background::Ticket> Background::start(const Command& command, std::chrono::milliseconds limit,
                                             std::size_t max_output, OnFinished done) {
  Ends in = TRY(pipe_ends()), out = TRY(pipe_ends()), err = TRY(pipe_ends());
  auto run = std::make_unique<Run>();
  run->process = TRY(Process::start(command, in.read.get(), out.write.get(), err.write.get()));
  run->exit = Fd(static_cast<int>(::syscall(SYS_pidfd_open, run->process.pid(), 0)));
  if (!run->exit) return system_error("cannot watch a process", errno);
  run->in = std::move(in.write);
  run->out = std::move(out.read);
  run->err = std::move(err.read);
  for (const Fd* fd : {&run->in, &run->out, &run->err}) never_block(*fd);
  run->input = command.input.value_or("");
  run->max_output = max_output;
  run->done = std::move(done);
  const Ticket ticket = ++last_;
  Run& r = *run;
  runs_.emplace(ticket, std::move(run));
  const auto watched = [&]() -> Result<> {
    TRY(loop_.watch(r.in.get(), Loop::Ready::writable, [this, ticket](Loop::Ready) { feed(*runs_.at(ticket)); }));
    TRY(loop_.watch(r.out.get(), Loop::Ready::readable, [this, ticket](Loop::Ready) {
      Run& mine = *runs_.at(ticket);
      drain(mine, mine.out, mine.finished.output);
    }));
    TRY(loop_.watch(r.err.get(), Loop::Ready::readable, [this, ticket](Loop::Ready) {
      Run& mine = *runs_.at(ticket);
      drain(mine, mine.err, mine.finished.errors);
    }));
    return loop_.watch(r.exit.get(), Loop::Ready::readable, [this, ticket](Loop::Ready) { finish(ticket, false); });
  }();
  if (!watched) {
    cancel(ticket);
    return std::unexpected(watched.error());
  }
  r.timer = loop_.after(limit, [this, ticket] { finish(ticket, true); });
  return ticket;
}

void Background::feed(Run& run) {
  const std::string_view rest = std::string_view(run.input).substr(run.fed);
  if (!rest.empty()) {
    const ssize_t n = write_quietly(run.in.get(), rest);
    if (n > 0) run.fed += static_cast<std::size_t>(n);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n >= 0 && run.fed < run.input.size()) return;
  }
  close(run.in);
}

// All that is there now; closes at the end.
void Background::drain(Run& run, Fd& fd, std::string& into) {
  while (fd) {
    std::array<char, 65536> buffer;
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return close(fd);
    const std::size_t room = run.max_output > into.size() ? run.max_output - into.size() : 0;
    const std::size_t take = std::min(room, static_cast<std::size_t>(n));
    into.append(buffer.data(), take);
    if (take < static_cast<std::size_t>(n)) run.finished.output_cut = true;
    if (static_cast<std::size_t>(n) < buffer.size()) return;  // the loop calls again if there is more
  }
}

void Background::close(Fd& fd) {
  if (!fd) return;
  loop_.unwatch(fd.get());
  fd = Fd();
}

void Background::finish(Ticket ticket, bool timed_out) {
  const auto found = runs_.find(ticket);
  const std::unique_ptr<Run> run = std::move(found->second);
  runs_.erase(found);
  if (!timed_out) {
    drain(*run, run->out, run->finished.output);
    drain(*run, run->err, run->finished.errors);
  }
  if (!timed_out && run->process.running()) timed_out = true;  // cannot be: its descriptor said that it has ended
  const int status = run->process.status();
  run->process.kill();
  loop_.forget(run->timer);
  for (Fd* fd : {&run->in, &run->out, &run->err, &run->exit}) close(*fd);
  run->finished.timed_out = timed_out;
  if (!timed_out && WIFEXITED(status)) run->finished.exit_code = WEXITSTATUS(status);
  if (!timed_out && WIFSIGNALED(status)) run->finished.signal = WTERMSIG(status);
  run->done(std::move(run->finished));
}

void Background::cancel(Ticket ticket) {
  const auto found = runs_.find(ticket);
  if (found == runs_.end()) return;
  const std::unique_ptr<Run> run = std::move(found->second);
  runs_.erase(found);
  if (run->timer != 0) loop_.forget(run->timer);
  for (Fd* fd : {&run->in, &run->out, &run->err, &run->exit}) close(*fd);
  run->process.kill();
}

}  // namespace kerf
