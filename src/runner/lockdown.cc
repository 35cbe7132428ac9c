#include "runner/lockdown.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace kerf {

namespace {

// Signal handlers have no other way to reach what they need.
StatusPage* status_page = nullptr;
std::atomic<const std::vector<Watched>*> watched = nullptr;
std::atomic<int> image_to_open = -1;

constexpr const char* image_path = "/kerf/candidate.so";  // never looked up: see load_image()

[[noreturn]] void end_process(int code) {
  for (;;) ::syscall(SYS_exit_group, code);
}

void name_tensor(std::uintptr_t address) {
  const std::vector<Watched>* tensors = watched.load();
  if (tensors == nullptr) return;
  for (std::size_t i = 0; i < tensors->size(); ++i) {
    const Watched& t = (*tensors)[i];
    const auto at = reinterpret_cast<const std::byte*>(address);
    if (at < t.reserved.data() || at >= t.reserved.data() + t.reserved.size()) continue;
    status_page->inside = at >= t.pages.data() && at < t.pages.data() + t.pages.size() ? 1 : 0;
    std::strncpy(status_page->name.data(), t.name, status_page->name.size() - 1);
    status_page->tensor = static_cast<std::int32_t>(i) + 1;
    return;
  }
}

void on_fault(int number, siginfo_t* info, void*) {
  if (status_page->fault.load() == StatusPage::Fault::none) {
    if (number == SIGSEGV || number == SIGBUS) name_tensor(reinterpret_cast<std::uintptr_t>(info->si_addr));
    status_page->number = number;
    status_page->address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    status_page->fault = StatusPage::Fault::signal;
  }
  end_process(128 + number);
}

void set_result(ucontext_t& context, std::int64_t value) {
#if defined(__x86_64__)
  context.uc_mcontext.gregs[REG_RAX] = value;
#elif defined(__aarch64__)
  context.uc_mcontext.regs[0] = static_cast<std::uint64_t>(value);
#else
#error "say here where a system call's result goes"
#endif
}

std::int64_t first_argument(const ucontext_t& context) {
#if defined(__x86_64__)
  return context.uc_mcontext.gregs[REG_RDI];
#else
  return static_cast<std::int64_t>(context.uc_mcontext.regs[0]);
#endif
}

std::int64_t third_argument(const ucontext_t& context) {
#if defined(__x86_64__)
  return context.uc_mcontext.gregs[REG_RDX];
#else
  return static_cast<std::int64_t>(context.uc_mcontext.regs[2]);
#endif
}

// A refused system call.
void on_system_call(int, siginfo_t* info, void* raw_context) {
  auto& context = *static_cast<ucontext_t*>(raw_context);
  const int number = info->si_syscall;
  const auto phase = status_page->phase.load();
  if (phase == StatusPage::Phase::launch) {
    status_page->number = number;
    status_page->fault = StatusPage::Fault::system_call;
    end_process(128 + SIGSYS);
  }
  if (phase == StatusPage::Phase::loading) {
    if (number == SYS_openat) {
      const int image = image_to_open.exchange(-1);
      set_result(context, image >= 0 ? image : -ENOENT);
      return;
    }
    if (number == SYS_newfstatat) {  // what fstat() is in newer C libraries
      const long result = ::syscall(SYS_fstat, first_argument(context), third_argument(context));
      set_result(context, result == 0 ? 0 : -errno);
      return;
    }
  }
  set_result(context, -EPERM);
}

Result<> allow(scmp_filter_ctx filter, int call) {
  const int rc = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
  if (rc != 0)
    return fail(ErrorKind::unavailable, std::string("seccomp: cannot allow a system call: ") + std::strerror(-rc));
  return {};
}

Result<> allow_on(scmp_filter_ctx filter, int call, int fd) {
  const scmp_arg_cmp comparison = SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(fd));
  const int rc = ::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &comparison);
  if (rc != 0)
    return fail(ErrorKind::unavailable, std::string("seccomp: cannot allow a system call: ") + std::strerror(-rc));
  return {};
}

Result<> build(scmp_filter_ctx filter, std::span<const int> channels) {
  int rc = ::seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
  if (rc != 0) return fail(ErrorKind::unavailable, "seccomp: this kernel cannot filter all threads at once");
  // mprotect and mmap may make memory executable: oneDNN generates code. It reaches no system call that is not here.
  for (const int call :
       {SCMP_SYS(futex), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(madvise), SCMP_SYS(mremap),
        SCMP_SYS(brk), SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(close),
        SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(sched_yield),
        SCMP_SYS(sched_getaffinity), SCMP_SYS(getrusage), SCMP_SYS(sysinfo), SCMP_SYS(getpid), SCMP_SYS(gettid),
        SCMP_SYS(getcpu), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall), SCMP_SYS(exit),
        SCMP_SYS(exit_group),
        // What a thread does first, signals blocked: PyTorch's second pool may still be starting.
        SCMP_SYS(rseq), SCMP_SYS(set_robust_list)}) {
    TRY(allow(filter, call));
  }
  for (const int call : {SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(recvmsg), SCMP_SYS(recvfrom)})
    for (const int channel : channels) TRY(allow_on(filter, call, channel));
  rc = ::seccomp_load(filter);
  if (rc != 0)
    return fail(ErrorKind::unavailable, std::string("seccomp: cannot load the filter: ") + std::strerror(-rc));
  return {};
}

std::int64_t mapped_bytes() {
  std::int64_t pages = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return std::int64_t{16} << 30;
  if (std::fscanf(file, "%ld", &pages) != 1) pages = (std::int64_t{16} << 30) / ::sysconf(_SC_PAGESIZE);
  std::fclose(file);
  return pages * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

void handle_faults_on_this_thread() {
  constexpr std::size_t bytes = 64 << 10;
  thread_local std::array<std::byte, bytes> stack;
  stack_t alternate{};
  alternate.ss_sp = stack.data();
  alternate.ss_size = stack.size();
  ::sigaltstack(&alternate, nullptr);
}

void handle_faults(StatusPage& page) {
  status_page = &page;
  struct sigaction action{};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigaction(number, &action, nullptr);
  action.sa_sigaction = on_system_call;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  ::sigaction(SIGSYS, &action, nullptr);
}

void watch(const std::vector<Watched>* tensors) { watched = tensors; }

Result<> lock_down(std::span<const int> channels) {
  scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_TRAP);
  if (filter == nullptr) return fail(ErrorKind::unavailable, "seccomp: cannot make a filter");
  auto result = build(filter, channels);
  ::seccomp_release(filter);
  return result;
}

Result<void*> load_image(int image) {
  status_page->phase = StatusPage::Phase::loading;
  image_to_open = image;
  void* handle = ::dlopen(image_path, RTLD_NOW | RTLD_LOCAL);
  image_to_open = -1;
  status_page->phase = StatusPage::Phase::ours;
  if (handle == nullptr) {
    const char* why = ::dlerror();
    Error error{.kind = ErrorKind::candidate,
                .message = std::string("the compiled candidate cannot be loaded: ") + (why == nullptr ? "" : why)};
    error.facts = {{"verdict", "rejected"}, {"rule", "load"}};
    return std::unexpected(std::move(error));
  }
  return handle;
}

Result<> limit_resources(std::int64_t memory) {
  const auto set = [](auto what, rlim_t value) -> Result<> {
    const rlimit limit{value, value};
    if (::setrlimit(what, &limit) != 0) return system_error("cannot set a limit of the candidate's process", errno);
    return {};
  };
  TRY(set(RLIMIT_CORE, 0));
  TRY(set(RLIMIT_AS, static_cast<rlim_t>(mapped_bytes() + memory)));
  constexpr rlim_t an_hour = 3600;
  TRY(set(RLIMIT_CPU, an_hour));
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return system_error("cannot tie a candidate's process to the runner's", errno);
  return {};
}

}  // namespace kerf
