// CUPTI's records of activity over nothing, for tests: it hands out the records that it was given. Its functions are
// plain ones, so that there is one at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "runner/cuda/activity.h"

namespace kerf {

class FakeActivity {
 public:
  // As they lie in CUPTI's memory: numbers at the offsets of cupti_activity.h.
  static constexpr std::size_t record_bytes = 216;
  using Record = std::array<std::uint8_t, record_bytes>;

  FakeActivity() { now_ = this; }
  FakeActivity(const FakeActivity&) = delete;
  FakeActivity& operator=(const FakeActivity&) = delete;
  ~FakeActivity() { now_ = nullptr; }

  std::vector<Record> records;
  int at_enable = 0;  // what enabling says
  [[nodiscard]] bool is_on() const { return !on_.empty(); }

  [[nodiscard]] static Record kernel(const char* name, std::uint32_t stream, std::uint64_t begin, std::uint64_t end) {
    Record record{};
    put<std::uint32_t>(record, 0, 10);
    put<std::uint16_t>(record, 6, 40);
    put(record, 16, begin);
    put(record, 24, end);
    put(record, 48, stream);
    for (std::size_t i = 0; i < 3; ++i) {
      put<std::int32_t>(record, 52 + 4 * i, static_cast<std::int32_t>(i) + 1);
      put<std::int32_t>(record, 64 + 4 * i, 1 << (5 - i));
    }
    put<std::int32_t>(record, 76, 1024);
    put<std::int32_t>(record, 80, 512);
    put(record, 104, name);
    return record;
  }
  [[nodiscard]] static Record filling(std::uint64_t bytes, std::uint32_t stream, std::uint64_t begin,
                                      std::uint64_t end) {
    Record record{};
    put<std::uint32_t>(record, 0, 2);
    put(record, 8, bytes);
    put(record, 16, begin);
    put(record, 24, end);
    put(record, 40, stream);
    return record;
  }
  template <class T>
  static void put(Record& record, std::size_t offset, T value) {
    std::memcpy(record.data() + offset, &value, sizeof(T));
  }

  [[nodiscard]] static ActivityFunctions table() {
    return {.register_callbacks =
                [](ActivityFunctions::Requested requested, ActivityFunctions::Completed completed) {
                  now_->requested_ = requested;
                  now_->completed_ = completed;
                  return 0;
                },
            .enable =
                [](int kind) {
                  if (now_->at_enable == 0) now_->on_.insert(kind);
                  return now_->at_enable;
                },
            .disable =
                [](int kind) {
                  now_->on_.erase(kind);
                  return 0;
                },
            .flush = [](std::uint32_t) { return now_->hand_out(); },
            .next = [](std::uint8_t* buffer, std::size_t valid, void** record) { return after(buffer, valid, record); },
            .result_string =
                [](int, const char** text) {
                  *text = "the fake refuses";
                  return 0;
                }};
  }

 private:
  int hand_out() const {
    for (const Record& record : records) {
      std::uint8_t* buffer = nullptr;
      std::size_t bytes = 0, most = 0;
      requested_(&buffer, &bytes, &most);
      std::ranges::copy(record, buffer);
      completed_(nullptr, 0, buffer, bytes, record.size());
    }
    return 0;
  }
  static int after(std::uint8_t* buffer, std::size_t valid, void** record) {
    auto* const at = *record == nullptr ? buffer : static_cast<std::uint8_t*>(*record) + record_bytes;
    if (at + record_bytes > buffer + valid) return 12;  // CUPTI_ERROR_MAX_LIMIT_REACHED
    *record = at;
    return 0;
  }

  std::set<int> on_;
  ActivityFunctions::Requested requested_ = nullptr;
  ActivityFunctions::Completed completed_ = nullptr;
  inline static FakeActivity* now_ = nullptr;
};

}  // namespace kerf
