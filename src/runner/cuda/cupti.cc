#include "runner/cuda/cupti.h"

#include <dlfcn.h>

#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "runner/cuda/cupti_calls.h"

namespace kerf {

namespace {

using cupti::AddMetrics;
using cupti::ChipName;
using cupti::ConfigImage;
using cupti::DataInfo;
using cupti::DataInitialize;
using cupti::DataSize;
using cupti::Decode;
using cupti::Enable;
using cupti::Evaluate;
using cupti::HostInitialize;
using cupti::HostObject;
using cupti::ImageSize;
using cupti::Passes;
using cupti::Plain;
using cupti::RangesObject;
using cupti::SetConfig;
using cupti::Stop;

constexpr int no_rights = 35, no_rights_in_guest = 40;
constexpr int range_profiler = 0, each_launch = 1, replay_of_kernels = 2;  // CUpti_ProfilerType, …Range, …ReplayMode

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
  find(f.data_info, "cuptiRangeProfilerGetCounterDataInfo");
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
  ConfigImage image{.head = {size_until(&ConfigImage::image), nullptr},
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

Result<> Cupti::enable(void* context) {
  TRY(initialize());
  Enable enable{.head = {size_until(&Enable::ranges), nullptr}, .context = context, .ranges = nullptr};
  if (const int code = call_->enable(&enable); code != 0) return call_->failed("enabling counters", code);
  ranges_ = enable.ranges;
  return {};
}

Result<> Cupti::configure(const CuptiPlan& plan, std::size_t launches) {
  auto names = pointers(plan.counters);
  DataSize size{.head = {size_until(&DataSize::size), nullptr},
                .ranges = ranges_,
                .names = names.data(),
                .count = names.size(),
                .most_ranges = launches,
                .most_nodes = static_cast<std::uint32_t>(launches),
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
                   .ranges_a_pass = launches,
                   .levels = 1,
                   .least_level = 1,
                   .pass = 0,
                   .level = 0};
  if (const int code = call_->set_config(&config); code != 0) return call_->failed("configuring counters", code);
  return {};
}

Result<> Cupti::begin(void* context, const CuptiPlan& plan, std::size_t launches) {
  // Counts of a second configuration under one and the same enabling come back as NaN.
  rest();
  TRY(enable(context));
  return configure(plan, launches);
}

Result<> Cupti::count(const std::function<void()>& launch) {
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
  return {};
}

Result<std::vector<std::vector<double>>> Cupti::values(const CuptiPlan& plan) const {
  DataInfo info{
      .head = {size_until(&DataInfo::ranges), nullptr}, .data = data_.data(), .size = data_.size(), .ranges = 0};
  if (const int code = call_->data_info(&info); code != 0) return call_->failed("how many launches it counted", code);
  auto names = pointers(plan.counters);
  std::vector<std::vector<double>> all;
  for (std::size_t i = 0; i < info.ranges; ++i) {
    all.emplace_back(names.size(), 0.0);
    Evaluate evaluate{.head = {size_until(&Evaluate::values), nullptr},
                      .host = plan.host.get(),
                      .data = data_.data(),
                      .size = data_.size(),
                      .range = i,
                      .names = names.data(),
                      .count = names.size(),
                      .values = all.back().data()};
    if (const int code = call_->evaluate(&evaluate); code != 0) return call_->failed("the values of counts", code);
  }
  return all;
}

void Cupti::rest() {
  if (ranges_ == nullptr) return;
  RangesObject end{.head = {size_until(&RangesObject::ranges), nullptr}, .ranges = std::exchange(ranges_, nullptr)};
  call_->disable(&end);
}

}  // namespace kerf
