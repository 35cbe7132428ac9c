#include "runner/cuda/launch_profiler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
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

LaunchCounters described(const CudaDriver& driver, int step, const CudaLaunch& launch) {
  const auto volume = [](const unsigned(&extent)[3]) { return std::int64_t{1} * extent[0] * extent[1] * extent[2]; };
  const auto attribute = [&](int number) {
    int value = 0;
    driver.function_get(&value, number, launch.function);
    return value;
  };
  return {.step = step,
          .threads = volume(launch.config.block),
          .blocks = volume(launch.config.grid),
          .registers = attribute(registers_of_kernel),
          .shared_bytes = attribute(shared_of_kernel) + static_cast<std::int64_t>(launch.config.shared_bytes),
          .local_bytes = attribute(local_of_kernel),
          .counters = {}};
}

// Enabling CUPTI takes longer than all else: it is enabled once for all launches, or anew for each.
class Counting final : public FirstLaunches {
 public:
  Counting(const CudaDriver& driver, Cupti& cupti, const CuptiPlan& plan, const DeviceBuffer& flush,
           const std::vector<int>& steps, bool together)
      : FirstLaunches(driver, flush, steps),
        cupti_(cupti),
        plan_(plan),
        most_(together ? steps.size() : 1),
        together_(together) {}

  // After the run: what was counted of each launch goes to those that are known.
  Result<> note(std::vector<LaunchCounters>& into) {
    if (together_) TRY(take());
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      auto at = std::ranges::find(into, seen_[i].step, &LaunchCounters::step);
      if (at == into.end()) at = into.insert(into.end(), seen_[i]);
      for (std::size_t k = 0; k < values_[i].size(); ++k)
        if (std::isfinite(values_[i][k])) at->counters[plan_.counters[k]] = values_[i][k];
    }
    return {};
  }

 protected:
  Result<> look(int step, const CudaLaunch& launch, const std::function<void()>& run) override {
    if (seen_.empty() || !together_) {
      CuContext context = nullptr;
      driver().get_current(&context);
      TRY(cupti_.begin(context, plan_, most_));
    }
    TRY(cupti_.count(run));
    seen_.push_back(described(driver(), step, launch));
    return together_ ? Result<>() : take();
  }

 private:
  // What was counted since the last enabling. Rows that are missing, or in which nothing was counted, are an error.
  Result<> take() {
    if (values_.size() == seen_.size()) return {};
    std::vector<std::vector<double>> rows = TRY(cupti_.values(plan_));
    std::ranges::move(rows, std::back_inserter(values_));
    const auto nothing = [](const std::vector<double>& row) {
      return std::ranges::none_of(row, [](double value) { return std::isfinite(value); });
    };
    if (values_.size() != seen_.size() || std::ranges::any_of(values_, nothing))
      return fail(ErrorKind::unavailable, "unavailable: CUPTI did not count each launch");
    return {};
  }

  Cupti& cupti_;
  const CuptiPlan& plan_;
  std::size_t most_;  // launches under one enabling
  bool together_;
  std::vector<LaunchCounters> seen_;
  std::vector<std::vector<double>> values_;  // of each
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

class Marking final : public FirstLaunches {
 public:
  Marking(const CudaDriver& driver, const DeviceBuffer& flush, const std::vector<int>& steps,
          std::vector<LaunchCounters>& into)
      : FirstLaunches(driver, flush, steps), into_(into) {}

 protected:
  Result<> look(int step, const CudaLaunch& launch, const std::function<void()>& run) override {
    into_.push_back(described(driver(), step, launch));
    driver().profiler_start();
    run();
    driver().profiler_stop();
    return {};
  }

 private:
  std::vector<LaunchCounters>& into_;
};

// Times the launch, or the probed kernel in its place.
class Probing final : public FirstLaunches {
 public:
  Probing(const CudaDriver& driver, const DeviceBuffer& flush, const std::vector<int>& steps, CuFunction function,
          const ProbeMessage& probe, const DeviceBuffer& words)
      : FirstLaunches(driver, flush, steps), function_(function), probe_(probe), words_(words) {}
  [[nodiscard]] double us() const { return us_; }  // of the longest, where there are several steps

 protected:
  Result<> look(int /*step*/, const CudaLaunch& launch, const std::function<void()>& /*run*/) override {
    CuLaunchConfig config = launch.config;
    CuFunction function = launch.function;
    std::vector<ParameterBytes> values = launch.values;
    std::vector<DeviceBuffer> scratch;
    if (function_ != nullptr) {
      function = function_;
      constexpr unsigned warp = 32;
      config.block[0] = warp * static_cast<unsigned>(probe_.num_warps);
      config.shared_bytes = static_cast<unsigned>(probe_.shared_bytes);
      if (values.size() < static_cast<std::size_t>(probe_.parameters))
        return fail(ErrorKind::unavailable, "unavailable: the probed kernel takes other parameters");
      values.resize(static_cast<std::size_t>(probe_.parameters));
      values.push_back(ParameterBytes::of(words_.data()));
      const std::int64_t programs = std::int64_t{1} * config.grid[0] * config.grid[1] * config.grid[2];
      for (const std::int64_t bytes : probe_.scratch) {
        if (bytes > 0)
          scratch.push_back(TRY(DeviceBuffer::allocate(driver(), static_cast<std::size_t>(bytes * programs))));
        values.push_back(ParameterBytes::of(bytes > 0 ? scratch.back().data() : CuPointer{0}));
      }
    }
    std::vector<void*> pointers = pointers_to(values);
    std::array<CuEvent, 2> events{};
    for (CuEvent& event : events) driver().event_create(&event, 0);
    driver().event_record(events[0], nullptr);
    const CuResult launched = driver().launch(&config, function, pointers.data(), nullptr);
    driver().event_record(events[1], nullptr);
    const CuResult ended = launched == 0 ? driver().synchronize() : launched;
    float ms = 0;
    if (ended == 0) driver().event_elapsed(&ms, events[0], events[1]);
    us_ = std::max(us_, 1e3 * static_cast<double>(ms));
    for (const CuEvent event : events) driver().event_destroy(event);
    if (ended != 0) return fail(ErrorKind::unavailable, "unavailable: the launch with probes: " + driver().name(ended));
    return {};
  }

 private:
  const CuFunction function_;  // null: the launch as it is
  const ProbeMessage& probe_;
  const DeviceBuffer& words_;
  double us_ = 0;
};

}  // namespace

Result<LaunchProfiler> LaunchProfiler::open(const CudaDriver& driver, const std::string& library, int device) {
  Cupti cupti = TRY(Cupti::load(library));
  std::string chip = TRY(cupti.chip(device));
  return LaunchProfiler(driver, std::move(cupti), std::move(chip), PcSampler::load(library),
                        ActivityRecorder::load(library));
}

Result<> LaunchProfiler::expect(const std::vector<std::vector<std::string>>& groups) {
  for (const auto& group : groups) TRY(plan(group));
  return {};
}

Result<const CuptiPlan*> LaunchProfiler::plan(const std::vector<std::string>& group) {
  auto at = std::ranges::find(plans_, group, &std::pair<std::vector<std::string>, CuptiPlan>::first);
  if (at == plans_.end()) at = plans_.insert(plans_.end(), {group, TRY(cupti_.plan(chip_, group))});
  return &at->second;
}

Result<ProfileAnswer> LaunchProfiler::profile(const DeviceRequest& request, CudaExecutor& executor,
                                              OpenedMemories& memories, const DeviceBuffer& flush) {
  ProfileAnswer answer;
  const auto count = [&](const CuptiPlan& plan, bool together) -> Result<> {
    Counting counting(*driver_, cupti_, plan, flush, request.profile.steps, together);
    TRY(executor.place(request, memories));
    executor.observe(&counting);
    const auto ran = executor.replay(request.run);
    executor.observe(nullptr);
    if (!ran) return std::unexpected(ran.error());
    TRY(executor.finish());
    if (counting.error()) return std::unexpected(*counting.error());
    return counting.note(answer.launches);
  };
  const auto count_all = [&]() -> Result<> {
    if (request.profile.steps.empty()) return {};
    for (const auto& group : request.profile.groups) {
      const CuptiPlan& plan = *TRY(this->plan(group));
      answer.passes += plan.passes;
      answer.unknown.insert(answer.unknown.end(), plan.unknown.begin(), plan.unknown.end());
      if (together_ && request.profile.steps.size() > 1) {
        if (const auto counted = count(plan, true)) continue;
        if (executor.lost()) return fail(ErrorKind::unavailable, "unavailable: the GPU was lost while it was counted");
        together_ = false;  // this CUPTI wants to be enabled for each
      }
      TRY(count(plan, false));
    }
    return {};
  };
  // First: what was counted before it was sampled is never seen by CUPTI's samples (13.0, on an H100).
  if (request.profile.samples && !request.profile.steps.empty()) {
    const Stopwatch sampling;
    TRY(sample(request, executor, memories, flush, answer));
    answer.parts["samples"] = sampling.seconds();
  } else {
    answer.no_samples =
        "unavailable: program counters are sampled of candidates that are confirmed or whose profile is asked for";
  }
  const Stopwatch counting;
  auto counted = count_all();
  cupti_.rest();
  answer.parts["counters"] = counting.seconds();
  if (!counted) return std::unexpected(std::move(counted).error());
  if (!request.profile.activity) {
    answer.no_activity =
        "unavailable: what runs on the device is recorded of candidates that are confirmed or whose profile is asked "
        "for";
    return answer;
  }
  // Last: whether CUPTI counts in a process in which it recorded is not known.
  const Stopwatch recording;
  TRY(record(request, executor, memories, answer));
  answer.parts["activity"] = recording.seconds();
  return answer;
}

Result<> LaunchProfiler::record(const DeviceRequest& request, CudaExecutor& executor, OpenedMemories& memories,
                                ProfileAnswer& answer) {
  if (!recorder_) {
    answer.no_activity = recorder_.error().message;
    return {};
  }
  TRY(executor.place(request, memories));
  auto activity = recorder_->record([&] { return executor.replay_marked(); });
  if (!activity && (executor.lost() || activity.error().kind != ErrorKind::unavailable))
    return std::unexpected(std::move(activity).error());
  if (activity) {
    answer.activity = *std::move(activity);
  } else {
    answer.no_activity = activity.error().message;
  }
  return executor.finish();
}

Result<> LaunchProfiler::sample(const DeviceRequest& request, CudaExecutor& executor, OpenedMemories& memories,
                                const DeviceBuffer& flush, ProfileAnswer& answer) {
  const auto without = [&](const Error& error) -> Result<> {
    answer.samples.clear();
    answer.no_samples = error.message;
    return {};
  };
  if (!sampler_) return without(sampler_.error());
  const auto watched = [&](LaunchObserver& observer) -> Result<> {
    TRY(executor.place(request, memories));
    executor.observe(&observer);
    const auto replayed = executor.replay(request.run);
    executor.observe(nullptr);
    if (!replayed) return std::unexpected(replayed.error());
    return executor.finish();
  };
  // How long the longest takes says how often it must be looked at.
  const ProbeMessage no_probe;
  const DeviceBuffer no_words;
  Probing timing(*driver_, flush, request.profile.steps, nullptr, no_probe, no_words);
  TRY(watched(timing));
  CuContext context = nullptr;
  driver_->get_current(&context);
  if (const auto begun = sampler_->begin(context, sampling_period(1e3 * timing.us())); !begun) {
    sampler_->end();
    return without(begun.error());
  }
  Sampling sampling(*driver_, *sampler_, flush, request.profile.steps, answer.samples);
  const auto ran = watched(sampling);
  sampler_->end();
  if (!ran) return ran;
  if (sampling.error()) return without(*sampling.error());
  const bool none = std::ranges::all_of(answer.samples, [](const LaunchSamples& launch) { return launch.at.empty(); });
  return none ? without({.kind = ErrorKind::unavailable,
                         .message = "unavailable: CUPTI took no sample of a program counter"})
              : Result<>();
}

Result<ProbeAnswer> probe_launch(const CudaDriver& driver, const DeviceRequest& request, CudaExecutor& executor,
                                 OpenedMemories& memories, const DeviceBuffer& flush) {
  const ProbeMessage& probe = request.probe;
  const CuFunction function = TRY(executor.function(probe.cubin, probe.symbol, probe.shared_bytes));
  const DeviceBuffer words = TRY(DeviceBuffer::allocate(driver, static_cast<std::size_t>(probe.bytes)));
  ProbeAnswer answer;
  const std::vector<int> steps{probe.step};
  for (int turn = 0; turn < 2 * probe.rounds; ++turn) {
    const bool probed = turn % 2 == 1;
    driver.memset8(words.data(), 0, words.size(), nullptr);
    Probing probing(driver, flush, steps, probed ? function : nullptr, probe, words);
    TRY(executor.place(request, memories));
    executor.observe(&probing);
    const auto ran = executor.replay(request.run);
    executor.observe(nullptr);
    if (!ran) return std::unexpected(ran.error());
    if (probing.error()) return std::unexpected(*probing.error());
    TRY(executor.finish());
    (probed ? answer.probed_us : answer.plain_us).push_back(probing.us());
  }
  answer.words.resize(static_cast<std::size_t>(probe.bytes) / sizeof(std::uint64_t));
  if (const CuResult code =
          driver.copy_to_host(answer.words.data(), words.data(), static_cast<std::size_t>(probe.bytes));
      code != 0)
    return fail(ErrorKind::unavailable, "unavailable: what the probes wrote: " + driver.name(code));
  return answer;
}

Result<ProfileAnswer> mark_launches(const CudaDriver& driver, const DeviceRequest& request, CudaExecutor& executor,
                                    OpenedMemories& memories, const DeviceBuffer& flush) {
  ProfileAnswer answer;
  Marking marking(driver, flush, request.profile.steps, answer.launches);
  TRY(executor.place(request, memories));
  executor.observe(&marking);
  const auto ran = executor.replay(request.run);
  executor.observe(nullptr);
  if (!ran) return std::unexpected(ran.error());
  TRY(executor.finish());
  return answer;
}

}  // namespace kerf
