// The cuda language: NVRTC makes the cubin that a GPU would load and that is inspected; on a machine without a GPU the
// same source, compiled as C++, is what runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "target/language.h"
#include "target/target.h"
#include "target/toolchain.h"

namespace kerf {

struct CudaOptions {
  bool emulate = true;  // compile for the CPU as well; without, an image is the cubin alone
  std::optional<std::filesystem::path> nvrtc = std::nullopt;   // the machine's otherwise
  std::optional<Compiler> compiler = std::nullopt;             // of the emulation; the machine's best otherwise
  std::optional<std::filesystem::path> images = std::nullopt;  // cache_directory()/images otherwise
  std::chrono::milliseconds limit{30'000};                     // of one compilation
  std::size_t memory = std::size_t{3} << 30;                   // address space of each of the host compiler's processes
};

// Image::path is the cubin, or with `emulate` the emulation's shared object, beside which DIGEST.cubin lies;
// Image::inspected has the kernels of the cubin under "kernels", by the plan's names. `unavailable: …` without NVRTC,
// compiler or jail; from compile() also for what the emulation does not know.
[[nodiscard]] Result<std::unique_ptr<LanguageBackend>> make_cuda_backend(Target target,
                                                                         const CudaOptions& options = {});

// What stands before a candidate when NVRTC compiles it, and the standard that it is compiled by.
[[nodiscard]] Result<std::string> cuda_prelude();
inline constexpr const char* cuda_standard = "--std=c++20";

// Why there are no times, for receipts.
inline constexpr const char* emulated_only =
    "unavailable: executed in an emulation on the CPU, which says nothing of a GPU's time; needs an NVIDIA GPU";

}  // namespace kerf
