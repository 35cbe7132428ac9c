#include "evaluate/device_diary.h"

#include <algorithm>
#include <set>

namespace kerf {

void DeviceDiary::note(const MachineLoad& before, const MachineLoad& after, bool kept) {
  if (!before.device || !after.device) return;
  const bool disturbed = is_disturbed(before) || is_disturbed(after);
  if (!kept) {
    ++discarded_;
    return;
  }
  ++rounds_;
  disturbed_ += disturbed ? 1 : 0;
  std::set<std::string> why;
  for (const DeviceLoad* device : {&*before.device, &*after.device}) {
    why.insert(device->held_back.begin(), device->held_back.end());
    if (device->others) others_ = std::max(others_.value_or(0), *device->others);
    if (device->clock_mhz) clocks_.push_back(*device->clock_mhz);
  }
  for (const auto& reason : why) ++held_back_[reason];
}

std::optional<Check> DeviceDiary::check() const {
  if (rounds_ == 0) return std::nullopt;
  Check check{.name = "quiet_device",
              .passed = disturbed_ == 0,
              .detail = {{"rounds", rounds_},
                         {"disturbed", disturbed_},
                         {"discarded", discarded_},
                         {"held_back", held_back_},
                         {"other_processes", others_ ? nlohmann::json(*others_) : nlohmann::json()}}};
  if (!clocks_.empty()) {
    const auto [low, high] = std::ranges::minmax(clocks_);
    check.detail["clock_mhz"] = {{"low", low}, {"high", high}};
  }
  return check;
}

}  // namespace kerf
