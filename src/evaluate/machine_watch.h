// Does anything else use the cores? A receipt must notice company, wait or say so.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

// An accelerator, as its driver sees it. Absent where it does not tell.
struct DeviceLoad {
  std::optional<unsigned> clock_mhz = {};
  std::vector<std::string> held_back = {};  // why it is slower than at other times: "power cap"
  std::optional<int> others = {};           // processes on it that are not ours and may be at work
};

// What the kernel counts, for the whole machine.
struct MachineLoad {
  int running = 0;  // threads that run or want to, ours included
  int cores = 1;
  std::int64_t stolen = 0;                // ticks that the host gave to other guests, since boot
  std::optional<DeviceLoad> device = {};  // where candidates run on one
};

// Of /proc/stat. Unknown lines are skipped; a text without a "cpu" line is an error.
[[nodiscard]] Result<MachineLoad> parse_proc_stat(std::string_view text);

// Of a device that processes share: in use by its owner as long as this lives.
struct DeviceHold {
  DeviceHold() = default;
  DeviceHold(const DeviceHold&) = delete;
  DeviceHold& operator=(const DeviceHold&) = delete;
  virtual ~DeviceHold() = default;
};

struct MachineWatch {
  MachineWatch() = default;
  MachineWatch(const MachineWatch&) = delete;
  MachineWatch& operator=(const MachineWatch&) = delete;
  virtual ~MachineWatch() = default;
  // nullopt where this machine does not tell.
  [[nodiscard]] virtual std::optional<MachineLoad> look() = 0;
  virtual void sleep(std::chrono::microseconds time) = 0;
  // For receipts: model, cores, caches, clock, load. Read once; load anew.
  [[nodiscard]] virtual nlohmann::json describe() = 0;
  // Before anything runs on the device. Waits until no other kerf of this machine holds it alone and, if `alone`, none
  // uses it at all. Null where there is nothing to hold, or it cannot be had: the work goes on, and may have company.
  [[nodiscard]] virtual std::unique_ptr<DeviceHold> hold(bool /*alone*/) { return nullptr; }
};

[[nodiscard]] std::unique_ptr<MachineWatch> make_machine_watch();

// Whether the device is held back, or others use it.
[[nodiscard]] bool is_disturbed(const MachineLoad& load);
// Whether `threads` busy threads would have to share cores with what runs already, or the device is disturbed.
[[nodiscard]] bool is_crowded(const MachineLoad& load, int threads);
// How many times longer than alone `threads` busy threads, or the device, take now, if both are shared fairly; at least
// 1.
[[nodiscard]] double crowding(const MachineLoad& load, int threads);
// Whether a run between two looks had to share cores: it started crowded, or the host took time away. What runs
// afterwards is no sign, it may be the run's own threads that wait for more work.
[[nodiscard]] bool has_company(const MachineLoad& before, const MachineLoad& after, int threads);

// Scripted: answers looks in turn, the last one again and again; sleeping takes no time.
class FakeMachineWatch final : public MachineWatch {
 public:
  std::deque<MachineLoad> loads{MachineLoad{.running = 1, .cores = 64, .stolen = 0}};
  std::chrono::microseconds slept{0};
  [[nodiscard]] std::optional<MachineLoad> look() override {
    const auto load = loads.front();
    if (loads.size() > 1) loads.pop_front();
    return load;
  }
  void sleep(std::chrono::microseconds time) override { slept += time; }
  [[nodiscard]] nlohmann::json describe() override { return {{"cores", 64}}; }
};

}  // namespace kerf
