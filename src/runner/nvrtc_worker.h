// CUDA C++ to cubins: loads NVRTC once, then compiles each request in a child of its own, so that no source can change
// what becomes of the next. Runs in the jail; kerf's side is target/nvidia/nvrtc.h.
#pragma once

#include <string>

#include "base/channel.h"

namespace kerf {

// Serves until the channel closes. Returns the process's exit code.
[[nodiscard]] int serve_nvrtc(const std::string& library, const Channel& channel);

}  // namespace kerf
