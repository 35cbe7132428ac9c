// What the layers of a jail refuse and allow, before a kernel is asked. That kernels do so is tested in
// tests/integration/jail_test.cc.
#include "base/jail_layers.h"

#include <gmock/gmock.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace kerf {
namespace {

using testing::AnyOf;

constexpr std::uint64_t execute = LANDLOCK_ACCESS_FS_EXECUTE, write_file = LANDLOCK_ACCESS_FS_WRITE_FILE,
                        read_file = LANDLOCK_ACCESS_FS_READ_FILE, read_folder = LANDLOCK_ACCESS_FS_READ_DIR,
                        make_file = LANDLOCK_ACCESS_FS_MAKE_REG, remove_file = LANDLOCK_ACCESS_FS_REMOVE_FILE;
constexpr long newest = 6;

// What may be done with exactly this path.
std::uint64_t access_to(const std::string& path, const Jail& jail, long abi = newest) {
  std::uint64_t access = 0;
  for (const LandlockRules::Path& each : landlock_rules(jail, abi).allowed)
    if (each.path == path) access |= each.access;
  return access;
}

TEST(JailLandlock, WhatIsReadOnlyIsReadAndExecuted) {
  EXPECT_EQ(access_to("/usr", {.read_only = {"/usr"}}), read_file | read_folder | execute);
}

TEST(JailLandlock, WhatCanBeWrittenIsNeverExecuted) {
  for (const std::string path : {"/work", "/tmp"}) {
    const std::uint64_t access = access_to(path, {.writable = {"/work"}, .tmp_bytes = 1});
    EXPECT_EQ(access & execute, 0U) << path;
    const std::uint64_t needed = read_file | read_folder | write_file | make_file | remove_file;
    EXPECT_EQ(access & needed, needed) << path;
  }
}

TEST(JailLandlock, DevicesAreReadAndWrittenAndNothingIsMadeThere) {
  for (const char* device : jail_devices)
    EXPECT_EQ(access_to(device, Jail{}) & (execute | read_file | write_file | make_file | remove_file),
              read_file | write_file)
        << device;
}

TEST(JailLandlock, TmpAndProcAreThereOnlyIfTheJailHasThem) {
  EXPECT_EQ(access_to("/tmp", {.tmp_bytes = 0}), 0U);
  EXPECT_EQ(access_to("/proc", {.proc = false}), 0U);
  EXPECT_EQ(access_to("/proc", {.proc = true}), read_file | read_folder | write_file);
}

TEST(JailLandlock, NothingElseIsAllowed) {
  const Jail jail{.read_only = {"/usr"}, .writable = {"/work"}, .tmp_bytes = 1, .proc = true};
  EXPECT_EQ(landlock_rules(jail, newest).allowed.size(), 4 + jail_devices.size());
  EXPECT_EQ(landlock_rules({.tmp_bytes = 0}, newest).allowed.size(), jail_devices.size());
}

TEST(JailLandlock, AKernelIsAskedForWhatItKnows) {
  // By ABI: 2 moves between folders, 3 truncation, 5 ioctl on devices; 4 TCP; 6 signals and abstract sockets.
  const auto files = [](long abi) { return landlock_rules({}, abi).files; };
  EXPECT_EQ(files(1), (1U << 13) - 1);
  EXPECT_EQ(files(2), (1U << 14) - 1);
  EXPECT_EQ(files(3), (1U << 15) - 1);
  EXPECT_EQ(files(4), files(3));
  EXPECT_EQ(files(5), (1U << 16) - 1);
  EXPECT_EQ(landlock_rules({}, 3).network, 0U);
  EXPECT_EQ(landlock_rules({}, 4).network, 3U);
  EXPECT_EQ(landlock_rules({}, 5).scoped, 0U);
  EXPECT_EQ(landlock_rules({}, 6).scoped, 3U);
}

TEST(JailLandlock, NoRuleAllowsWhatIsNotRefusedElsewhere) {
  // The kernel takes no rule with a right that its ruleset does not handle.
  for (long abi = 1; abi <= newest; ++abi) {
    const LandlockRules rules = landlock_rules({.read_only = {"/usr"}, .writable = {"/work"}, .proc = true}, abi);
    for (const auto& [path, access] : rules.allowed) EXPECT_EQ(access & ~rules.files, 0U) << path << " of ABI " << abi;
  }
}

// What a call with these arguments ends with; 0 where it is let through.
int error_of(int call, std::array<std::uint64_t, 2> arguments = {}) {
  for (const RefusedCall& rule : refused_calls()) {
    if (rule.call != call) continue;
    if (!rule.when) return rule.error;
    const std::uint64_t argument = arguments.at(rule.when->arg);
    const bool refused = rule.when->op == SCMP_CMP_NE ? argument != rule.when->datum_a
                                                      : (argument & rule.when->datum_a) == rule.when->datum_b;
    if (refused) return rule.error;
  }
  return 0;
}

TEST(JailSeccomp, ComparesInTwoWays) {
  for (const RefusedCall& rule : refused_calls()) {
    if (!rule.when) continue;
    EXPECT_THAT(rule.when->op, AnyOf(SCMP_CMP_NE, SCMP_CMP_MASKED_EQ)) << "error_of() understands no more";
  }
}

TEST(JailSeccomp, LetsProgramsRun) {
  for (const int call : {SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(openat), SCMP_SYS(mmap), SCMP_SYS(execve),
                         SCMP_SYS(wait4), SCMP_SYS(futex), SCMP_SYS(exit_group)})
    EXPECT_EQ(error_of(call), 0) << call;
}

TEST(JailSeccomp, RefusesOtherProcessesNewNamespacesAndMounts) {
  for (const int call :
       {SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd),
        SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(mount), SCMP_SYS(move_mount), SCMP_SYS(pivot_root), SCMP_SYS(bpf),
        SCMP_SYS(io_uring_setup), SCMP_SYS(open_by_handle_at)})
    EXPECT_EQ(error_of(call), EPERM) << call;
}

TEST(JailSeccomp, ProcessesAndThreadsAreMadeInTheNamespacesThatAreThere) {
  constexpr std::uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  EXPECT_EQ(error_of(SCMP_SYS(clone), {SIGCHLD}), 0);
  EXPECT_EQ(error_of(SCMP_SYS(clone), {thread}), 0);
  for (const std::uint64_t space :
       {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP})
    EXPECT_EQ(error_of(SCMP_SYS(clone), {space | SIGCHLD}), EPERM) << space;
  EXPECT_EQ(error_of(SCMP_SYS(clone3)), ENOSYS) << "the C library then uses clone, whose flags can be seen";
}

TEST(JailSeccomp, SocketsAreThoseOfTheMachineAlone) {
  EXPECT_EQ(error_of(SCMP_SYS(socket), {AF_UNIX}), 0);
  for (const std::uint64_t family : {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK})
    EXPECT_EQ(error_of(SCMP_SYS(socket), {family}), EPERM) << family;
}

TEST(JailSeccomp, NobodyTypesIntoATerminal) {
  constexpr std::uint64_t type = 0x5412, size = 0x5413;  // TIOCSTI, TIOCGWINSZ
  EXPECT_EQ(error_of(SCMP_SYS(ioctl), {0, type}), EPERM);
  EXPECT_EQ(error_of(SCMP_SYS(ioctl), {0, type | std::uint64_t{1} << 40}), EPERM) << "the kernel reads 32 bits";
  EXPECT_EQ(error_of(SCMP_SYS(ioctl), {0, size}), 0);
}

}  // namespace
}  // namespace kerf
