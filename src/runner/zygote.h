// The process that has PyTorch and the bridge loaded and forks a child for each candidate. It runs no candidate code.
#pragma once

#include <string>

#include "base/channel.h"

namespace kerf {

// Serves kerf on `channel` until it closes. Returns the exit code.
[[nodiscard]] int serve_zygote(const std::string& bridge_path, const Channel& channel);

}  // namespace kerf
