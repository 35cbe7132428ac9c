#include "runner/child.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <new>
#include <span>

#include "runner/clocked_run.h"
#include "runner/executor.h"
#include "runner/lockdown.h"

namespace kerf {

namespace {

constexpr std::chrono::milliseconds for_ever{-1};

Result<StatusPage*> map_status(const Fd& fd) {
  void* at = ::mmap(nullptr, StatusPage::bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (at == MAP_FAILED) return system_error("cannot map the status page", errno);
  return new (at) StatusPage();
}

Result<> run_once(Executor& executor, const Channel& channel) {
  ChannelMessage message = TRY(channel.receive(for_ever));
  const RunMessage run = TRY(decode_run(message.body));
  if (message.fds.size() != 2) return fail(ErrorKind::internal, "a run comes with two descriptors");
  const auto place = [&] { return executor.place(run, message.fds[0].get(), message.fds[1].get()); };
  if (!executor.prepared()) {
    TRY(place());
    TRY(executor.prepare());
  }
  // Also after binding: the run that is judged and timed is always a replay.
  TRY(place());
  if (run.cold) TRY(executor.flush_caches());
  const auto answer = TRY(clocked_run(
      channel, [&] { return run.watch ? executor.watched_replay(run) : executor.replay(run); },
      [&] { return executor.finish(run); }));
  return channel.send(answer ? encode(*answer) : encode(answer.error()));
}

Result<> serve(const KerfBridge& bridge, const Channel& channel) {
  ChannelMessage message = TRY(channel.receive(for_ever));
  const LoadMessage load = TRY(decode_load(message.body));
  if (message.fds.size() != 2 && message.fds.size() != 3)
    return fail(ErrorKind::internal, "a load comes with two or three descriptors");
  // The third one: who executes the launches. Then there is nothing to load.
  const Channel interpreter = message.fds.size() == 3 ? Channel(std::move(message.fds[2])) : Channel();
  const Source source = TRY(read_source(load.candidate));
  StatusPage& page = *TRY(map_status(message.fds[1]));
  TRY(limit_resources(load.memory_limit));
  handle_faults(page);
  const auto each = [](void*, int) { handle_faults_on_this_thread(); };
  if (!bridge.start(load.threads, each, nullptr))
    return fail(ErrorKind::system, std::string("cannot start threads: ") + bridge.error());
  const std::array sockets = {channel.fd(), interpreter.fd()};
  TRY(lock_down(std::span(sockets).first(interpreter ? 2 : 1)));
  const KernelEntry* kernels = nullptr;
  if (!interpreter) {
    void* image = TRY(load_image(message.fds[0].release()));
    kernels = static_cast<const KernelEntry*>(::dlsym(image, kernels_symbol));
  }
  Executor executor(bridge, source, load, kernels, interpreter ? &interpreter : nullptr, page);
  TRY(channel.send(encode_number("ready", 1)));
  for (;;) TRY(run_once(executor, channel));
}

}  // namespace

int serve_candidate(const KerfBridge& bridge, const Channel& channel) {
  const auto served = serve(bridge, channel);
  // kerf closing the channel is the usual end; then nobody listens.
  static_cast<void>(channel.send(encode(served.error())));
  return 0;
}

}  // namespace kerf
