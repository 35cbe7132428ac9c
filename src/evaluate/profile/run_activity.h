// What ran on the device in one run of a candidate, and whether a clock on the stream that is timed would have seen all
// of it.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "candidate/device_protocol.h"

namespace kerf {

struct RunActivity {
  struct Event {
    std::string what;         // the kernel's name, "copy", "fill"
    std::int64_t stream = 0;  // as CUPTI numbers them
    double begin_us = 0;      // since the run began
    double us = 0;
    double gap_us = 0;                            // in which nothing ran, right before it
    std::array<std::int64_t, 3> grid{}, block{};  // zeros for what is no kernel, as the next two
    int registers = 0;
    std::int64_t shared_bytes = 0;
    std::int64_t bytes = 0;  // of copies and fillings
  };
  std::int64_t stream = 0;    // the one that is timed
  std::vector<Event> events;  // in the order in which they began, the first ones
  std::int64_t count = 0;     // all of them
  std::int64_t beside = 0;    // of these on other streams
  double span_us = 0;         // from the begin of the run to its end on the stream that is timed
  double idle_us = 0;         // of it, in which nothing ran
  double longest_gap_us = 0;
};

// Of the records of a run between its two marks, keeping `most` events. Kind candidate, with verdict and rule:
// something ran on a stream that the timed one waited for neither at its begin nor at its end. Kind unavailable: the
// records are not whole.
[[nodiscard]] Result<RunActivity> run_activity(const std::vector<DeviceActivity>& records, std::size_t most = 64);

[[nodiscard]] nlohmann::json to_json(const RunActivity& activity);
// Throws what nlohmann::json throws.
[[nodiscard]] RunActivity run_activity_from(const nlohmann::json& json);

}  // namespace kerf
