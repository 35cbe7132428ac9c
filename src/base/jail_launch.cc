// The launcher: single-threaded, allocates before it shuts itself in, ends with exit code jail_failed if anything that was
// asked for cannot be had. Three processes: the launcher outside, an init of the new pid namespace, the program.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/jail.h"

namespace kerf {

namespace {

constexpr uid_t nobody = 65534;
constexpr std::array<const char*, 4> devices = {"/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"};

[[noreturn]] void give_up(const std::string& what, int code = errno) {
  std::fprintf(stderr, "jail: %s: %s\n", what.c_str(), std::strerror(code));
  std::_Exit(jail_failed);
}

bool write_text(const std::string& path, const std::string& text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// ---- namespaces and the root ----------------------------------------------------------------------------------------

// Maps this user to itself, and, for root, nobody, too. The map of a root that is root in the initial namespace may only be
// written from outside the new one.
bool map_ids(pid_t child, bool root) {
  const std::string folder = "/proc/" + std::to_string(child) + "/";
  const std::string nobody_line = root ? "\n65534 65534 1\n" : "\n";
  const std::string user = std::to_string(::getuid()), group = std::to_string(::getgid());
  if (!root && !write_text(folder + "setgroups", "deny")) return false;
  return write_text(folder + "uid_map", user + " " + user + " 1" + nobody_line) &&
         write_text(folder + "gid_map", group + " " + group + " 1" + nobody_line);
}

void make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    ::mkdir(path.substr(0, slash).c_str(), 0755);
  }
}

struct Mount {
  std::string path;
  Fd source;
  bool folder = false;
  bool writable = false;
};

// Sources are opened before anything is mounted over them, but in the new namespace: only its own mounts can be bound.
std::vector<Mount> open_sources(const Jail& jail) {
  std::vector<Mount> mounts;
  const auto open_one = [&mounts](const std::string& path, bool writable) {
    Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return;
    mounts.push_back({path, std::move(fd), S_ISDIR(status.st_mode), writable});
  };
  for (const std::string& path : jail.read_only) open_one(path, false);
  for (const std::string& path : jail.writable) open_one(path, true);
  for (const char* path : devices) open_one(path, true);
  // Outer folders first, so that an inner one is mounted on top.
  std::ranges::stable_sort(mounts, {}, [](const Mount& m) { return m.path.size(); });
  return mounts;
}

void bind(const std::string& root, const Mount& mount) {
  const std::string to = root + mount.path, from = "/proc/self/fd/" + std::to_string(mount.source.get());
  make_folders(to);
  if (mount.folder) ::mkdir(to.c_str(), 0755);
  else Fd(::open(to.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  if (::mount(from.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) give_up("cannot bind " + mount.path);
  // Flags that a mount of the host has are locked in a user namespace: they have to be repeated.
  unsigned long flags = MS_BIND | MS_REMOUNT | MS_NOSUID;
  if (mount.folder) flags |= MS_NODEV;
  if (!mount.writable) flags |= MS_RDONLY;
  if (::mount(nullptr, to.c_str(), nullptr, flags, nullptr) != 0 &&
      ::mount(nullptr, to.c_str(), nullptr, flags | MS_NOEXEC, nullptr) != 0 &&
      ::mount(nullptr, to.c_str(), nullptr, flags | MS_RELATIME | MS_NODEV, nullptr) != 0 && !mount.writable) {
    give_up("cannot make " + mount.path + " read-only");
  }
}

void build_root(const Jail& jail) {
  const std::vector<Mount> mounts = open_sources(jail);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) give_up("cannot make mounts private");
  const std::string root = "/tmp";
  if (::mount("tmpfs", root.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,mode=755") != 0) give_up("cannot mount a root");
  for (const Mount& mount : mounts) bind(root, mount);
  if (jail.tmp_bytes > 0) {
    const std::string tmp = root + "/tmp", options = "mode=1777,size=" + std::to_string(jail.tmp_bytes);
    ::mkdir(tmp.c_str(), 01777);
    if (::mount("tmpfs", tmp.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) give_up("cannot mount /tmp");
    // A folder below /tmp that was bound before is hidden now: bind it again.
    for (const Mount& mount : mounts) {
      if (mount.path.starts_with("/tmp/")) bind(root, mount);
    }
  }
  if (jail.proc) {
    ::mkdir((root + "/proc").c_str(), 0555);
    if (::mount("proc", (root + "/proc").c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) give_up("cannot mount /proc");
  }
  if (::mount(nullptr, root.c_str(), nullptr, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4m,mode=755") != 0) {
    give_up("cannot make the root read-only");
  }
  if (::chdir(root.c_str()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0) {
    give_up("cannot enter the root");
  }
  if (::chdir("/") != 0) give_up("cannot enter the root");
}

// ---- Landlock -------------------------------------------------------------------------------------------------------

// Debian's header stops at ABI 2: the rest of the interface as Documentation/userspace-api/landlock.rst gives it.
struct Ruleset {
  std::uint64_t access_fs = 0, access_net = 0, scoped = 0;
};
constexpr std::uint64_t fs_read = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t fs_abi1 = (std::uint64_t{1} << 13) - 1;

Ruleset handled(long abi) {
  Ruleset rules{.access_fs = fs_abi1};
  if (abi >= 2) rules.access_fs |= std::uint64_t{1} << 13;  // REFER
  if (abi >= 3) rules.access_fs |= std::uint64_t{1} << 14;  // TRUNCATE
  if (abi >= 4) rules.access_net = 3;                       // BIND_TCP, CONNECT_TCP
  if (abi >= 5) rules.access_fs |= std::uint64_t{1} << 15;  // IOCTL_DEV
  if (abi >= 6) rules.scoped = 3;                           // abstract sockets, signals
  return rules;
}

// nullopt if it holds, else why not.
std::optional<std::string> landlock(const Jail& jail) {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return std::strerror(errno);
  const Ruleset rules = handled(abi);
  const std::size_t size = abi >= 6 ? sizeof rules : abi >= 4 ? 16 : 8;
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size, 0)));
  if (!ruleset) return std::strerror(errno);
  const auto allow = [&](const char* path, std::uint64_t access) {
    const Fd fd(::open(path, O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return;
    if (!S_ISDIR(status.st_mode)) access &= ~(std::uint64_t{LANDLOCK_ACCESS_FS_READ_DIR} | std::uint64_t{0x1ff0} | std::uint64_t{1} << 13);
    const landlock_path_beneath_attr rule{.allowed_access = access & rules.access_fs, .parent_fd = fd.get()};
    ::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  };
  const std::uint64_t all = rules.access_fs;
  for (const std::string& path : jail.read_only) allow(path.c_str(), fs_read);
  for (const std::string& path : jail.writable) allow(path.c_str(), all);
  for (const char* path : devices) allow(path, fs_read | LANDLOCK_ACCESS_FS_WRITE_FILE | std::uint64_t{1} << 14);
  if (jail.tmp_bytes > 0) allow("/tmp", all);
  if (jail.proc) allow("/proc", fs_read | LANDLOCK_ACCESS_FS_WRITE_FILE);
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return std::strerror(errno);
  return std::nullopt;
}

// ---- seccomp, limits, privileges ------------------------------------------------------------------------------------

// What neither a compiler nor PyTorch needs and what kernels' past bugs were reached through.
constexpr std::array denied = {
    SCMP_SYS(ptrace),        SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(mount),
    SCMP_SYS(umount2),       SCMP_SYS(pivot_root),       SCMP_SYS(chroot),            SCMP_SYS(setns),
    SCMP_SYS(unshare),       SCMP_SYS(bpf),              SCMP_SYS(keyctl),            SCMP_SYS(add_key),
    SCMP_SYS(request_key),   SCMP_SYS(userfaultfd),      SCMP_SYS(perf_event_open),   SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(kexec_load),      SCMP_SYS(init_module),
    SCMP_SYS(finit_module),  SCMP_SYS(delete_module),    SCMP_SYS(reboot),            SCMP_SYS(swapon),
    SCMP_SYS(acct),          SCMP_SYS(syslog),           SCMP_SYS(quotactl),          SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at), SCMP_SYS(personality),  SCMP_SYS(move_mount),        SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),        SCMP_SYS(fsmount),          SCMP_SYS(kcmp),              SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime), SCMP_SYS(sethostname),      SCMP_SYS(iopl),              SCMP_SYS(ioperm)};

std::optional<std::string> filter_system_calls() {
  const scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
  if (context == nullptr) return "libseccomp cannot start";
  int code = 0;
  for (const int call : denied) {
    // One that this architecture lacks is no loss.
    if (const int added = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), call, 0); added != 0 && added != -EDOM) code = added;
  }
  const std::uint64_t new_namespaces = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  for (std::uint64_t flag = 1; flag <= new_namespaces; flag <<= 1) {
    if ((new_namespaces & flag) != 0) {
      seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
    }
  }
  // Flags of clone3 lie in memory, where a filter cannot look: libraries fall back to clone on ENOSYS.
  seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  seccomp_rule_add(context, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX));
  seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffU, 0x5412));  // TIOCSTI
  if (code == 0) code = seccomp_load(context);
  seccomp_release(context);
  if (code != 0) return std::strerror(-code);
  return std::nullopt;
}

void limit(__rlimit_resource what, std::size_t value) {
  if (value == 0) return;
  const rlimit bound{value, value};
  if (::setrlimit(what, &bound) != 0) give_up("cannot set a limit");
}

void limit_resources(const Jail& jail) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  limit(RLIMIT_AS, jail.address_space);
  limit(RLIMIT_FSIZE, jail.file_size);
  limit(RLIMIT_CPU, static_cast<std::size_t>(jail.cpu_seconds));
  limit(RLIMIT_NPROC, static_cast<std::size_t>(jail.processes));
}

void drop_privileges(bool root) {
  if (root && (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 || ::setresuid(nobody, nobody, nobody) != 0)) {
    give_up("cannot become nobody");
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> empty{};
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (::syscall(SYS_capset, &header, empty.data()) != 0) give_up("cannot drop capabilities");
}

// ---- processes ------------------------------------------------------------------------------------------------------

// As our child ended, so do we.
[[noreturn]] void end_like(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (WIFSIGNALED(status)) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::signal(WTERMSIG(status), SIG_DFL);
    ::raise(WTERMSIG(status));
    std::_Exit(128 + WTERMSIG(status));  // pid 1 is not killed by its own signals: the launcher outside reads this
  }
  std::_Exit(WEXITSTATUS(status));
}

[[noreturn]] void end_as_init(pid_t program) {
  int status = 0;
  for (;;) {
    const pid_t ended = ::wait(&status);
    if (ended == program) break;
    if (ended < 0 && errno != EINTR) std::_Exit(jail_failed);
  }
  // Handed on through the pipe, since init cannot die of a signal itself.
  std::_Exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

struct Shut {
  std::string namespaces;  // why not, empty if they hold
  std::optional<std::string> landlock, seccomp;
};

// Everything that is done in the process that becomes the program.
Shut shut_in(const Jail& jail, bool namespaces, bool root, std::string why_not) {
  if (namespaces) build_root(jail);
  limit_resources(jail);
  drop_privileges(root);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up("cannot set no_new_privs");
  Shut shut{.namespaces = std::move(why_not), .landlock = landlock(jail), .seccomp = {}};
  shut.seccomp = filter_system_calls();
  if (!namespaces && shut.landlock) give_up("neither namespaces (" + shut.namespaces + ") nor Landlock (" + *shut.landlock + ") can be had here", 0);
  return shut;
}

// One line a layer, after trying what it must prevent.
void probe(const Shut& shut) {
  const auto line = [](const char* layer, bool holds, const std::string& why) {
    if (holds) std::printf("%s\n", layer);
    else std::printf("unavailable: %s (%s)\n", layer, why.c_str());
  };
  const bool no_host = ::open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0;
  line("user namespace", shut.namespaces.empty(), shut.namespaces);
  line("pid namespace", shut.namespaces.empty() && ::getpid() < 8, shut.namespaces);
  line("mount namespace", shut.namespaces.empty() && ::access("/etc/passwd", F_OK) != 0, shut.namespaces);
  line("network namespace", shut.namespaces.empty(), shut.namespaces);
  line("landlock", !shut.landlock && no_host, shut.landlock.value_or("/etc/passwd can be read"));
  const bool no_network = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0;
  line("seccomp", !shut.seccomp && no_network, shut.seccomp.value_or("a socket can be made"));
  line("no_new_privs", ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "prctl");
  line("not root", ::geteuid() != 0, "still root");
  std::printf("rlimits\n");
  std::fflush(stdout);
}

[[noreturn]] void become_program(const Shut& shut, std::span<char*> program) {
  if (program.empty()) {
    probe(shut);
    std::_Exit(0);
  }
  ::execve(program[0], program.data(), environ);
  give_up(std::string("cannot start ") + program[0]);
}

}  // namespace

int jail_main(std::span<char*> argv) {
  if (argv.size() < 4) give_up("usage: --jail SPEC -- PROGRAM ARGUMENT...", EINVAL);
  const auto spec = jail_from_json(argv[2]);
  if (!spec) give_up(spec.error().message, EINVAL);
  const Jail& jail = *spec;
  const bool probing = std::string_view(argv[3]) == "--probe";
  // argv ends with a null pointer behind its last element: execve needs it, too.
  const std::span<char*> program = probing ? std::span<char*>{} : argv.subspan(4);
  const bool root = ::geteuid() == 0;
  if (root) {
    for (const std::string& path : jail.writable) {
      if (::chown(path.c_str(), nobody, nobody) != 0) give_up("cannot hand over " + path);
    }
  }

  int ready[2], mapped[2];
  if (::pipe2(ready, O_CLOEXEC) != 0 || ::pipe2(mapped, O_CLOEXEC) != 0) give_up("cannot make a pipe");
  const pid_t inner = ::fork();
  if (inner < 0) give_up("cannot fork");
  if (inner == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    const bool namespaces =
        ::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) == 0;
    std::string why_not = namespaces ? "" : std::strerror(errno);
    char answer = namespaces ? 'n' : '-';
    if (::write(ready[1], &answer, 1) != 1) std::_Exit(jail_failed);
    if (::read(mapped[0], &answer, 1) != 1) std::_Exit(jail_failed);
    if (namespaces && answer != 'y') give_up("cannot map users", EPERM);
    if (!namespaces) {
      const Shut shut = shut_in(jail, false, root, std::move(why_not));
      become_program(shut, program);
    }
    // Ids of the new namespace: capabilities over its mounts come with them.
    if (root && (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0)) give_up("cannot become root of the namespace");
    const pid_t init = ::fork();
    if (init < 0) give_up("cannot fork");
    if (init > 0) end_like(init);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    const pid_t last = ::fork();
    if (last < 0) give_up("cannot fork");
    if (last > 0) end_as_init(last);
    const Shut shut = shut_in(jail, true, root, "");
    become_program(shut, program);
  }
  char answer = '-';
  if (::read(ready[0], &answer, 1) == 1) {
    if (answer == 'n') answer = map_ids(inner, root) ? 'y' : 'x';
    [[maybe_unused]] const ssize_t written = ::write(mapped[1], &answer, 1);
  }
  int status = 0;
  while (::waitpid(inner, &status, 0) < 0 && errno == EINTR) {}
  int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == 0 && WEXITSTATUS(status) > 128) signal = WEXITSTATUS(status) - 128;
  if (signal > 0 && signal < NSIG) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
  return WEXITSTATUS(status);
}

}  // namespace kerf
