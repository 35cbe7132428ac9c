// CUPTI over nothing, for tests: it counts one thing, and that is launches. Its functions are plain ones, so that there
// is one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "runner/cuda/cupti_calls.h"

namespace kerf {

class FakeCupti {
 public:
  FakeCupti() { now_ = this; }
  FakeCupti(const FakeCupti&) = delete;
  FakeCupti& operator=(const FakeCupti&) = delete;
  ~FakeCupti() { now_ = nullptr; }

  int enabled = 0;  // how often
  bool is_enabled = false;
  // What becomes of a second launch that is counted under one enabling.
  enum class Second : std::uint8_t { counted, not_counted, nan, refused };
  Second second = Second::counted;

  [[nodiscard]] static std::shared_ptr<const CuptiFunctions> table() {
    auto made = std::make_shared<CuptiFunctions>();
    CuptiFunctions& f = *made;
    f.initialize = [](cupti::Plain*) { return 0; };
    f.chip_name = [](cupti::ChipName* ask) {
      ask->name = "FAKE";
      return 0;
    };
    f.host_initialize = [](cupti::HostInitialize* begin) {
      begin->host = now_;
      return 0;
    };
    f.host_end = [](cupti::HostObject*) { return 0; };
    f.add_metrics = [](cupti::AddMetrics*) { return 0; };
    f.image_size = [](cupti::ImageSize* ask) {
      ask->size = 1;
      return 0;
    };
    f.image = [](cupti::ConfigImage*) { return 0; };
    f.passes = [](cupti::Passes* ask) {
      ask->passes = 1;
      return 0;
    };
    f.enable = [](cupti::Enable* ask) {
      if (now_->is_enabled) return 7;
      now_->is_enabled = true;
      ++now_->enabled;
      now_->rows_.clear();
      ask->ranges = now_;
      return 0;
    };
    f.disable = [](cupti::RangesObject*) {
      now_->is_enabled = false;
      return 0;
    };
    f.data_size = [](cupti::DataSize* ask) {
      ask->size = ask->most_ranges;
      return 0;
    };
    f.data_initialize = [](cupti::DataInitialize*) { return 0; };
    f.set_config = [](cupti::SetConfig* config) {
      now_->room_ = config->ranges_a_pass;
      return 0;
    };
    f.start = [](cupti::RangesObject*) { return now_->is_enabled ? now_->start() : 7; };
    f.stop = [](cupti::Stop*) { return 0; };
    f.decode = [](cupti::Decode*) { return 0; };
    f.data_info = [](cupti::DataInfo* ask) {
      ask->ranges = now_->rows_.size();
      return 0;
    };
    f.evaluate = [](cupti::Evaluate* ask) {
      if (ask->range >= now_->rows_.size()) return 7;
      for (std::size_t i = 0; i < ask->count; ++i) ask->values[i] = now_->rows_[ask->range];
      return 0;
    };
    f.result_string = [](int, const char** text) {
      *text = "the fake refuses";
      return 0;
    };
    return made;
  }

 private:
  int start() {
    ++counted_;
    if (rows_.size() == room_) return 7;
    const bool first = rows_.empty();
    if (!first && second == Second::refused) return 7;
    if (!first && second == Second::not_counted) return 0;
    rows_.push_back(!first && second == Second::nan ? std::numeric_limits<double>::quiet_NaN() : counted_);
    return 0;
  }

  std::vector<double> rows_;  // of the launches since it was enabled: the first that was ever counted gives 1
  std::size_t room_ = 0;
  double counted_ = 0;
  inline static FakeCupti* now_ = nullptr;
};

}  // namespace kerf
