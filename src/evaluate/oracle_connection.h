// One child process of the oracle's Python package and what is said to it: requests and answers, one at a time.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/channel.h"
#include "base/process.h"
#include "evaluate/oracle_client.h"

namespace kerf {

// The child starts with the first call, and anew after it died or was killed. Not for several threads at a time.
class OracleConnection {
 public:
  // `again`: what every new child is told first, request by request. The options must outlive it.
  OracleConnection(const OracleOptions& options, std::function<std::vector<nlohmann::json>()> again);

  // `file`: the problem's, if what goes wrong is likely its fault. Errors as of make_oracle(). Where the oracle asks
  // for room on its device, what nobody uses is freed and the request made once more.
  [[nodiscard]] Result<nlohmann::json> call(const nlohmann::json& request, std::span<const int> fds,
                                            std::chrono::milliseconds limit, const std::string& file);
  // Which child runs, counted from 1; 0: none does.
  [[nodiscard]] int child();
  // What others have open of a device's memory is closed, then what nobody uses is freed. Of a child that runs.
  [[nodiscard]] Result<> free_spares();
  void close_elsewhere() const;
  // Of Python's packages; null where no child could be started.
  [[nodiscard]] nlohmann::json versions();

 private:
  [[nodiscard]] Result<> start();
  void stop();
  // Sends one request and waits for its answer; what the child says it is doing in between names the phase that did not
  // end. A child that does not answer is killed, the next call starts another.
  [[nodiscard]] Result<nlohmann::json> exchange(const nlohmann::json& request, std::span<const int> fds,
                                                std::chrono::milliseconds limit, const std::string& file);
  [[nodiscard]] std::string how_it_ended();

  const OracleOptions& options_;
  std::function<std::vector<nlohmann::json>()> again_;
  Process process_;
  Channel channel_;
  nlohmann::json versions_;
  int children_ = 0;
};

}  // namespace kerf
