#include "runner/nvrtc_worker.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "candidate/nvrtc_protocol.h"
#include "candidate/run_protocol.h"

namespace kerf {
namespace {

constexpr std::chrono::milliseconds for_ever{-1};

// The few functions of nvrtc.h that are used; 0 is success. Their signatures have not changed since CUDA 11.1.
struct Nvrtc {
  using Program = void*;
  int (*version)(int*, int*) = nullptr;
  int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  int (*destroy)(Program*) = nullptr;
  int (*add_name)(Program, const char*) = nullptr;
  int (*compile)(Program, int, const char* const*) = nullptr;
  int (*lowered_name)(Program, const char*, const char**) = nullptr;
  int (*log_size)(Program, std::size_t*) = nullptr;
  int (*log)(Program, char*) = nullptr;
  int (*cubin_size)(Program, std::size_t*) = nullptr;
  int (*cubin)(Program, char*) = nullptr;
  const char* (*error)(int) = nullptr;
};

Result<Nvrtc> load(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return fail(ErrorKind::unavailable, fmt::format("cannot load {}: {}", path, why == nullptr ? "" : why));
  }
  Nvrtc nvrtc;
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr) missing = name;
  };
  find(nvrtc.version, "nvrtcVersion");
  find(nvrtc.create, "nvrtcCreateProgram");
  find(nvrtc.destroy, "nvrtcDestroyProgram");
  find(nvrtc.add_name, "nvrtcAddNameExpression");
  find(nvrtc.compile, "nvrtcCompileProgram");
  find(nvrtc.lowered_name, "nvrtcGetLoweredName");
  find(nvrtc.log_size, "nvrtcGetProgramLogSize");
  find(nvrtc.log, "nvrtcGetProgramLog");
  find(nvrtc.cubin_size, "nvrtcGetCUBINSize");
  find(nvrtc.cubin, "nvrtcGetCUBIN");
  find(nvrtc.error, "nvrtcGetErrorString");
  if (missing != nullptr) return fail(ErrorKind::unavailable, fmt::format("{} has no {}", path, missing));
  return nvrtc;
}

// The library counts the final zero of the log.
std::string taken(int (*size_of)(Nvrtc::Program, std::size_t*), int (*get)(Nvrtc::Program, char*),
                  Nvrtc::Program program) {
  std::size_t size = 0;
  if (size_of(program, &size) != 0 || size == 0) return {};
  std::string bytes(size, '\0');
  if (get(program, bytes.data()) != 0) return {};
  return bytes;
}

NvrtcAnswer compile(const Nvrtc& nvrtc, const NvrtcRequest& request) {
  NvrtcAnswer answer;
  Nvrtc::Program program = nullptr;
  if (const int code = nvrtc.create(&program, request.text.c_str(), "candidate", 0, nullptr, nullptr); code != 0) {
    answer.log = nvrtc.error(code);
    return answer;
  }
  for (const std::string& name : request.names) nvrtc.add_name(program, name.c_str());
  std::vector<const char*> options;
  for (const std::string& option : request.options) options.push_back(option.c_str());
  const int code = nvrtc.compile(program, static_cast<int>(options.size()), options.data());
  answer.log = taken(nvrtc.log_size, nvrtc.log, program);
  while (!answer.log.empty() && answer.log.back() == '\0') answer.log.pop_back();
  if (code != 0) {
    if (answer.log.empty()) answer.log = nvrtc.error(code);
    return answer;
  }
  answer.cubin = taken(nvrtc.cubin_size, nvrtc.cubin, program);
  for (const std::string& name : request.names) {
    const char* symbol = nullptr;
    answer.symbols.emplace_back(nvrtc.lowered_name(program, name.c_str(), &symbol) == 0 ? symbol : "");
  }
  answer.compiled = !answer.cubin.empty();
  return answer;
}

// In a child, which answers itself; its parent answers for one that cannot.
Result<> serve_one(const Nvrtc& nvrtc, const Channel& channel) {
  const ChannelMessage message = TRY(channel.receive(for_ever));
  const NvrtcRequest request = TRY(decode_nvrtc_request(message.body));
  const pid_t child = ::fork();
  if (child < 0) return system_error("cannot fork the CUDA compiler", errno);
  if (child == 0) {
    const rlimit limit{static_cast<rlim_t>(request.cpu_seconds), static_cast<rlim_t>(request.cpu_seconds) + 1};
    ::setrlimit(RLIMIT_CPU, &limit);
    const bool sent = channel.send(encode(compile(nvrtc, request))).has_value();
    ::_exit(sent ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return system_error("cannot wait for the CUDA compiler", errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  NvrtcAnswer answer;
  answer.died =
      WIFSIGNALED(status) ? (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL ? "time" : "signal") : "exit";
  return channel.send(encode(answer));
}

}  // namespace

int serve_nvrtc(const std::string& library, const Channel& channel) {
  const auto nvrtc = load(library);
  if (!nvrtc) {
    static_cast<void>(channel.send(encode(nvrtc.error())));
    return 1;
  }
  int major = 0, minor = 0;
  nvrtc->version(&major, &minor);
  // The first compilation loads the builtins: children inherit them.
  static_cast<void>(compile(*nvrtc, {.text = "extern \"C\" __global__ void k(float* x) { x[threadIdx.x] = 1; }",
                                     .options = {"--gpu-architecture=sm_90a"},
                                     .names = {}}));
  if (!channel.send(encode_number("ready", major * 1000 + minor))) return 0;
  while (serve_one(*nvrtc, channel)) {
  }
  return 0;
}

}  // namespace kerf
