// The launcher: outer process (waits, passes the end on) -> first process of the new namespaces (builds the root, gives
// up every right, reaps) -> the program. Runs single-threaded; every layer that the machine refuses is left out and
// noted.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

namespace kerf {

namespace {

constexpr uid_t nobody = 65534;

// Landlock as of ABI 6, spelt out because distributions' headers are older than their kernels.
struct LandlockRules {
  std::uint64_t file_system = 0, network = 0, scoped = 0;
};
constexpr std::uint64_t landlock_read =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t landlock_abi1 = (std::uint64_t{1} << 13) - 1;
constexpr std::uint64_t landlock_refer = std::uint64_t{1} << 13;     // ABI 2
constexpr std::uint64_t landlock_truncate = std::uint64_t{1} << 14;  // ABI 3
constexpr std::uint64_t landlock_ioctl = std::uint64_t{1} << 15;     // ABI 5
constexpr std::uint64_t landlock_files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                         LANDLOCK_ACCESS_FS_READ_FILE | landlock_truncate | landlock_ioctl;

// What became of each layer: an empty reason means that it was put up.
struct Layers {
  std::string namespaces, mounts, landlock, seccomp, user;
  long landlock_abi = 0;
};

std::string why(int code) { return std::strerror(code); }  // NOLINT(concurrency-mt-unsafe): one thread

bool write_text(const char* path, std::string_view text) {
  const Fd fd(::open(path, O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Creates `path` below `root` (a folder, or an empty file) with its parents.
bool make_place(const std::string& root, const std::string& path, bool folder) {
  const std::string full = root + path;
  for (std::size_t slash = full.find('/', root.size() + 1); slash != full.npos; slash = full.find('/', slash + 1)) {
    if (::mkdir(full.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST) return false;
  }
  if (folder) return ::mkdir(full.c_str(), 0755) == 0 || errno == EEXIST;
  const Fd fd(::open(full.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  return static_cast<bool>(fd);
}

constexpr std::array<const char*, 4> devices = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"};
constexpr std::array<const char*, 5> root_links = {"/bin", "/sbin", "/lib", "/lib64", "/lib32"};

// The path behind a link of the root: /lib/x is /usr/lib/x on most systems.
std::string behind_links(const std::string& path) {
  for (const std::string link : root_links) {
    std::array<char, 4096> real{};
    struct stat status{};
    if (path != link && !path.starts_with(link + "/")) continue;
    if (::lstat(link.c_str(), &status) != 0 || !S_ISLNK(status.st_mode) ||
        ::realpath(link.c_str(), real.data()) == nullptr)
      continue;
    return real.data() + path.substr(link.size());
  }
  return path;
}

// Binds `named` of the host to the same path below `root`. What does not exist is skipped.
bool bind_mount(const std::string& root, const std::string& named, bool writable, bool device) {
  const std::string path = behind_links(named);
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return true;
  const std::string to = root + path;
  if (!make_place(root, path, S_ISDIR(status.st_mode))) return false;
  if (::mount(path.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return false;
  // In a user namespace, flags that the host's mount has are locked and must be kept.
  unsigned long wanted = MS_NOSUID;
  if (!writable) wanted |= MS_RDONLY;
  if (!device) wanted |= MS_NODEV;
  for (const unsigned long kept :
       {0UL, static_cast<unsigned long>(MS_NODEV), static_cast<unsigned long>(MS_NODEV | MS_NOEXEC),
        static_cast<unsigned long>(MS_NODEV | MS_NOATIME)}) {
    if (::mount(nullptr, to.c_str(), nullptr, MS_BIND | MS_REMOUNT | wanted | kept, nullptr) == 0) return true;
  }
  return false;
}

// A root of our own in a tmpfs, with nothing in it but what the jail names. Empty if it stands.
std::string build_root(const Jail& jail) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "no private mounts: " + why(errno);
  const std::string root = "/proc";  // a folder that every machine has; covered, it is hidden from the jail anyway
  if (::mount("tmpfs", root.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,mode=755") != 0)
    return "no tmpfs: " + why(errno);
  for (const char* link : root_links) {
    std::array<char, 256> target{};
    const ssize_t n = ::readlink(link, target.data(), target.size() - 1);
    if (n > 0 && ::symlink(target.data(), (root + link).c_str()) != 0) return "no link in the root: " + why(errno);
  }
  if (jail.tmp_bytes > 0) {
    const std::string options = fmt::format("size={},mode=1777", jail.tmp_bytes);
    if (!make_place(root, "/tmp", true)) return "no /tmp: " + why(errno);
    if (::mount("tmpfs", (root + "/tmp").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
      return "no /tmp: " + why(errno);
  }
  for (const char* device : devices) {
    if (!bind_mount(root, device, true, true)) return fmt::format("cannot bind {}: {}", device, why(errno));
  }
  std::vector<std::string> ordered = jail.read_only;
  std::sort(ordered.begin(), ordered.end());  // what contains comes before what is contained
  for (const std::string& path : ordered) {
    if (!bind_mount(root, path, false, false)) return fmt::format("cannot bind {}: {}", path, why(errno));
  }
  for (const std::string& path : jail.writable) {
    if (!bind_mount(root, path, true, false)) return fmt::format("cannot bind {}: {}", path, why(errno));
  }
  if (jail.proc && make_place(root, "/proc", true)) {
    // Masked /proc (containers) refuses this in a user namespace; the jail then has none.
    ::mount("proc", (root + "/proc").c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=0");
  }
  if (::chdir(root.c_str()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0) return "pivot_root: " + why(errno);
  if (::umount2(".", MNT_DETACH) != 0) return "old root stays: " + why(errno);
  if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4m,mode=755") != 0)
    return "root stays writable: " + why(errno);
  return {};
}

long landlock_abi() { return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION); }

bool allow(int rules, const std::string& path, std::uint64_t access) {
  const Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd) return errno == ENOENT || errno == EACCES;
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return false;
  if (!S_ISDIR(status.st_mode)) access &= landlock_files;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = fd.get();
  return ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

std::string landlock(const Jail& jail, long& abi) {
  abi = landlock_abi();
  if (abi <= 0) return "not in this kernel: " + why(errno);
  LandlockRules wanted{.file_system = landlock_abi1, .network = abi >= 4 ? 3U : 0U, .scoped = abi >= 6 ? 3U : 0U};
  if (abi >= 2) wanted.file_system |= landlock_refer;
  if (abi >= 3) wanted.file_system |= landlock_truncate;
  if (abi >= 5) wanted.file_system |= landlock_ioctl;
  const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const Fd rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &wanted, size, 0)));
  if (!rules) return "no ruleset: " + why(errno);
  const std::uint64_t all = wanted.file_system;
  const std::uint64_t file =
      LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | (all & (landlock_truncate | landlock_ioctl));
  bool good = true;
  for (const std::string& path : jail.read_only) good = allow(rules.get(), path, landlock_read) && good;
  for (const std::string& path : jail.writable)
    good = allow(rules.get(), path, all & ~std::uint64_t{LANDLOCK_ACCESS_FS_EXECUTE}) && good;
  for (const char* path : devices) good = allow(rules.get(), path, file) && good;
  if (jail.tmp_bytes > 0) good = allow(rules.get(), "/tmp", all & ~std::uint64_t{LANDLOCK_ACCESS_FS_EXECUTE}) && good;
  if (jail.proc)
    good = allow(rules.get(), "/proc",
                 LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE) &&
           good;
  if (!good) return "a path has no rule: " + why(errno);
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return "refused: " + why(errno);
  return {};
}

// Calls that neither a compiler nor a kernel needs and that reach out of the jail or far into the system's core.
constexpr std::array denied = {SCMP_SYS(ptrace),
                               SCMP_SYS(process_vm_readv),
                               SCMP_SYS(process_vm_writev),
                               SCMP_SYS(kcmp),
                               SCMP_SYS(pidfd_getfd),
                               SCMP_SYS(mount),
                               SCMP_SYS(umount2),
                               SCMP_SYS(pivot_root),
                               SCMP_SYS(chroot),
                               SCMP_SYS(fsopen),
                               SCMP_SYS(fsconfig),
                               SCMP_SYS(fsmount),
                               SCMP_SYS(fspick),
                               SCMP_SYS(move_mount),
                               SCMP_SYS(open_tree),
                               SCMP_SYS(mount_setattr),
                               SCMP_SYS(unshare),
                               SCMP_SYS(setns),
                               SCMP_SYS(bpf),
                               SCMP_SYS(perf_event_open),
                               SCMP_SYS(userfaultfd),
                               SCMP_SYS(io_uring_setup),
                               SCMP_SYS(io_uring_enter),
                               SCMP_SYS(io_uring_register),
                               SCMP_SYS(add_key),
                               SCMP_SYS(request_key),
                               SCMP_SYS(keyctl),
                               SCMP_SYS(kexec_load),
                               SCMP_SYS(kexec_file_load),
                               SCMP_SYS(init_module),
                               SCMP_SYS(finit_module),
                               SCMP_SYS(delete_module),
                               SCMP_SYS(reboot),
                               SCMP_SYS(swapon),
                               SCMP_SYS(swapoff),
                               SCMP_SYS(acct),
                               SCMP_SYS(syslog),
                               SCMP_SYS(quotactl),
                               SCMP_SYS(name_to_handle_at),
                               SCMP_SYS(open_by_handle_at),
                               SCMP_SYS(fanotify_init),
                               SCMP_SYS(lookup_dcookie),
                               SCMP_SYS(personality),
                               SCMP_SYS(settimeofday),
                               SCMP_SYS(clock_settime),
                               SCMP_SYS(clock_adjtime),
                               SCMP_SYS(adjtimex),
                               SCMP_SYS(sethostname),
                               SCMP_SYS(setdomainname),
                               SCMP_SYS(iopl),
                               SCMP_SYS(ioperm),
                               SCMP_SYS(vhangup),
                               SCMP_SYS(migrate_pages),
                               SCMP_SYS(move_pages),
                               SCMP_SYS(mknod),
                               SCMP_SYS(mknodat),
                               SCMP_SYS(shmget),
                               SCMP_SYS(shmat),
                               SCMP_SYS(msgget),
                               SCMP_SYS(semget),
                               SCMP_SYS(mq_open)};
constexpr std::uint64_t namespace_flags =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

std::string filter_calls() {
  struct Filter {
    scmp_filter_ctx context = ::seccomp_init(SCMP_ACT_ALLOW);
    Filter() = default;
    Filter(const Filter&) = delete;
    Filter& operator=(const Filter&) = delete;
    ~Filter() { ::seccomp_release(context); }
  } filter;
  if (filter.context == nullptr) return "no filter";
  ::seccomp_attr_set(filter.context, SCMP_FLTATR_CTL_OPTIMIZE,
                     2);  // a binary tree: a few comparisons a call, not sixty
  ::seccomp_attr_set(filter.context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  int code = 0;
  const auto deny = [&](int call, int error) {
    if (const int got = ::seccomp_rule_add(filter.context, SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call, 0);
        got != 0 && got != -EDOM)
      code = got;
  };
  for (const int call : denied) deny(call, EPERM);
  deny(SCMP_SYS(clone3),
       ENOSYS);  // its flags lie in memory, out of a filter's sight: the C library falls back to clone
  const auto deny_when = [&](int call, scmp_arg_cmp condition) {
    const int got = ::seccomp_rule_add_array(filter.context, SCMP_ACT_ERRNO(EPERM), call, 1, &condition);
    if (got != 0 && got != -EDOM) code = got;
  };
  for (std::uint64_t bit = 1; bit <= namespace_flags; bit <<= 1U) {
    if ((bit & namespace_flags) != 0) deny_when(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit));
  }
  deny_when(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_NE, AF_UNIX));
  deny_when(SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffU, 0x5412));  // TIOCSTI: typing into a terminal
  if (code != 0) return "no rule: " + why(-code);
  if (const int loaded = ::seccomp_load(filter.context); loaded != 0) return "refused: " + why(-loaded);
  return {};
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
    return why(errno);
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
  if (::unshare(root ? all_namespaces : all_namespaces | CLONE_NEWUSER) != 0) return why(errno);
  if (!root) {
    write_text("/proc/self/setgroups", "deny");
    if (!write_text("/proc/self/uid_map", fmt::format("{} {} 1", nobody, uid)) ||
        !write_text("/proc/self/gid_map", fmt::format("{} {} 1", nobody, gid))) {
      return "no mapping of users: " + why(errno);
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
      if (::chown(path.c_str(), nobody, nobody) != 0) layers.user = "cannot give " + path + " away: " + why(errno);
    }
  }
  layers.mounts = layers.namespaces.empty() ? build_root(jail) : "no namespaces";
  if (sealed.was_root) layers.user = become_nobody();
  limit_resources(jail);
  drop_capabilities();
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  layers.landlock = landlock(jail, layers.landlock_abi);
  layers.seccomp = filter_calls();
}

[[noreturn]] void give_up(const std::string& message) {
  std::fprintf(stderr, "kerf: the jail: %s\n", message.c_str());
  ::_exit(jail_failed);
}

// As process 1: starts the program, reaps whatever ends, returns the program's status.
int supervise(char** argv) {
  const pid_t program = ::fork();
  if (program < 0) give_up("cannot fork: " + why(errno));
  if (program == 0) {
    ::execv(argv[0], argv);
    give_up(fmt::format("cannot start {}: {}", argv[0], why(errno)));
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
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up("no pipe: " + why(errno));
  sealed.layers.namespaces = enter_namespaces(sealed.was_root);
  const std::array<char, 4096> folder = [] {
    std::array<char, 4096> path{};
    if (::getcwd(path.data(), path.size()) == nullptr) path[0] = '/';
    return path;
  }();
  const pid_t outer = ::getpid();
  const pid_t first = ::fork();
  if (first < 0) give_up("cannot fork: " + why(errno));
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
    if (::chdir(folder.data()) != 0 && ::chdir("/") != 0) give_up("cannot enter /: " + why(errno));
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
