#include "runner/cuda/activity.h"

#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "runner/cuda/cupti.h"

namespace kerf {
namespace {

// Numbers of CUpti_ActivityKind. A concurrent kernel is one whose recording does not keep others from running beside
// it.
constexpr int copies = 1, fillings = 2, kernels_alone = 3, kernels = 10;
constexpr std::array recorded{kernels, copies, fillings};
constexpr std::uint32_t also_unfinished = 1;  // CUPTI_ACTIVITY_FLAG_FLUSH_FORCED

struct KernelRecord {
  std::uint32_t kind;
  std::uint8_t caches, banks;
  std::uint16_t registers;
  std::uint32_t cache_asked, cache_given;
  std::uint64_t begin, end, completed;
  std::uint32_t device, context, stream;
  std::int32_t grid[3], block[3], static_shared, dynamic_shared;
  std::uint32_t local_of_thread, local, correlation;
  std::int64_t number;
  const char* name;
};
static_assert(offsetof(KernelRecord, stream) == 48 && offsetof(KernelRecord, name) == 104);

// Copies and fillings begin alike.
struct TransferRecord {
  std::uint32_t kind, what;
  std::uint64_t bytes, begin, end;
  std::uint32_t device, context, stream;
};
static_assert(offsetof(TransferRecord, stream) == 40);

template <class T>
T read(const void* record) {
  T out;
  std::memcpy(&out, record, sizeof(T));
  return out;
}

// "void at::native::foo<float>(float*)" of what the compiler made of it; other names stay.
std::string plain_name(const char* name) {
  if (name == nullptr) return {};
  if (!std::string_view(name).starts_with("_Z")) return name;  // of C: "a" would be read as signed char
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                          &std::free);
  return status == 0 ? plain.get() : name;
}

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;
struct alignas(8) Buffer {
  std::uint8_t bytes[buffer_bytes];
};

struct Recording {
  decltype(ActivityFunctions::next) next;
  std::vector<DeviceActivity> found = {};
};

// CUPTI's callbacks carry nothing of their caller's, and may come from a thread of its own: a process records one run
// at a time.
struct Now {
  std::mutex mutex;
  Recording* recording = nullptr;
};
Now& now() {
  static Now it;
  return it;
}

void requested(std::uint8_t** buffer, std::size_t* bytes, std::size_t* most_records) {
  *buffer = std::make_unique<Buffer>().release()->bytes;
  *bytes = buffer_bytes;
  *most_records = 0;  // as many as there is room for
}

void completed(void* /*context*/, std::uint32_t /*stream*/, std::uint8_t* buffer, std::size_t /*bytes*/,
               std::size_t valid) {
  const std::unique_ptr<Buffer> owned(reinterpret_cast<Buffer*>(buffer));
  const std::scoped_lock lock(now().mutex);
  Recording* const recording = now().recording;
  if (recording == nullptr) return;
  for (void* record = nullptr; recording->next(buffer, valid, &record) == 0;)
    if (auto activity = read_activity(record)) recording->found.push_back(*std::move(activity));
}

std::unexpected<Error> failed(const ActivityFunctions& call, const char* what, int code) {
  const char* text = nullptr;
  call.result_string(code, &text);
  return cupti_failed(what, code, text);
}

}  // namespace

std::optional<DeviceActivity> read_activity(const void* record) {
  using Kind = DeviceActivity::Kind;
  const auto kind = static_cast<int>(read<std::uint32_t>(record));
  if (kind == kernels || kind == kernels_alone) {
    const auto k = read<KernelRecord>(record);
    return DeviceActivity{.kind = Kind::kernel,
                          .name = plain_name(k.name),
                          .stream = k.stream,
                          .begin_ns = k.begin,
                          .end_ns = k.end,
                          .grid = {k.grid[0], k.grid[1], k.grid[2]},
                          .block = {k.block[0], k.block[1], k.block[2]},
                          .registers = k.registers,
                          .shared_bytes = std::int64_t{k.static_shared} + k.dynamic_shared};
  }
  if (kind != copies && kind != fillings) return std::nullopt;
  const auto t = read<TransferRecord>(record);
  return DeviceActivity{.kind = kind == copies ? Kind::copy : Kind::fill,
                        .stream = t.stream,
                        .begin_ns = t.begin,
                        .end_ns = t.end,
                        .bytes = static_cast<std::int64_t>(t.bytes)};
}

Result<ActivityRecorder> ActivityRecorder::load(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return fail(ErrorKind::unavailable, fmt::format("unavailable: cannot load CUPTI: {}", why == nullptr ? "" : why));
  }
  ActivityFunctions f{};
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr && missing == nullptr) missing = name;
  };
  find(f.register_callbacks, "cuptiActivityRegisterCallbacks");
  find(f.enable, "cuptiActivityEnable");
  find(f.disable, "cuptiActivityDisable");
  find(f.flush, "cuptiActivityFlushAll");
  find(f.next, "cuptiActivityGetNextRecord");
  find(f.result_string, "cuptiGetResultString");
  if (missing != nullptr)
    return fail(ErrorKind::unavailable, fmt::format("unavailable: {} has no {}: it cannot record", path, missing));
  return ActivityRecorder(f);
}

Result<std::vector<DeviceActivity>> ActivityRecorder::record(const std::function<Result<>()>& run) {
  Recording recording{.next = call_.next};
  const auto listen = [](Recording* to) {
    const std::scoped_lock lock(now().mutex);
    now().recording = to;
  };
  if (const int code = call_.register_callbacks(requested, completed); code != 0)
    return failed(call_, "asking for records of activity", code);
  listen(&recording);
  int code = 0;
  for (const int kind : recorded)
    if (code == 0) code = call_.enable(kind);
  const Result<> ran = code == 0 ? run() : Result<>();
  const int flushed = code == 0 ? call_.flush(also_unfinished) : 0;
  for (const int kind : recorded) call_.disable(kind);
  listen(nullptr);
  if (code != 0) return failed(call_, "recording activity", code);
  TRY(Result<>(ran));
  if (flushed != 0) return failed(call_, "reading records of activity", flushed);
  std::ranges::stable_sort(recording.found, {}, &DeviceActivity::begin_ns);
  return std::move(recording.found);
}

}  // namespace kerf
