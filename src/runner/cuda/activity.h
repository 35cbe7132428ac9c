// What ran on the device, by CUPTI's records of activity: every kernel, copy and filling, with its stream and its
// times, whoever launched it. Layouts and numbers are those of cupti_activity.h, of the part that has been the same
// since CUDA 9.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "candidate/device_protocol.h"

namespace kerf {

// Each returns a code, 0 for success.
struct ActivityFunctions {
  using Requested = void (*)(std::uint8_t** buffer, std::size_t* bytes, std::size_t* most_records);
  using Completed = void (*)(void* context, std::uint32_t stream, std::uint8_t* buffer, std::size_t bytes,
                             std::size_t valid);
  int (*register_callbacks)(Requested, Completed);
  int (*enable)(int kind);
  int (*disable)(int kind);
  int (*flush)(std::uint32_t flags);
  int (*next)(std::uint8_t* buffer, std::size_t valid, void** record);
  int (*result_string)(int, const char**);
};

// nullopt: of a kind that is not asked for.
[[nodiscard]] std::optional<DeviceActivity> read_activity(const void* record);

class ActivityRecorder {
 public:
  // `unavailable: …` if the library cannot be loaded or has no such functions.
  [[nodiscard]] static Result<ActivityRecorder> load(const std::string& path);
  // What ran on the device during `run`, which waits for the device, in the order in which it began. Counters must not
  // be enabled at the same time. An error of kind unavailable says what forbids it; those of `run` are handed back.
  [[nodiscard]] Result<std::vector<DeviceActivity>> record(const std::function<Result<>()>& run);

  // For tests: over functions that play CUPTI.
  explicit ActivityRecorder(const ActivityFunctions& functions) : call_(functions) {}

 private:
  ActivityFunctions call_;
};

}  // namespace kerf
