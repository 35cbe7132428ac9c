#include "runner/zygote.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#include "candidate/run_protocol.h"
#include "runner/bridge/bridge.h"
#include "runner/child.h"

namespace kerf {

namespace {

constexpr std::chrono::milliseconds for_ever{-1};

Result<const KerfBridge*> load_bridge(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return fail(ErrorKind::unavailable,
                std::string("cannot load PyTorch through the bridge: ") + (why == nullptr ? "" : why));
  }
  const auto entry = reinterpret_cast<decltype(&kerf_bridge)>(::dlsym(library, "kerf_bridge"));
  if (entry == nullptr) return fail(ErrorKind::internal, path + " is no bridge");
  const KerfBridge* bridge = entry();
  // Lists all operators once, for all children.
  bridge->schemas("aten::add", [](void*, const char*) {}, nullptr);
  return bridge;
}

int reap(pid_t pid) {
  ::kill(pid, SIGKILL);
  int status = -1;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return status;
}

// Until `threads` threads run at once. Whoever came waits without giving its core away, as a pool of threads does that
// begins a run.
void meet(std::int64_t threads) {
  std::atomic<std::int64_t> missing{std::clamp<std::int64_t>(threads, 1, 1024)};
  const auto arrive = [&missing] {
    missing.fetch_sub(1, std::memory_order_acq_rel);
    while (missing.load(std::memory_order_acquire) > 0) {
    }
  };
  std::vector<std::jthread> others;
  for (std::int64_t more = missing.load() - 1; more > 0; --more) {
    try {
      others.emplace_back(arrive);
    } catch (const std::system_error&) {  // no more threads are allowed
      missing.fetch_sub(more, std::memory_order_acq_rel);
      break;
    }
  }
  arrive();
}

Result<> answer(const KerfBridge& bridge, const Channel& channel) {
  ChannelMessage message = TRY(channel.receive(for_ever));
  if (message.fds.size() == 1) {
    const pid_t pid = ::fork();
    if (pid < 0) return channel.send(encode(system_error("cannot fork a runner", errno).error()));
    if (pid == 0) {
      ::close(channel.fd());
      const Channel own(std::move(message.fds[0]));
      ::_exit(serve_candidate(bridge, own));
    }
    return channel.send(encode_number("pid", pid));
  }
  if (const auto threads = decode_number("ping", message.body)) {
    meet(*threads);
    return channel.send(encode_number("ping", *threads));
  }
  const auto pid = TRY(decode_number("reap", message.body));
  if (pid <= 1) return fail(ErrorKind::internal, "no such child");
  return channel.send(encode_number("status", reap(static_cast<pid_t>(pid))));
}

}  // namespace

int serve_zygote(const std::string& bridge_path, const Channel& channel) {
  const auto bridge = load_bridge(bridge_path);
  if (!bridge) {
    static_cast<void>(channel.send(encode(bridge.error())));
    return 1;
  }
  if (!channel.send(encode_number("pid", ::getpid()))) return 0;
  while (answer(**bridge, channel)) {
  }
  return 0;
}

}  // namespace kerf
