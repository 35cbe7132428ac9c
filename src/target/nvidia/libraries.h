// Where NVIDIA's libraries lie on this machine. kerf links none of them.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

// Beside the packages of kerf's Python, then CUDA installations ($CUDA_HOME, /usr/local/cuda*), then where the system's
// libraries are; in the order in which they are searched. Folders need not exist.
[[nodiscard]] std::vector<std::filesystem::path> nvidia_library_folders();
// Folders in `folder` whose names begin so, the last by name first.
[[nodiscard]] std::vector<std::filesystem::path> folders_below(const std::filesystem::path& folder,
                                                               std::string_view prefix);

// libNAME.so.MAJOR in the folder, the newest; not its variants (libNAME.alt.so). Empty if there is none.
[[nodiscard]] std::filesystem::path newest_library(const std::filesystem::path& folder, std::string_view name);

// CUPTI, which reads a GPU's counters, with what it needs beside it: $KERF_CUPTI (a file), else in the folders above.
// `unavailable: …` says what to install.
[[nodiscard]] Result<std::filesystem::path> find_cupti();

// NVIDIA Nsight Compute, the program: $KERF_NCU, else in PATH, in CUDA installations, in /opt/nvidia/nsight-compute.
// `unavailable: …` if it is nowhere.
[[nodiscard]] Result<std::filesystem::path> find_ncu();

}  // namespace kerf
