// The parts of exported files that are the same for every candidate.
#pragma once

#include <string>
#include <string_view>

#include "candidate/candidate.h"

namespace kerf {

// C++ behind prelude, candidate and trailer: works a launch off on OpenMP threads, or one thread without OpenMP.
[[nodiscard]] std::string_view export_launcher();
// Python behind the problem's text and KERF_* tables: compiles, loads, allocates, launches, calls, falls back.
[[nodiscard]] std::string export_python_support(Language language);
// The part of it that learns a run, so that later ones cost the host as little as can be; the class ModelNew.
[[nodiscard]] std::string_view export_run();
[[nodiscard]] std::string_view export_model();
// The part of it that compiles C++ and launches it.
[[nodiscard]] std::string_view export_cpu_launcher();
// The part of it that launches kernels through the driver, by ctypes; what compiles CUDA C++ with NVRTC; what has
// Triton's JIT compile.
[[nodiscard]] std::string_view export_cuda_launcher();
[[nodiscard]] std::string_view export_nvrtc();
[[nodiscard]] std::string_view export_triton();

}  // namespace kerf
