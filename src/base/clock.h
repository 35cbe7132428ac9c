// Time as a seam: engines ask a Clock, tests turn a FakeClock.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace kerf {

using Nanoseconds = std::chrono::nanoseconds;

struct Clock {
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  [[nodiscard]] virtual Nanoseconds now() const = 0;       // monotonic
  [[nodiscard]] virtual std::int64_t unix_ms() const = 0;  // wall time, for records only
};

struct SystemClock final : Clock {
  [[nodiscard]] Nanoseconds now() const override;
  [[nodiscard]] std::int64_t unix_ms() const override;
};

struct FakeClock final : Clock {
  Nanoseconds time{0};
  std::int64_t epoch_ms = 1'700'000'000'000;
  [[nodiscard]] Nanoseconds now() const override { return time; }
  [[nodiscard]] std::int64_t unix_ms() const override { return epoch_ms + time.count() / 1'000'000; }
};

[[nodiscard]] inline double seconds(Nanoseconds d) { return static_cast<double>(d.count()) * 1e-9; }
// 2026-11-23T19:08:00Z
[[nodiscard]] std::string iso_time(std::int64_t unix_ms);

}  // namespace kerf
