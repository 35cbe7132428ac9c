// What kerf and a runner on a GPU (kerf-runner --cuda) say to each other: the conversation of run_protocol.h, for one
// process that serves many candidates. Both ends are built from one tree, so nothing here has a version.
//
//   at first                                            runner: DeviceFacts, or an encoded Error
//   kerf: DeviceRequest load                            runner: {"ready": 1} or an error
//   kerf: DeviceRequest run                             runner: {"ready": 1} or an error; goes on as in run_protocol.h
//   kerf: DeviceRequest profile                         runner: ProfileAnswer or an error
//   kerf: DeviceRequest expect: a profile with this    runner: {"ready": 1} or an error
//         library and these groups will be asked for
//   kerf: DeviceRequest probe                           runner: ProbeAnswer or an error
//   kerf: DeviceRequest drop                            runner: {"dropped": 1}
//   kerf: DeviceRequest close: lets go of the memory   runner: {"closed": 1}
//         that the last run has left open
//   kerf: DeviceRequest ping                            runner: {"ping": 1}
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "candidate/run_protocol.h"

namespace kerf {

// A GPU as the driver describes it.
struct DeviceFacts {
  std::string name;  // "NVIDIA H100 80GB HBM3"
  int index = 0;
  std::string pci = {};  // where it is plugged in: "0000:1B:00.0"
  int capability = 0;    // 90
  int sms = 0;
  int clock_khz = 0;         // of the SMs, at most
  int memory_clock_khz = 0;  // at most; two transfers a cycle
  int bus_bits = 0;          // of the memory
  int driver = 0;            // 13000
  std::int64_t l2_bytes = 0;
  std::int64_t memory_bytes = 0;
};

// What counters are wanted of which launches.
struct ProfileMessage {
  std::string library;  // path of libcupti.so; empty: nothing is counted here, launches are marked for who watches
  std::vector<std::vector<std::string>> groups;  // of counters, each group in a run of its own
  std::vector<int> steps;                        // of the plan, of each its first launch; none: activity alone
  bool samples = false;                          // of program counters, too
  bool activity = false;                         // records of what ran on the device, too
};

// A kernel that was compiled anew with probes in it (target/nvidia/ttgir.h), to be launched in the place of the first
// launch of a step, and what that launch takes without.
struct ProbeMessage {
  int step = 0;       // of the plan
  std::string cubin;  // path
  std::string symbol;
  int num_warps = 4;
  std::int64_t shared_bytes = 0;
  int parameters = 0;                 // of the launch's own; the address of the words follows, then scratch
  std::vector<std::int64_t> scratch;  // bytes for every program
  std::int64_t bytes = 0;             // of the words
  int rounds = 5;                     // launches with and without, by turns
};
struct ProbeAnswer {
  std::vector<double> plain_us, probed_us;  // of each launch, with cold caches
  std::vector<std::uint64_t> words;         // that the last one wrote over zeros
};

// Whether a device had no memory for what a run wanted. The process that says so is as it was before.
[[nodiscard]] bool is_no_room(const Error& error);

struct DeviceRequest {
  enum class Does : std::uint8_t { load, run, drop, ping, profile, probe, close, expect };
  Does does = Does::ping;
  std::int64_t instance = 0;
  // load
  LoadMessage load = {};
  std::string image = {};                                         // path of a cubin, or of a manifest
  std::vector<std::pair<std::string, std::string>> symbols = {};  // of a cubin: kernel as the plan names it, its symbol
  std::string bridge = {};                                        // path, where the plan calls operators; else empty
  std::string torch = {};                                         // folder of PyTorch's libraries, likewise
  // run, profile and probe: the memory of the trial and of the outputs, by CUipcMemHandle in hexadecimal
  RunMessage run = {};
  std::string inputs = {}, outputs = {};
  bool graph = false;  // run, timed: as one captured graph
  ProfileMessage profile = {};
  ProbeMessage probe = {};
};

// What a profiler counted in one launch.
struct LaunchCounters {
  int step = 0;              // of the plan
  std::int64_t threads = 0;  // of a block
  std::int64_t blocks = 0;
  int registers = 0;              // of a thread
  std::int64_t shared_bytes = 0;  // of a block, the kernel's own and the plan's
  std::int64_t local_bytes = 0;   // of a thread
  std::map<std::string, double> counters;
};
// Where the warps of one launch were when somebody looked, and what they waited for.
struct LaunchSamples {
  struct At {
    std::string function;                        // symbol
    std::uint64_t offset = 0;                    // bytes from the begin of its code
    std::map<std::string, std::int64_t> stalls;  // "long_scoreboard" -> samples
  };
  int step = 0;       // of the plan
  std::string cubin;  // file name
  std::vector<At> at;
  std::int64_t lost = 0;  // samples that the hardware had no room for
};
// Something that ran on the device, whoever launched it.
struct DeviceActivity {
  enum class Kind : std::uint8_t { kernel, copy, fill };
  Kind kind = Kind::kernel;
  std::string name = {};  // of a kernel
  std::int64_t stream = 0;
  std::uint64_t begin_ns = 0, end_ns = 0;  // by the device's clock
  std::array<std::int64_t, 3> grid = {}, block = {};
  int registers = 0;              // of a thread
  std::int64_t shared_bytes = 0;  // of a block
  std::int64_t bytes = 0;         // of copies and fillings
  friend bool operator==(const DeviceActivity&, const DeviceActivity&) = default;
};
// Around the run whose activity is recorded so many bytes are filled on the stream that timed runs use: what lies
// between the two fillings is what a clock would have seen.
inline constexpr std::int64_t mark_bytes = 4099;

struct ProfileAnswer {
  std::vector<LaunchCounters> launches;       // in the order of the plan
  std::vector<LaunchSamples> samples = {};    // likewise
  std::string no_samples = {};                // why there are none: "unavailable: …"
  std::vector<DeviceActivity> activity = {};  // of one run and its two marks, in the order in which it began
  std::string no_activity = {};               // why there is none: "unavailable: …"
  std::vector<std::string> unknown;           // counters that this GPU does not have
  std::int64_t passes = 0;                    // runs of each kernel
  double seconds = 0;
  std::map<std::string, double> parts = {};  // of these seconds: "ready", "samples", "counters", "activity"
};

[[nodiscard]] std::string encode(const DeviceFacts& facts);
[[nodiscard]] std::string encode(const DeviceRequest& request);
[[nodiscard]] std::string encode(const ProfileAnswer& answer);
[[nodiscard]] Result<ProfileAnswer> decode_profile(std::string_view body);
[[nodiscard]] std::string encode(const ProbeAnswer& answer);
[[nodiscard]] Result<ProbeAnswer> decode_probe(std::string_view body);
[[nodiscard]] Result<DeviceFacts> decode_device_facts(std::string_view body);
[[nodiscard]] Result<DeviceRequest> decode_device_request(std::string_view body);
[[nodiscard]] nlohmann::json to_json(const DeviceFacts& facts);
// The 64 bytes that 128 hexadecimal digits stand for. Kind system if they are no such digits.
[[nodiscard]] Result<std::vector<std::uint8_t>> handle_bytes(std::string_view digits);

}  // namespace kerf
