// Processes of the oracle's Python package.
#pragma once

#include <map>
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

// What such a process finds in its environment; of this process's own only what it needs. `package`: the folder that
// holds kerf_oracle. An error if there is no place for caches.
[[nodiscard]] Result<std::map<std::string, std::string>> oracle_environment(const OracleOptions& options,
                                                                            const std::string& package, int threads,
                                                                            int compilers);

inline constexpr int oracle_protocol = 1;

}  // namespace kerf
