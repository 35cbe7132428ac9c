// What state an NVIDIA GPU is in while it is timed, and who else uses it. Asked of NVIDIA's management library (NVML),
// loaded at run time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/shared_lock.h"
#include "evaluate/machine_watch.h"

namespace kerf {

// Absent where the GPU does not tell.
struct GpuState {
  std::optional<unsigned> sm_mhz = {}, sm_max_mhz = {}, memory_mhz = {};
  std::optional<std::uint64_t> held_back = {};  // why clocks are not higher, as bits of NVML
  std::optional<unsigned> celsius = {}, milliwatts = {};
  std::optional<std::vector<int>> processes = {};  // that have a context on it, as the kernel numbers them
};

struct GpuGauge {
  GpuGauge() = default;
  GpuGauge(const GpuGauge&) = delete;
  GpuGauge& operator=(const GpuGauge&) = delete;
  virtual ~GpuGauge() = default;
  // What can change from one run to the next: the SMs' clock, what holds it back, processes.
  [[nodiscard]] virtual GpuState glance() = 0;
  [[nodiscard]] virtual GpuState read() = 0;
};
// `pci` as the driver names the device: "0000:1B:00.0"; empty: the first one. `unavailable: …` where there is no NVML.
[[nodiscard]] Result<std::unique_ptr<GpuGauge>> make_nvml_gauge(const std::string& pci);

// Names of the bits (nvml.h, nvmlClocksEventReason…): "power cap", "thermal slowdown". Idle is none.
[[nodiscard]] std::vector<std::string> reasons_of(std::uint64_t held_back);
// Those of them that come and go, and make a run slower than another: not clocks that somebody has set.
[[nodiscard]] std::uint64_t that_disturb(std::uint64_t held_back);

// Of the text of /proc/PID/stat; an empty name where it is none.
struct ProcessLine {
  std::string name;  // of the program, its first 15 bytes
  int parent = 0;
};
[[nodiscard]] ProcessLine process_line(std::string_view stat);

enum class Whose : std::uint8_t { ours, of_a_kerf, foreign };
// Whose a process is: started by process `self`, however far down, by another kerf, or by neither. `line_of` gives the
// line of a process, an empty one where nothing is known.
[[nodiscard]] Whose whose(int pid, int self, const std::function<ProcessLine(int)>& line_of);

// {"sm_mhz", "sm_max_mhz", "memory_mhz", "held_back": ["power cap"], "celsius", "watts"}; what is unknown is left out.
[[nodiscard]] nlohmann::json to_json(const GpuState& state);

struct GpuWatchParts {
  std::unique_ptr<MachineWatch> machine;
  Result<std::unique_ptr<GpuGauge>> gauge;
  std::function<Result<SharedLock::Hold>(bool alone)> lock;
  std::function<ProcessLine(int)> line_of;
  int self = 0;  // this process
};
// The machine's watch with the GPU in what it sees and describes (under "gpu"), and with the GPU's lock. What other
// kerfs do on the GPU is company, unless the lock is held alone: then they are at rest. Where the lock cannot be had
// the work goes on, and the description says so.
[[nodiscard]] std::unique_ptr<MachineWatch> make_gpu_watch(GpuWatchParts parts);
// The lock's file of a GPU, /tmp/kerf-gpu-PCI.lock, whatever TMPDIR says: all users must find the same one.
[[nodiscard]] std::string gpu_lock_path(const std::string& pci);
// Of this machine. `notice` is told when another kerf is waited for.
[[nodiscard]] std::unique_ptr<MachineWatch> make_gpu_watch(const std::string& pci,
                                                           std::function<void(std::string_view)> notice);

}  // namespace kerf
