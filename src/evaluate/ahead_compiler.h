// Has the baselines of a problem compiled while its candidates are judged: a second process of the oracle's package
// fills the caches of PyTorch's compiler on disk, in which the oracle finds them. What of it runs on the GPU holds the
// GPU's lock. What comes of it is the oracle's to see: whatever fails here, the oracle does itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evaluate/oracle.h"
#include "evaluate/oracle_process.h"

namespace kerf {

// Processes that compile side by side there, where `beside` sessions share the cores: most of them are for candidates
// and their timing.
[[nodiscard]] int compilers_ahead(int beside = 1);

class AheadCompiler {
 public:
  explicit AheadCompiler(OracleOptions options) : options_(std::move(options)) {}

  // Starts the process, if it does not run, so that it is there when a problem comes. What is compiled for another
  // problem is given up. Does not wait.
  void expect();
  // Has these baselines of a workload that moves so many bytes compiled, one after another. Does not wait.
  void begin(const std::string& workload, std::int64_t bytes, const nlohmann::json& problem,
             const std::vector<Baseline>& baselines);
  // Waits until a baseline that is being compiled is ready, or will not be. At once where nothing of it is under way.
  // False if the limit was over first; it is given up then.
  [[nodiscard]] bool wait(const std::string& workload, Baseline baseline, std::chrono::milliseconds limit);
  void stop();

 private:
  struct Asked {
    std::string workload;  // empty: the greeting
    Baseline baseline = Baseline::eager;
  };
  [[nodiscard]] bool send(const nlohmann::json& request, Asked asked);

  OracleOptions options_;
  OracleProcess process_;
  std::deque<Asked> asked_;  // and not yet answered
};

}  // namespace kerf
