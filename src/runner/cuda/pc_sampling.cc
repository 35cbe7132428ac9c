#include "runner/cuda/pc_sampling.h"

#include <dlfcn.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "runner/cuda/cupti.h"

namespace kerf {
namespace {

constexpr std::size_t name_bytes = 128;  // CUPTI_STALL_REASON_STRING_SIZE
constexpr std::size_t most_at_once = 4096;
constexpr int kernel_by_kernel = 2;  // CUpti_PCSamplingCollectionMode: what was seen is there when the kernel has ended

struct Head {
  std::size_t size;
  void* null;
  void* context;
};
struct Plain {
  Head head;
};
struct StallCount {
  Head head;
  std::size_t* count;
};
struct StallNames {
  Head head;
  std::size_t count;
  std::uint32_t* indices;
  char** names;
};
struct Attribute {
  int type;
  int status;
  union {
    std::uint64_t room[3];
    std::uint32_t number;
    std::size_t bytes;
    void* buffer;
    struct {
      std::size_t count;
      std::uint32_t* indices;
    } stalls;
  } value;
};
static_assert(sizeof(Attribute) == 32);
enum AttributeType : std::uint8_t {
  sampling_period_of = 1,
  stall_reasons = 2,
  scratch_bytes = 3,
  hardware_bytes = 4,
  collection_mode = 5,
  start_and_stop = 6,
  data_buffer = 8,
  sleep_of_threads = 9,
};
struct Configure {
  Head head;
  std::size_t count;
  Attribute* attributes;
};
struct Stall {
  std::uint32_t index, samples;
};
struct Counted {
  std::size_t size;
  std::uint64_t cubin;
  std::uint64_t offset;
  std::uint32_t function_index, padding;
  char* function;
  std::size_t stall_count;
  Stall* stalls;
  std::uint32_t correlation;
};
static_assert(sizeof(Counted) == 64);
struct Data {
  std::size_t size;
  std::size_t wanted;
  std::uint64_t samples, dropped;
  std::size_t count, remaining;
  std::uint64_t range;
  Counted* counted;
  std::uint64_t of_others;
  std::uint8_t buffer_full;
};
static_assert(sizeof(Data) == 80);
struct GetData {
  Head head;
  void* data;
};

// CUPTI writes into it.
struct Buffer {
  std::vector<Counted> counted;
  std::vector<Stall> stalls;
  Data data{};

  explicit Buffer(std::size_t reasons) : counted(most_at_once), stalls(most_at_once * reasons) {
    for (std::size_t i = 0; i < counted.size(); ++i) {
      counted[i].size = sizeof(Counted);
      counted[i].stall_count = reasons;
      counted[i].stalls = stalls.data() + i * reasons;
    }
    data.size = sizeof(Data);
    data.wanted = counted.size();
    data.counted = counted.data();
  }
};

}  // namespace

struct SamplingFunctions {
  template <class T>
  using Function = int (*)(T*);
  Function<Plain> enable, disable, start, stop;
  Function<StallCount> stall_count;
  Function<StallNames> stall_names;
  Function<Configure> configure;
  Function<GetData> get_data;
  int (*result_string)(int, const char**);

  [[nodiscard]] std::unexpected<Error> failed(const char* what, int code) const {
    const char* text = nullptr;
    result_string(code, &text);
    return cupti_failed(what, code, text);
  }
};

struct PcSampler::State {
  SamplingFunctions call{};
  void* context = nullptr;  // while it is enabled
  std::map<std::uint32_t, std::string> reasons;
  std::vector<std::uint32_t> indices;
  std::unique_ptr<Buffer> own, answer;  // what is left over at the end; what is asked for

  template <class T>
  [[nodiscard]] T asking() const {
    T ask{};
    ask.head = {sizeof(T), nullptr, context};
    return ask;
  }
  int get_data() const {
    auto ask = asking<GetData>();
    answer->data.count = 0;
    ask.data = &answer->data;
    return call.get_data(&ask);
  }
};

Result<PcSampler> PcSampler::load(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return fail(ErrorKind::unavailable, fmt::format("unavailable: cannot load CUPTI: {}", why == nullptr ? "" : why));
  }
  auto state = std::make_shared<State>();
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr && missing == nullptr) missing = name;
  };
  find(state->call.enable, "cuptiPCSamplingEnable");
  find(state->call.disable, "cuptiPCSamplingDisable");
  find(state->call.start, "cuptiPCSamplingStart");
  find(state->call.stop, "cuptiPCSamplingStop");
  find(state->call.stall_count, "cuptiPCSamplingGetNumStallReasons");
  find(state->call.stall_names, "cuptiPCSamplingGetStallReasons");
  find(state->call.configure, "cuptiPCSamplingSetConfigurationAttribute");
  find(state->call.get_data, "cuptiPCSamplingGetData");
  find(state->call.result_string, "cuptiGetResultString");
  if (missing != nullptr)
    return fail(ErrorKind::unavailable, fmt::format("unavailable: {} has no {}: it cannot sample", path, missing));
  return PcSampler(std::move(state));
}

Result<> PcSampler::begin(void* context, unsigned period) {
  State& s = *state_;
  const SamplingFunctions& call = s.call;
  s.context = context;
  auto enable = s.asking<Plain>();
  if (const int code = call.enable(&enable); code != 0) {
    s.context = nullptr;
    return call.failed("enabling samples", code);
  }
  std::size_t count = 0;
  auto counting = s.asking<StallCount>();
  counting.count = &count;
  if (const int code = call.stall_count(&counting); code != 0) return call.failed("the number of stalls", code);
  s.indices.assign(count, 0);
  std::vector<std::string> rooms(count, std::string(name_bytes, '\0'));
  std::vector<char*> names;
  for (std::string& room : rooms) names.push_back(room.data());
  auto naming = s.asking<StallNames>();
  naming.count = count;
  naming.indices = s.indices.data();
  naming.names = names.data();
  if (const int code = call.stall_names(&naming); code != 0) return call.failed("the names of stalls", code);
  for (std::size_t i = 0; i < count; ++i)
    s.reasons[s.indices[i]] = stall_of_counter(rooms[i].substr(0, rooms[i].find('\0')));
  s.own = std::make_unique<Buffer>(count);
  s.answer = std::make_unique<Buffer>(count);
  std::vector<Attribute> attributes;
  const auto set = [&](AttributeType type) -> auto& {
    return attributes.emplace_back(Attribute{.type = type, .status = 0, .value = {}}).value;
  };
  set(stall_reasons).stalls = {count, s.indices.data()};
  set(sampling_period_of).number = period;
  set(collection_mode).number = kernel_by_kernel;
  set(scratch_bytes).bytes = std::size_t{16} << 20;
  set(hardware_bytes).bytes = std::size_t{128} << 20;
  set(start_and_stop).number = 1;
  set(data_buffer).buffer = &s.own->data;
  set(sleep_of_threads).number = 5;  // milliseconds
  auto configure = s.asking<Configure>();
  configure.count = attributes.size();
  configure.attributes = attributes.data();
  if (const int code = call.configure(&configure); code != 0) return call.failed("configuring samples", code);
  return {};
}

Result<LaunchSamples> PcSampler::sample(const std::function<void()>& launch) {
  State& s = *state_;
  auto start = s.asking<Plain>(), stop = s.asking<Plain>();
  if (const int code = s.call.start(&start); code != 0) return s.call.failed("sampling", code);
  launch();
  if (const int code = s.call.stop(&stop); code != 0) return s.call.failed("ending samples", code);
  LaunchSamples samples;
  std::map<std::pair<std::string, std::uint64_t>, std::map<std::string, std::int64_t>> found;
  do {
    if (const int code = s.get_data(); code != 0) return s.call.failed("reading samples", code);
    const Data& data = s.answer->data;
    samples.lost += static_cast<std::int64_t>(data.dropped);
    for (std::size_t i = 0; i < std::min(data.count, most_at_once); ++i) {
      const Counted& counted = s.answer->counted[i];
      // Names may be shared among records and are CUPTI's callers' to free: a few bytes a kernel are left.
      const std::string function = counted.function == nullptr ? "" : counted.function;
      for (std::size_t k = 0; k < std::min(counted.stall_count, s.indices.size()); ++k) {
        const auto& reason = s.reasons[counted.stalls[k].index];
        if (reason.empty() || counted.stalls[k].samples == 0) continue;
        found[{function, counted.offset}][reason] += counted.stalls[k].samples;
      }
    }
  } while (s.answer->data.remaining > 0 && s.answer->data.count > 0);
  for (auto& [at, stalls] : found)
    samples.at.push_back({.function = at.first, .offset = at.second, .stalls = std::move(stalls)});
  return samples;
}

void PcSampler::end() {
  State& s = *state_;
  if (s.context == nullptr) return;
  auto disable = s.asking<Plain>();
  s.call.disable(&disable);
  s.context = nullptr;
}

unsigned sampling_period(double nanoseconds) {
  constexpr double cycles_a_ns = 1.7, wanted = 200;
  constexpr unsigned least = 6, most = 20;
  const double cycles = nanoseconds * cycles_a_ns / wanted;
  if (!(cycles > 1)) return least;
  return std::clamp(static_cast<unsigned>(std::min(31.0, std::log2(cycles))), least, most);
}

std::string stall_of_counter(const std::string& counter) {
  constexpr std::string_view prefix = "smsp__pcsamp_warps_issue_stalled_", again = "_not_issued";
  if (!counter.starts_with(prefix) || counter.ends_with(again)) return {};
  return counter.substr(prefix.size());
}

}  // namespace kerf
