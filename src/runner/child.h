// One candidate in a process of its own: forked by the zygote, locked down, then it serves runs until its channel
// closes.
#pragma once

#include "base/channel.h"
#include "runner/bridge/bridge.h"

namespace kerf {

// Returns the process's exit code.
[[nodiscard]] int serve_candidate(const KerfBridge& bridge, const Channel& channel);

}  // namespace kerf
