#include "runner/cuda/launch_profiler.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace kerf {
namespace {

// Numbers of CUfunction_attribute.
constexpr int shared_of_kernel = 1, local_of_kernel = 3, registers_of_kernel = 4;

class Counting final : public LaunchObserver {
 public:
  Counting(const CudaDriver& driver, Cupti& cupti, const CuptiPlan& plan, const DeviceBuffer& flush,
           const std::vector<int>& steps, std::vector<LaunchCounters>& into)
      : driver_(driver), cupti_(cupti), plan_(plan), flush_(flush), steps_(steps), into_(into) {}

  CuResult launch(int step, CudaLaunch& launch) override {
    const bool wanted =
        std::ranges::find(steps_, step) != steps_.end() && std::ranges::find(seen_, step) == seen_.end();
    if (!wanted || error_) return go(launch);
    seen_.push_back(step);
    driver_.memset8(flush_.data(), 0, flush_.size(), nullptr);
    if (const CuResult code = driver_.synchronize(); code != 0) return code;
    CuContext context = nullptr;
    driver_.get_current(&context);
    CuResult code = 0;
    bool launched = false;
    const auto values = cupti_.measure(context, plan_, [&] {
      launched = true;
      code = go(launch);
      if (code == 0) code = driver_.synchronize();
    });
    if (!values) {
      error_ = values.error();
      return launched ? code : go(launch);
    }
    if (code == 0) note(step, launch, *values);
    return code;
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  CuResult go(CudaLaunch& launch) {
    return driver_.launch(&launch.config, launch.function, launch.pointers.data(), nullptr);
  }

  [[nodiscard]] int attribute(CuFunction function, int number) const {
    int value = 0;
    driver_.function_get(&value, number, function);
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

  const CudaDriver& driver_;
  Cupti& cupti_;
  const CuptiPlan& plan_;
  const DeviceBuffer& flush_;
  const std::vector<int>& steps_;
  std::vector<LaunchCounters>& into_;
  std::vector<int> seen_;
  std::optional<Error> error_;
};

}  // namespace

Result<LaunchProfiler> LaunchProfiler::open(const CudaDriver& driver, const std::string& library, int device) {
  Cupti cupti = TRY(Cupti::load(library));
  std::string chip = TRY(cupti.chip(device));
  return LaunchProfiler(driver, std::move(cupti), std::move(chip));
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
  return answer;
}

}  // namespace kerf
