#include "evaluate/gpu_watch.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

namespace kerf {
namespace {

// Layouts and numbers of nvml.h.
struct NvmlProcess {
  unsigned pid;
  unsigned long long bytes;
  unsigned gpu_instance, compute_instance;
};
static_assert(sizeof(NvmlProcess) == 24);
constexpr int clock_of_sms = 1, clock_of_memory = 2, sensor_of_gpu = 0;

struct Nvml {
  int (*init)();
  int (*by_pci)(const char*, void**);
  int (*by_index)(unsigned, void**);
  int (*clock)(void*, int, unsigned*);
  int (*max_clock)(void*, int, unsigned*);
  int (*reasons)(void*, unsigned long long*);
  int (*temperature)(void*, int, unsigned*);
  int (*power)(void*, unsigned*);
  int (*processes)(void*, unsigned*, NvmlProcess*);
  const char* (*error)(int);
};

// Functions that a driver lacks are null: what they would say is not known.
template <class Function, class... Args>
std::optional<unsigned> asked(Function function, Args... args) {
  unsigned value = 0;
  if (function == nullptr || function(args..., &value) != 0) return std::nullopt;
  return value;
}

class NvmlGauge final : public GpuGauge {
 public:
  NvmlGauge(const Nvml& nvml, void* device) : nvml_(nvml), device_(device) {}

  GpuState glance() override {
    GpuState state{.sm_mhz = asked(nvml_.clock, device_, clock_of_sms)};
    unsigned long long reasons = 0;
    if (nvml_.reasons != nullptr && nvml_.reasons(device_, &reasons) == 0) state.held_back = reasons;
    std::array<NvmlProcess, 256> found{};
    unsigned count = found.size();
    if (nvml_.processes != nullptr && nvml_.processes(device_, &count, found.data()) == 0) {
      state.processes.emplace();
      for (unsigned i = 0; i < std::min<unsigned>(count, found.size()); ++i)
        state.processes->push_back(static_cast<int>(found[i].pid));
    }
    return state;
  }

  GpuState read() override {
    GpuState state = glance();
    state.sm_max_mhz = asked(nvml_.max_clock, device_, clock_of_sms);
    state.memory_mhz = asked(nvml_.clock, device_, clock_of_memory);
    state.celsius = asked(nvml_.temperature, device_, sensor_of_gpu);
    state.milliwatts = asked(nvml_.power, device_);
    return state;
  }

 private:
  Nvml nvml_;
  void* device_;
};

struct Reason {
  std::uint64_t bit;
  const char* name;
  bool disturbs;
};
constexpr std::array reasons{Reason{0x2, "application clocks", false}, Reason{0x4, "power cap", true},
                             Reason{0x8, "hardware slowdown", true},   Reason{0x10, "sync boost", false},
                             Reason{0x20, "thermal slowdown", true},   Reason{0x40, "hardware thermal slowdown", true},
                             Reason{0x80, "power brake", true},        Reason{0x100, "display clocks", false}};

class GpuHold final : public DeviceHold {
 public:
  GpuHold(SharedLock::Hold lock, std::atomic<int>* alone) : lock_(std::move(lock)), alone_(alone) {
    if (alone_ != nullptr) ++*alone_;
  }
  ~GpuHold() override {
    if (alone_ != nullptr) --*alone_;
  }

 private:
  SharedLock::Hold lock_;
  std::atomic<int>* alone_;  // counts those that hold it alone; null: this one does not
};

class GpuWatch final : public MachineWatch {
 public:
  explicit GpuWatch(GpuWatchParts parts) : parts_(std::move(parts)) {}

  std::optional<MachineLoad> look() override {
    auto load = parts_.machine->look();
    if (!load || !parts_.gauge) return load;
    const GpuState state = (*parts_.gauge)->glance();
    load->device = DeviceLoad{.clock_mhz = state.sm_mhz,
                              .held_back = reasons_of(that_disturb(state.held_back.value_or(0))),
                              .others = others(state)};
    return load;
  }
  void sleep(std::chrono::microseconds time) override { parts_.machine->sleep(time); }

  nlohmann::json describe() override {
    nlohmann::json all = parts_.machine->describe();
    nlohmann::json gpu;
    if (parts_.gauge) {
      const GpuState state = (*parts_.gauge)->read();
      gpu = to_json(state);
      if (const auto count = others(state)) {
        gpu["other_processes"] = *count;
      } else {
        gpu["unavailable"]["other_processes"] =
            state.processes ? "unavailable: among the processes that NVML names is none of kerf's own: it numbers them "
                              "otherwise (a container)"
                            : "unavailable: NVML does not name the GPU's processes";
      }
    } else {
      gpu["unavailable"]["state"] = parts_.gauge.error().message;
    }
    if (!no_lock_.empty()) gpu["unavailable"]["lock"] = no_lock_;
    all["gpu"] = std::move(gpu);
    return all;
  }

  std::unique_ptr<DeviceHold> hold(bool alone) override {
    no_lock_.clear();
    auto taken = parts_.lock(alone);
    if (taken) return std::make_unique<GpuHold>(*std::move(taken), alone ? &alone_ : nullptr);
    no_lock_ = taken.error().message;
    return nullptr;
  }

 private:
  // Of a list in which nothing is ours nothing can be said: this process has a context, and must be in it.
  [[nodiscard]] std::optional<int> others(const GpuState& state) const {
    if (!state.processes) return std::nullopt;
    int count = 0;
    bool ours = false;
    for (const int pid : *state.processes) {
      const Whose owner = whose(pid, parts_.self, parts_.line_of);
      ours = ours || owner == Whose::ours;
      if (owner == Whose::foreign || (owner == Whose::of_a_kerf && alone_ == 0)) ++count;
    }
    return ours ? std::optional(count) : std::nullopt;
  }

  GpuWatchParts parts_;
  std::atomic<int> alone_ = 0;
  std::string no_lock_;  // why the last hold has none
};

}  // namespace

Result<std::unique_ptr<GpuGauge>> make_nvml_gauge(const std::string& pci) {
  void* library = ::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return fail(ErrorKind::unavailable, "unavailable: NVIDIA's management library (libnvidia-ml.so.1) is not here");
  Nvml nvml{};
  const auto find = [&](auto& function, const char* name) {
    if (function == nullptr)
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
  };
  find(nvml.init, "nvmlInit_v2");
  find(nvml.by_pci, "nvmlDeviceGetHandleByPciBusId_v2");
  find(nvml.by_index, "nvmlDeviceGetHandleByIndex_v2");
  find(nvml.clock, "nvmlDeviceGetClockInfo");
  find(nvml.max_clock, "nvmlDeviceGetMaxClockInfo");
  find(nvml.reasons, "nvmlDeviceGetCurrentClocksEventReasons");
  find(nvml.reasons, "nvmlDeviceGetCurrentClocksThrottleReasons");  // its name before CUDA 12.2
  find(nvml.temperature, "nvmlDeviceGetTemperature");
  find(nvml.power, "nvmlDeviceGetPowerUsage");
  find(nvml.processes, "nvmlDeviceGetComputeRunningProcesses_v3");
  find(nvml.error, "nvmlErrorString");
  if (nvml.init == nullptr || nvml.by_pci == nullptr || nvml.by_index == nullptr || nvml.error == nullptr)
    return fail(ErrorKind::unavailable, "unavailable: NVIDIA's management library is too old");
  void* device = nullptr;
  int code = nvml.init();
  if (code == 0) code = pci.empty() ? nvml.by_index(0, &device) : nvml.by_pci(pci.c_str(), &device);
  if (code != 0) return fail(ErrorKind::unavailable, fmt::format("unavailable: NVML: {}", nvml.error(code)));
  return std::make_unique<NvmlGauge>(nvml, device);
}

std::vector<std::string> reasons_of(std::uint64_t held_back) {
  std::vector<std::string> names;
  for (const Reason& reason : reasons)
    if ((held_back & reason.bit) != 0) names.emplace_back(reason.name);
  return names;
}

std::uint64_t that_disturb(std::uint64_t held_back) {
  std::uint64_t bits = 0;
  for (const Reason& reason : reasons)
    if (reason.disturbs) bits |= held_back & reason.bit;
  return bits;
}

// PID (NAME) STATE PPID …; a name may hold parentheses and blanks (proc(5)).
ProcessLine process_line(std::string_view stat) {
  const auto open = stat.find('('), close = stat.rfind(") ");
  if (open == stat.npos || close == stat.npos || close < open || close + 4 > stat.size()) return {};
  ProcessLine line{.name = std::string(stat.substr(open + 1, close - open - 1))};
  const auto rest = stat.substr(close + 4);
  std::from_chars(rest.data(), rest.data() + rest.size(), line.parent);
  return line;
}

Whose whose(int pid, int self, const std::function<ProcessLine(int)>& line_of) {
  constexpr int deepest = 64;
  bool kerf = false;
  for (int i = 0; i < deepest && pid > 1; ++i) {
    if (pid == self) return Whose::ours;
    const ProcessLine line = line_of(pid);
    kerf = kerf || line.name == "kerf";
    pid = line.parent;
  }
  return kerf ? Whose::of_a_kerf : Whose::foreign;
}

nlohmann::json to_json(const GpuState& state) {
  nlohmann::json out = nlohmann::json::object();
  const auto put = [&](const char* name, const auto& value) {
    if (value) out[name] = *value;
  };
  put("sm_mhz", state.sm_mhz);
  put("sm_max_mhz", state.sm_max_mhz);
  put("memory_mhz", state.memory_mhz);
  put("celsius", state.celsius);
  if (state.milliwatts) out["watts"] = *state.milliwatts / 1000.0;
  if (state.held_back) out["held_back"] = reasons_of(*state.held_back);
  return out;
}

std::unique_ptr<MachineWatch> make_gpu_watch(GpuWatchParts parts) {
  return std::make_unique<GpuWatch>(std::move(parts));
}

std::string gpu_lock_path(const std::string& pci) {
  std::string name = pci;
  std::ranges::replace_if(
      name, [](char c) { return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z'); }, '-');
  return fmt::format("/tmp/kerf-gpu-{}.lock", name);
}

std::unique_ptr<MachineWatch> make_gpu_watch(const std::string& pci, std::function<void(std::string_view)> notice) {
  const SharedLock lock(gpu_lock_path(pci));
  // A confirmed time takes some ten seconds, three of them in a row at worst.
  static constexpr std::chrono::minutes patience{3};
  return make_gpu_watch(GpuWatchParts{
      .machine = make_machine_watch(),
      .gauge = make_nvml_gauge(pci),
      .lock =
          [lock, notice = std::move(notice)](bool alone) {
            return lock.take(alone, patience, [&] {
              notice(fmt::format("waiting for another kerf that uses the GPU ({})", lock.path()));
            });
          },
      .line_of =
          [](int pid) {
            std::ifstream file(fmt::format("/proc/{}/stat", pid));
            return process_line(std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
          },
      .self = ::getpid()});
}

}  // namespace kerf
