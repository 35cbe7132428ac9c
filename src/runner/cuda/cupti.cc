#include "runner/cuda/cupti.h"

#include <dlfcn.h>

#include <type_traits>
#include <utility>

#include <fmt/format.h>

namespace kerf {
namespace {

constexpr int no_rights = 35, no_rights_in_guest = 40;
constexpr int range_profiler = 0, each_launch = 1, replay_of_kernels = 2;  // CUpti_ProfilerType, …Range, …ReplayMode

// Each begins with its own size, without what pads it at the end, and a pointer that is null.
struct Head {
  std::size_t size;
  void* null;
};
struct Plain {
  Head head;
};
struct ChipName {
  Head head;
  std::size_t device;
  const char* name;
};
struct HostInitialize {
  Head head;
  int type;
  const char* chip;
  const std::uint8_t* availability;
  void* host;
};
struct HostObject {
  Head head;
  void* host;
};
struct AddMetrics {
  Head head;
  void* host;
  const char** names;
  std::size_t count;
};
struct ImageSize {
  Head head;
  void* host;
  std::size_t size;
};
struct Image {
  Head head;
  void* host;
  std::size_t size;
  std::uint8_t* image;
};
struct Passes {
  Head head;
  std::size_t size;
  std::uint8_t* image;
  std::size_t passes;
};
struct Evaluate {
  Head head;
  void* host;
  const std::uint8_t* data;
  std::size_t size;
  std::size_t range;
  const char** names;
  std::size_t count;
  double* values;
};
struct Enable {
  Head head;
  void* context;
  void* ranges;
};
struct RangesObject {
  Head head;
  void* ranges;
};
struct Stop {
  Head head;
  void* ranges;
  std::size_t pass;
  std::size_t level;
  std::uint8_t all_submitted;
};
struct Decode {
  Head head;
  void* ranges;
  std::size_t dropped;
};
struct DataSize {
  Head head;
  void* ranges;
  const char** names;
  std::size_t count;
  std::size_t most_ranges;
  std::uint32_t most_nodes;
  std::size_t size;
};
struct DataInitialize {
  Head head;
  void* ranges;
  std::size_t size;
  std::uint8_t* data;
};
struct SetConfig {
  Head head;
  void* ranges;
  std::size_t config_size;
  const std::uint8_t* config;
  std::size_t data_size;
  std::uint8_t* data;
  int range;
  int replay;
  std::size_t ranges_a_pass;
  std::uint16_t levels;
  std::uint16_t least_level;
  std::size_t pass;
  std::uint16_t level;
};

// Of a struct whose last member is `last`.
template <class T, class M>
std::size_t size_until(M T::* last) {
  const T whole{};
  return static_cast<std::size_t>(reinterpret_cast<const char*>(&(whole.*last)) -
                                  reinterpret_cast<const char*>(&whole)) +
         sizeof(M);
}

std::vector<const char*> pointers(const std::vector<std::string>& names) {
  std::vector<const char*> out;
  out.reserve(names.size());
  for (const std::string& name : names) out.push_back(name.c_str());
  return out;
}

}  // namespace

struct CuptiFunctions {
  template <class T>
  using Function = int (*)(T*);
  Function<Plain> initialize;
  Function<ChipName> chip_name;
  Function<HostInitialize> host_initialize;
  Function<HostObject> host_end;
  Function<AddMetrics> add_metrics;
  Function<ImageSize> image_size;
  Function<Image> image;
  Function<Passes> passes;
  Function<Evaluate> evaluate;
  Function<Enable> enable;
  Function<RangesObject> disable, start;
  Function<Stop> stop;
  Function<Decode> decode;
  Function<DataSize> data_size;
  Function<DataInitialize> data_initialize;
  Function<SetConfig> set_config;
  int (*result_string)(int, const char**);

  [[nodiscard]] std::unexpected<Error> failed(const char* what, int code) const {
    const char* text = nullptr;
    result_string(code, &text);
    return cupti_failed(what, code, text);
  }
};

std::unexpected<Error> cupti_failed(const char* what, int code, const char* text) {
  if (code == no_rights || code == no_rights_in_guest) {
    return fail(ErrorKind::unavailable,
                "unavailable: the driver lets only administrators read the GPU's counters (its module option "
                "NVreg_RestrictProfilingToAdminUsers=0 lets others)");
  }
  return fail(ErrorKind::unavailable,
              fmt::format("unavailable: CUPTI: {}: {} ({})", what, text == nullptr ? "" : text, code));
}

Result<Cupti> Cupti::load(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return fail(ErrorKind::unavailable, fmt::format("unavailable: cannot load CUPTI: {}", why == nullptr ? "" : why));
  }
  CuptiFunctions f{};
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr && missing == nullptr) missing = name;
  };
  find(f.initialize, "cuptiProfilerInitialize");
  find(f.chip_name, "cuptiDeviceGetChipName");
  find(f.host_initialize, "cuptiProfilerHostInitialize");
  find(f.host_end, "cuptiProfilerHostDeinitialize");
  find(f.add_metrics, "cuptiProfilerHostConfigAddMetrics");
  find(f.image_size, "cuptiProfilerHostGetConfigImageSize");
  find(f.image, "cuptiProfilerHostGetConfigImage");
  find(f.passes, "cuptiProfilerHostGetNumOfPasses");
  find(f.evaluate, "cuptiProfilerHostEvaluateToGpuValues");
  find(f.enable, "cuptiRangeProfilerEnable");
  find(f.disable, "cuptiRangeProfilerDisable");
  find(f.start, "cuptiRangeProfilerStart");
  find(f.stop, "cuptiRangeProfilerStop");
  find(f.decode, "cuptiRangeProfilerDecodeData");
  find(f.data_size, "cuptiRangeProfilerGetCounterDataSize");
  find(f.data_initialize, "cuptiRangeProfilerCounterDataImageInitialize");
  find(f.set_config, "cuptiRangeProfilerSetConfig");
  find(f.result_string, "cuptiGetResultString");
  if (missing != nullptr) {
    return fail(ErrorKind::unavailable,
                fmt::format("unavailable: {} has no {}: CUPTI of CUDA 12.6 or later is needed", path, missing));
  }
  return Cupti(std::make_shared<const CuptiFunctions>(f));
}

Result<std::string> Cupti::chip(int device) {
  TRY(initialize());
  ChipName ask{.head = {size_until(&ChipName::name), nullptr}, .device = static_cast<std::size_t>(device)};
  if (const int code = call_->chip_name(&ask); code != 0) return call_->failed("the chip's name", code);
  return std::string(ask.name);
}

Result<CuptiPlan> Cupti::plan(const std::string& chip, const std::vector<std::string>& counters) const {
  const auto open = [&](void*& host) {
    HostInitialize begin{.head = {size_until(&HostInitialize::host), nullptr},
                         .type = range_profiler,
                         .chip = chip.c_str(),
                         .availability = nullptr,
                         .host = nullptr};
    const int code = call_->host_initialize(&begin);
    host = begin.host;
    return code;
  };
  const auto close = [f = call_](void* host) {
    HostObject end{.head = {size_until(&HostObject::host), nullptr}, .host = host};
    if (host != nullptr) f->host_end(&end);
  };
  const auto add = [&](void* host, const std::vector<std::string>& names) {
    auto wanted = pointers(names);
    AddMetrics adding{.head = {size_until(&AddMetrics::count), nullptr},
                      .host = host,
                      .names = wanted.data(),
                      .count = wanted.size()};
    return call_->add_metrics(&adding);
  };
  CuptiPlan plan;
  void* host = nullptr;
  if (const int code = open(host); code != 0) return call_->failed(("planning for " + chip).c_str(), code);
  plan.host = std::shared_ptr<void>(host, close);
  if (add(host, counters) == 0) {
    plan.counters = counters;
  } else {
    // One that the chip lacks spoils them all: each is tried alone.
    for (const std::string& counter : counters) {
      void* alone = nullptr;
      if (const int code = open(alone); code != 0) return call_->failed(("planning for " + chip).c_str(), code);
      (add(alone, {counter}) == 0 ? plan.counters : plan.unknown).push_back(counter);
      close(alone);
    }
    if (plan.counters.empty())
      return fail(ErrorKind::unavailable, "unavailable: " + chip + " has none of the counters that are wanted");
    if (const int code = open(host); code != 0) return call_->failed(("planning for " + chip).c_str(), code);
    plan.host = std::shared_ptr<void>(host, close);
    if (const int code = add(host, plan.counters); code != 0) return call_->failed("adding counters", code);
  }
  ImageSize size{.head = {size_until(&ImageSize::size), nullptr}, .host = host, .size = 0};
  if (const int code = call_->image_size(&size); code != 0) return call_->failed("the size of a configuration", code);
  plan.image.resize(size.size);
  Image image{.head = {size_until(&Image::image), nullptr},
              .host = host,
              .size = plan.image.size(),
              .image = plan.image.data()};
  if (const int code = call_->image(&image); code != 0) return call_->failed("a configuration", code);
  Passes passes{.head = {size_until(&Passes::passes), nullptr},
                .size = plan.image.size(),
                .image = plan.image.data(),
                .passes = 0};
  if (const int code = call_->passes(&passes); code != 0) return call_->failed("the number of passes", code);
  plan.passes = static_cast<std::int64_t>(passes.passes);
  return plan;
}

Result<> Cupti::initialize() {
  if (initialized_) return {};
  Plain ask{.head = {sizeof(Plain), nullptr}};
  if (const int code = call_->initialize(&ask); code != 0) return call_->failed("starting", code);
  initialized_ = true;
  return {};
}

Result<> Cupti::begin(void* context) {
  TRY(initialize());
  if (ranges_ != nullptr) return {};
  Enable enable{.head = {size_until(&Enable::ranges), nullptr}, .context = context, .ranges = nullptr};
  if (const int code = call_->enable(&enable); code != 0) return call_->failed("enabling counters", code);
  ranges_ = enable.ranges;
  return {};
}

Result<> Cupti::configure(const CuptiPlan& plan) {
  auto names = pointers(plan.counters);
  DataSize size{.head = {size_until(&DataSize::size), nullptr},
                .ranges = ranges_,
                .names = names.data(),
                .count = names.size(),
                .most_ranges = 1,
                .most_nodes = 1,
                .size = 0};
  if (const int code = call_->data_size(&size); code != 0) return call_->failed("the size of the counts", code);
  data_.assign(size.size, 0);
  DataInitialize data{.head = {size_until(&DataInitialize::data), nullptr},
                      .ranges = ranges_,
                      .size = data_.size(),
                      .data = data_.data()};
  if (const int code = call_->data_initialize(&data); code != 0) return call_->failed("making room for counts", code);
  SetConfig config{.head = {size_until(&SetConfig::level), nullptr},
                   .ranges = ranges_,
                   .config_size = plan.image.size(),
                   .config = plan.image.data(),
                   .data_size = data_.size(),
                   .data = data_.data(),
                   .range = each_launch,
                   .replay = replay_of_kernels,
                   .ranges_a_pass = 1,
                   .levels = 1,
                   .least_level = 1,
                   .pass = 0,
                   .level = 0};
  if (const int code = call_->set_config(&config); code != 0) return call_->failed("configuring counters", code);
  return {};
}

Result<std::vector<double>> Cupti::measure(void* context, const CuptiPlan& plan, const std::function<void()>& launch) {
  // Counts of a second configuration under one and the same enabling come back as NaN.
  rest();
  TRY(begin(context));
  TRY(configure(plan));
  RangesObject start{.head = {size_until(&RangesObject::ranges), nullptr}, .ranges = ranges_};
  if (const int code = call_->start(&start); code != 0) return call_->failed("counting", code);
  launch();
  Stop stop{.head = {size_until(&Stop::all_submitted), nullptr},
            .ranges = ranges_,
            .pass = 0,
            .level = 0,
            .all_submitted = 0};
  if (const int code = call_->stop(&stop); code != 0) return call_->failed("ending the count", code);
  Decode decode{.head = {size_until(&Decode::dropped), nullptr}, .ranges = ranges_, .dropped = 0};
  if (const int code = call_->decode(&decode); code != 0) return call_->failed("reading counts", code);
  auto names = pointers(plan.counters);
  std::vector<double> values(names.size(), 0.0);
  Evaluate evaluate{.head = {size_until(&Evaluate::values), nullptr},
                    .host = plan.host.get(),
                    .data = data_.data(),
                    .size = data_.size(),
                    .range = 0,
                    .names = names.data(),
                    .count = names.size(),
                    .values = values.data()};
  if (const int code = call_->evaluate(&evaluate); code != 0) return call_->failed("the values of counts", code);
  return values;
}

void Cupti::rest() {
  if (ranges_ == nullptr) return;
  RangesObject end{.head = {size_until(&RangesObject::ranges), nullptr}, .ranges = std::exchange(ranges_, nullptr)};
  call_->disable(&end);
}

}  // namespace kerf
