// kerf-runner: the process that executes candidates' machine code, and the launcher of the jail that it and the
// compilers run in. Started by kerf only.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

#include "base/jail.h"
#include "runner/cuda/cuda_worker.h"
#include "runner/nvrtc_worker.h"
#include "runner/zygote.h"

int main(int argc, char** argv) {
  const std::span<char*> args(argv, static_cast<std::size_t>(argc));
  if (args.size() > 1 && std::string_view(args[1]) == "--jail") return kerf::jail_main(args);
  int fd = -1;
  if (args.size() == 4 && std::string_view(args[1]) == "--serve" &&
      std::from_chars(args[2], args[2] + std::strlen(args[2]), fd).ec == std::errc() && fd > 2) {
    return kerf::serve_zygote(args[3], kerf::Channel(kerf::Fd(fd)));
  }
  if (args.size() == 4 && std::string_view(args[1]) == "--nvrtc" &&
      std::from_chars(args[2], args[2] + std::strlen(args[2]), fd).ec == std::errc() && fd > 2) {
    return kerf::serve_nvrtc(args[3], kerf::Channel(kerf::Fd(fd)));
  }
  int device = -1;
  if (args.size() == 4 && std::string_view(args[1]) == "--cuda" &&
      std::from_chars(args[2], args[2] + std::strlen(args[2]), fd).ec == std::errc() && fd > 2 &&
      std::from_chars(args[3], args[3] + std::strlen(args[3]), device).ec == std::errc() && device >= 0) {
    return kerf::serve_cuda(device, kerf::Channel(kerf::Fd(fd)));
  }
  std::fputs("kerf-runner is started by kerf; run `kerf --help`\n", stderr);
  return 2;
}
