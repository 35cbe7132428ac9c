// The launcher: outer process (waits, passes the end on) -> first process of the new namespaces (builds the root, gives
// up every right, reaps) -> the program. Runs single-threaded; every layer that the machine refuses is left out and
// noted.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/jail.h"
#include "base/jail_layers.h"

namespace kerf {

namespace {

constexpr uid_t nobody = 65534;

// What became of each layer: an empty reason means that it was put up.
struct Layers {
  std::string namespaces, mounts, landlock, seccomp, user;
  long landlock_abi = 0;
};

bool write_text(const char* path, std::string_view text) {
  const Fd fd(::open(path, O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

void set_limit(__rlimit_resource which, rlim_t value) {
  const rlimit limit{value, value};
  ::setrlimit(which, &limit);
}

void limit_resources(const Jail& jail) {
  set_limit(RLIMIT_CORE, 0);
  if (jail.address_space > 0) set_limit(RLIMIT_AS, jail.address_space);
  if (jail.file_size > 0) set_limit(RLIMIT_FSIZE, jail.file_size);
  if (jail.cpu_seconds > 0) set_limit(RLIMIT_CPU, static_cast<rlim_t>(jail.cpu_seconds));
  if (jail.processes > 0) set_limit(RLIMIT_NPROC, static_cast<rlim_t>(jail.processes));
}

// For good: no capability is left, and none can come back (no_new_privs).
bool drop_capabilities() {
  for (int capability = 0; capability < 64; ++capability) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, 2> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

std::string become_nobody() {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 ||
      ::setresuid(nobody, nobody, nobody) != 0)
    return errno_words(errno);
  // A user namespace of nobody's own: its processes are counted apart from others of nobody, and it owns nothing.
  ::unshare(CLONE_NEWUSER);
  return {};
}

struct Sealed {
  Layers layers;
  bool was_root = false;
};

constexpr int all_namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

// In the outer process: new namespaces, the process namespace for the next child.
std::string enter_namespaces(bool root) {
  const uid_t uid = ::getuid();
  const gid_t gid = ::getgid();
  if (::unshare(root ? all_namespaces : all_namespaces | CLONE_NEWUSER) != 0) return errno_words(errno);
  if (!root) {
    write_text("/proc/self/setgroups", "deny");
    if (!write_text("/proc/self/uid_map", fmt::format("{} {} 1", nobody, uid)) ||
        !write_text("/proc/self/gid_map", fmt::format("{} {} 1", nobody, gid))) {
      return "no mapping of users: " + errno_words(errno);
    }
  }
  ::sethostname("jail", 4);
  return {};
}

// In the first process inside: everything else. `fatal` is set where going on would be less than the caller asked for.
void seal(const Jail& jail, Sealed& sealed) {
  Layers& layers = sealed.layers;
  if (sealed.was_root) {
    for (const std::string& path : jail.writable) {
      if (::chown(path.c_str(), nobody, nobody) != 0)
        layers.user = "cannot give " + path + " away: " + errno_words(errno);
    }
  }
  layers.mounts = layers.namespaces.empty() ? build_root(jail) : "no namespaces";
  if (sealed.was_root) layers.user = become_nobody();
  limit_resources(jail);
  drop_capabilities();
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  layers.landlock = restrict_files(jail, layers.landlock_abi);
  layers.seccomp = filter_calls();
}

[[noreturn]] void give_up(const std::string& message) {
  std::fprintf(stderr, "kerf: the jail: %s\n", message.c_str());
  ::_exit(jail_failed);
}

// As process 1: starts the program, reaps whatever ends, returns the program's status.
int supervise(char** argv) {
  const pid_t program = ::fork();
  if (program < 0) give_up("cannot fork: " + errno_words(errno));
  if (program == 0) {
    ::execv(argv[0], argv);
    give_up(fmt::format("cannot start {}: {}", argv[0], errno_words(errno)));
  }
  int status = 0;
  for (;;) {
    const pid_t ended = ::wait(&status);
    if (ended == program) return status;
    if (ended < 0 && errno != EINTR) return jail_failed << 8;
  }
}

void report(std::string& out, const char* layer, bool holds, const std::string& reason) {
  if (holds) {
    out += fmt::format("{}\n", layer);
  } else {
    out += fmt::format("unavailable: {} ({})\n", layer, reason.empty() ? "it does not hold" : reason);
  }
}

// From inside, tries what each layer must prevent.
void probe(const Sealed& sealed) {
  const Layers& layers = sealed.layers;
  std::string out;
  const auto refused = [](long result) { return result < 0 && (errno == EPERM || errno == EACCES || errno == ENOENT); };
  const std::string no_mounts = layers.namespaces.empty() ? layers.mounts : layers.namespaces;
  report(out, "pid namespace", ::getpid() == 1 && ::getppid() == 0, layers.namespaces);
  report(out, "mount namespace",
         ::access("/etc/passwd", F_OK) != 0 && ::access("/root", F_OK) != 0 && ::access("/home", F_OK) != 0, no_mounts);
  std::array<char, 64> host{};
  ::gethostname(host.data(), host.size() - 1);
  report(out, "network, ipc and uts namespaces", layers.namespaces.empty() && std::string_view(host.data()) == "jail",
         layers.namespaces);
  report(out, "user nobody", ::geteuid() == nobody && ::getegid() == nobody,
         layers.user.empty() ? "not root and no user namespace" : layers.user);
  const Fd secret(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  report(out, fmt::format("landlock abi {}", std::max(0L, layers.landlock_abi)).c_str(),
         layers.landlock.empty() && !secret, layers.landlock);
  const bool calls = refused(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)) && refused(::unshare(CLONE_NEWUSER)) &&
                     refused(::socket(AF_INET, SOCK_STREAM, 0));
  report(out, "seccomp", layers.seccomp.empty() && calls, layers.seccomp);
  rlimit cores{1, 1};
  ::getrlimit(RLIMIT_CORE, &cores);
  report(out, "rlimits", cores.rlim_max == 0, "");
  report(out, "no capabilities, no_new_privs",
         ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && refused(::sethostname("x", 1)), "");
  std::fputs(out.c_str(), stdout);
  std::fflush(stdout);
}

int pass_on(int status) {
  if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
  set_limit(RLIMIT_CORE, 0);
  ::signal(WTERMSIG(status), SIG_DFL);
  ::raise(WTERMSIG(status));
  return 128 + WTERMSIG(status);
}

// Everything after the arguments are read. `program` null: probe.
int launch(const Jail& jail, char** program) {
  Sealed sealed;
  sealed.was_root = ::geteuid() == 0;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up("no pipe: " + errno_words(errno));
  sealed.layers.namespaces = enter_namespaces(sealed.was_root);
  const std::array<char, 4096> folder = [] {
    std::array<char, 4096> path{};
    if (::getcwd(path.data(), path.size()) == nullptr) path[0] = '/';
    return path;
  }();
  const pid_t outer = ::getpid();
  const pid_t first = ::fork();
  if (first < 0) give_up("cannot fork: " + errno_words(errno));
  if (first == 0) {
    ::close(ends[0]);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (sealed.layers.namespaces.empty() ? ::getppid() != 0 : ::getppid() != outer)
      ::_exit(jail_failed);  // it died before
    seal(jail, sealed);
    // With neither a root of its own nor Landlock the host's files lie open; without seccomp so does the kernel.
    if (!sealed.layers.mounts.empty() && !sealed.layers.landlock.empty() && program != nullptr) {
      give_up(fmt::format("this machine grants neither mount namespaces ({}) nor Landlock ({})", sealed.layers.mounts,
                          sealed.layers.landlock));
    }
    if (!sealed.layers.seccomp.empty() && program != nullptr) give_up("no seccomp: " + sealed.layers.seccomp);
    if (::chdir(folder.data()) != 0 && ::chdir("/") != 0) give_up("cannot enter /: " + errno_words(errno));
    if (program == nullptr) {
      probe(sealed);
      ::_exit(0);
    }
    const int status = supervise(program);
    const ssize_t written = ::write(ends[1], &status, sizeof status);
    ::_exit(written == static_cast<ssize_t>(sizeof status) ? 0 : jail_failed);
  }
  ::close(ends[1]);
  // The ends of pipes and sockets that the program was given must close when it ends, not when we do.
  for (int fd = 0; fd < 256; ++fd) {
    if (fd != ends[0] && fd != 2) ::close(fd);
  }
  int status = 0, own = 0;
  const ssize_t got = ::read(ends[0], &status, sizeof status);
  while (::waitpid(first, &own, 0) < 0 && errno == EINTR) {
  }
  return pass_on(got == static_cast<ssize_t>(sizeof status) ? status : own);
}

}  // namespace

int jail_main(std::span<char*> argv) {
  if (argv.size() >= 3 && std::strcmp(argv[2], "probe") == 0) return launch(Jail{}, nullptr);
  if (argv.size() < 5 || std::strcmp(argv[3], "--") != 0) {
    std::fprintf(stderr, "usage: %s --jail SPEC -- PROGRAM ARGUMENT...\n", argv.empty() ? "kerf-runner" : argv[0]);
    return jail_failed;
  }
  const Result<Jail> jail = jail_from_json(argv[2]);
  if (!jail) {
    std::fprintf(stderr, "kerf: %s\n", jail.error().message.c_str());
    return jail_failed;
  }
  return launch(*jail, argv.data() + 4);  // main's argv ends with a null pointer
}

}  // namespace kerf
