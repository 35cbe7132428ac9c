// Processes of the oracle's Python package.
#pragma once

#include <string>

#include "base/channel.h"
#include "base/process.h"
#include "base/result.h"
#include "evaluate/oracle_client.h"

namespace kerf {

struct OracleProcess {
  Process process = {};
  Channel channel = {};
  std::string python = {};  // which runs it
};

// One to which nothing was said yet. `threads` are PyTorch's, `compilers` the processes that torch.compile may use
// beside it. Kind unavailable where there is no Python.
[[nodiscard]] Result<OracleProcess> start_oracle_process(const OracleOptions& options, int threads, int compilers);

inline constexpr int oracle_protocol = 1;

}  // namespace kerf
