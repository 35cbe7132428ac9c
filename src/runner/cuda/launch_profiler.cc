#include "runner/cuda/launch_profiler.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace kerf {
namespace {

// Numbers of CUfunction_attribute.
constexpr int shared_of_kernel = 1, local_of_kernel = 3, registers_of_kernel = 4;

// Of the wanted steps the first launch, with caches that were written over; all others as they are.
class FirstLaunches : public LaunchObserver {
 public:
  FirstLaunches(const CudaDriver& driver, const DeviceBuffer& flush, const std::vector<int>& steps)
      : driver_(driver), flush_(flush), steps_(steps) {}

  CuResult launch(int step, CudaLaunch& launch) final {
    const bool wanted =
        std::ranges::find(steps_, step) != steps_.end() && std::ranges::find(seen_, step) == seen_.end();
    if (!wanted || error_) return go(launch);
    seen_.push_back(step);
    driver_.memset8(flush_.data(), 0, flush_.size(), nullptr);
    if (const CuResult code = driver_.synchronize(); code != 0) return code;
    CuResult code = 0;
    bool launched = false;
    const auto looked = look(step, launch, [&] {
      launched = true;
      code = go(launch);
      if (code == 0) code = driver_.synchronize();
    });
    if (looked) return code;
    error_ = looked.error();
    return launched ? code : go(launch);
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 protected:
  // Has `run` run the launch, once or several times.
  [[nodiscard]] virtual Result<> look(int step, const CudaLaunch& launch, const std::function<void()>& run) = 0;
  [[nodiscard]] const CudaDriver& driver() const { return driver_; }

 private:
  CuResult go(CudaLaunch& launch) {
    return driver_.launch(&launch.config, launch.function, launch.pointers.data(), nullptr);
  }

  const CudaDriver& driver_;
  const DeviceBuffer& flush_;
  const std::vector<int>& steps_;
  std::vector<int> seen_;
  std::optional<Error> error_;
};

class Counting final : public FirstLaunches {
 public:
  Counting(const CudaDriver& driver, Cupti& cupti, const CuptiPlan& plan, const DeviceBuffer& flush,
           const std::vector<int>& steps, std::vector<LaunchCounters>& into)
      : FirstLaunches(driver, flush, steps), cupti_(cupti), plan_(plan), into_(into) {}

 protected:
  Result<> look(int step, const CudaLaunch& launch, const std::function<void()>& run) override {
    CuContext context = nullptr;
    driver().get_current(&context);
    note(step, launch, TRY(cupti_.measure(context, plan_, run)));
    return {};
  }

 private:
  [[nodiscard]] int attribute(CuFunction function, int number) const {
    int value = 0;
    driver().function_get(&value, number, function);
    return value;
  }

  void note(int step, const CudaLaunch& launch, const std::vector<double>& values) {
    auto at = std::ranges::find(into_, step, &LaunchCounters::step);
    if (at == into_.end()) {
      const auto volume = [](const unsigned(&extent)[3]) {
        return std::int64_t{1} * extent[0] * extent[1] * extent[2];
      };
      at = into_.insert(into_.end(), {.step = step,
                                      .threads = volume(launch.config.block),
                                      .blocks = volume(launch.config.grid),
                                      .registers = attribute(launch.function, registers_of_kernel),
                                      .shared_bytes = attribute(launch.function, shared_of_kernel) +
                                                      static_cast<std::int64_t>(launch.config.shared_bytes),
                                      .local_bytes = attribute(launch.function, local_of_kernel),
                                      .counters = {}});
    }
    for (std::size_t i = 0; i < values.size(); ++i)
      if (std::isfinite(values[i])) at->counters[plan_.counters[i]] = values[i];
  }

  Cupti& cupti_;
  const CuptiPlan& plan_;
  std::vector<LaunchCounters>& into_;
};

class Sampling final : public FirstLaunches {
 public:
  Sampling(const CudaDriver& driver, PcSampler& sampler, const DeviceBuffer& flush, const std::vector<int>& steps,
           std::vector<LaunchSamples>& into)
      : FirstLaunches(driver, flush, steps), sampler_(sampler), into_(into) {}

 protected:
  Result<> look(int step, const CudaLaunch& launch, const std::function<void()>& run) override {
    LaunchSamples samples = TRY(sampler_.sample(run));
    samples.step = step;
    samples.cubin = launch.cubin.substr(launch.cubin.rfind('/') + 1);
    into_.push_back(std::move(samples));
    return {};
  }

 private:
  PcSampler& sampler_;
  std::vector<LaunchSamples>& into_;
};

double longest_ns(const std::vector<LaunchCounters>& launches) {
  double longest = 0;
  for (const LaunchCounters& launch : launches) {
    const auto found = launch.counters.find("gpu__time_duration.sum");
    if (found != launch.counters.end()) longest = std::max(longest, found->second);
  }
  return longest;
}

}  // namespace

Result<LaunchProfiler> LaunchProfiler::open(const CudaDriver& driver, const std::string& library, int device) {
  Cupti cupti = TRY(Cupti::load(library));
  std::string chip = TRY(cupti.chip(device));
  return LaunchProfiler(driver, std::move(cupti), std::move(chip), PcSampler::load(library));
}

Result<const CuptiPlan*> LaunchProfiler::plan(const std::vector<std::string>& group) {
  auto at = std::ranges::find(plans_, group, &std::pair<std::vector<std::string>, CuptiPlan>::first);
  if (at == plans_.end()) at = plans_.insert(plans_.end(), {group, TRY(cupti_.plan(chip_, group))});
  return &at->second;
}

Result<ProfileAnswer> LaunchProfiler::profile(const DeviceRequest& request, CudaExecutor& executor,
                                              OpenedMemories& memories, const DeviceBuffer& flush) {
  ProfileAnswer answer;
  const auto count = [&]() -> Result<> {
    for (const auto& group : request.profile.groups) {
      const CuptiPlan& plan = *TRY(this->plan(group));
      answer.passes += plan.passes;
      answer.unknown.insert(answer.unknown.end(), plan.unknown.begin(), plan.unknown.end());
      Counting counting(*driver_, cupti_, plan, flush, request.profile.steps, answer.launches);
      TRY(executor.place(request, memories));
      executor.observe(&counting);
      const auto ran = executor.replay(request.run);
      executor.observe(nullptr);
      if (!ran) return std::unexpected(ran.error());
      if (counting.error()) return std::unexpected(*counting.error());
      TRY(executor.finish());
    }
    return {};
  };
  auto counted = count();
  cupti_.rest();
  if (!counted) return std::unexpected(std::move(counted).error());
  TRY(sample(request, executor, memories, flush, answer));
  return answer;
}

Result<> LaunchProfiler::sample(const DeviceRequest& request, CudaExecutor& executor, OpenedMemories& memories,
                                const DeviceBuffer& flush, ProfileAnswer& answer) {
  const auto without = [&](const Error& error) -> Result<> {
    answer.samples.clear();
    answer.no_samples = error.message;
    return {};
  };
  if (!sampler_) return without(sampler_.error());
  CuContext context = nullptr;
  driver_->get_current(&context);
  if (const auto begun = sampler_->begin(context, sampling_period(longest_ns(answer.launches))); !begun) {
    sampler_->end();
    return without(begun.error());
  }
  Sampling sampling(*driver_, *sampler_, flush, request.profile.steps, answer.samples);
  const auto ran = [&]() -> Result<> {
    TRY(executor.place(request, memories));
    executor.observe(&sampling);
    const auto replayed = executor.replay(request.run);
    executor.observe(nullptr);
    if (!replayed) return std::unexpected(replayed.error());
    return executor.finish();
  }();
  sampler_->end();
  if (!ran) return ran;
  return sampling.error() ? without(*sampling.error()) : Result<>();
}

}  // namespace kerf
