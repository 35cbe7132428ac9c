// NVRTC, NVIDIA's compiler of CUDA C++ as a library: found on this machine, loaded by a process in the jail
// (kerf-runner
// --nvrtc), never by kerf itself.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "candidate/nvrtc_protocol.h"
#include "target/cpu/messages.h"

namespace kerf {

// $KERF_NVRTC (a file), else beside the packages of kerf's Python, else in a CUDA installation ($CUDA_HOME,
// /usr/local/cuda*), else where the system's libraries are. `unavailable: …` says what to install.
[[nodiscard]] Result<std::filesystem::path> find_nvrtc();

// Errors and warnings with their source line and caret: file, line and, where the caret stands under a line that
// `candidate` has there too, the column in it.
[[nodiscard]] std::vector<CompilerMessage> read_nvrtc_log(std::string_view log, std::string_view candidate);

// Processes that compile, each one request at a time; as many as callers ask at once.
class Nvrtc {
 public:
  // Starts the first process (0.2 s).
  [[nodiscard]] static Result<std::unique_ptr<Nvrtc>> start(std::filesystem::path library);
  ~Nvrtc();
  Nvrtc(const Nvrtc&) = delete;
  Nvrtc& operator=(const Nvrtc&) = delete;

  // Blocks; safe to call from several threads. Kind system: the process is gone (twice).
  [[nodiscard]] Result<NvrtcAnswer> compile(const NvrtcRequest& request);
  [[nodiscard]] const std::string& version() const { return version_; }  // "NVRTC 13.0"

 private:
  struct Worker;
  explicit Nvrtc(std::filesystem::path library);
  [[nodiscard]] Result<std::unique_ptr<Worker>> start_worker();
  [[nodiscard]] Result<std::unique_ptr<Worker>> idle_worker();

  std::filesystem::path library_;
  std::string version_;
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace kerf
