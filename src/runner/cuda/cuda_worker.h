// The process that runs candidates on one GPU: kerf-runner --cuda.
#pragma once

#include "base/channel.h"

namespace kerf {

// Serves until the channel closes, or until a candidate's error has cost the device's context. The exit code.
[[nodiscard]] int serve_cuda(int device, const Channel& channel);

}  // namespace kerf
