// What the device was like while a candidate was timed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "evaluate/evaluator.h"
#include "evaluate/machine_watch.h"

namespace kerf {

class DeviceDiary {
 public:
  // One round, from before and after it; `kept`: it counts.
  void note(const MachineLoad& before, const MachineLoad& after, bool kept);
  // The check `quiet_device`. None where no device told anything.
  [[nodiscard]] std::optional<Check> check() const;

 private:
  int rounds_ = 0, disturbed_ = 0, discarded_ = 0;
  std::map<std::string, int> held_back_;  // reason -> rounds that were kept under it
  std::optional<int> others_;
  std::vector<unsigned> clocks_;
};

}  // namespace kerf
