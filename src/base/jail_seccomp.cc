// Which system calls the jail may make.
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "base/jail_layers.h"

namespace kerf {
namespace {

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

}  // namespace

std::vector<RefusedCall> refused_calls() {
  std::vector<RefusedCall> rules;
  for (const int call : denied) rules.push_back({call, EPERM});
  // Its flags lie in memory, out of a filter's sight: the C library falls back to clone.
  rules.push_back({SCMP_SYS(clone3), ENOSYS});
  for (std::uint64_t bit = 1; bit <= namespace_flags; bit <<= 1U) {
    if ((bit & namespace_flags) != 0) rules.push_back({SCMP_SYS(clone), EPERM, SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit)});
  }
  rules.push_back({SCMP_SYS(socket), EPERM, SCMP_A0(SCMP_CMP_NE, AF_UNIX)});
  // TIOCSTI: typing into a terminal.
  rules.push_back({SCMP_SYS(ioctl), EPERM, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffU, 0x5412)});
  return rules;
}

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
  for (const RefusedCall& rule : refused_calls()) {
    const std::uint32_t refuse = SCMP_ACT_ERRNO(static_cast<unsigned>(rule.error));
    const int got = ::seccomp_rule_add_array(filter.context, refuse, rule.call, rule.when ? 1 : 0,
                                             rule.when ? &*rule.when : nullptr);
    if (got != 0 && got != -EDOM) code = got;  // EDOM: no call of this architecture
  }
  if (code != 0) return "no rule: " + errno_words(-code);
  if (const int loaded = ::seccomp_load(filter.context); loaded != 0) return "refused: " + errno_words(-loaded);
  return {};
}

}  // namespace kerf
