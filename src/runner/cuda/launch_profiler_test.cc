#include "runner/cuda/launch_profiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/cuda/cuda_executor_fixture.h"
#include "runner/cuda/fake_activity.h"
#include "runner/cuda/fake_cupti.h"

namespace kerf {
namespace {

using namespace testing_cuda;
using testing::ElementsAre;
using testing::HasSubstr;

using Profiling = CudaExecutorTest;

TEST_F(Profiling, ShowsTheFirstLaunchOfAStepToWhoWatchesFromOutside) {
  have(two_steps, "scale");
  ASSERT_TRUE(run());
  DeviceRequest request = run_of(false);
  request.profile.steps = {1};
  fake.log.clear();
  const auto answer = mark_launches(driver, request, *executor, *memories, flush);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(fake.log, ElementsAre("scale", "watch", "scale", "watched"));
  ASSERT_EQ(answer->launches.size(), 1U);
  EXPECT_EQ(answer->launches[0].step, 1);
  EXPECT_EQ(answer->launches[0].threads, 64);
  EXPECT_EQ(answer->launches[0].blocks, 1);
  EXPECT_EQ(floats(outputs)[5], 10.0f) << "and nothing else changes";
}

TEST_F(Profiling, CountsSeveralLaunchesUnderOneEnablingOfTheCounters) {
  have(two_steps, "scale");
  ASSERT_TRUE(run());
  FakeCupti cupti;
  LaunchProfiler profiler(driver, Cupti(FakeCupti::table()), "FAKE",
                          std::unexpected(Error{.kind = ErrorKind::unavailable, .message = "no samples"}),
                          std::unexpected(Error{.kind = ErrorKind::unavailable, .message = "no records"}));
  DeviceRequest request = run_of(false);
  request.profile = {.library = "fake", .groups = {{"launches"}}, .steps = {0, 1}, .samples = false, .activity = true};
  const auto counted = [&]() -> std::vector<double> {
    cupti.enabled = 0;
    const auto answer = profiler.profile(request, *executor, *memories, flush);
    EXPECT_TRUE(answer) << answer.error().message;
    EXPECT_FALSE(cupti.is_enabled) << "launches would be slower";
    EXPECT_TRUE(answer->parts.contains("counters"));
    EXPECT_EQ(answer->no_activity, "no records");
    std::vector<double> values;
    for (const LaunchCounters& launch : answer->launches) values.push_back(launch.counters.at("launches"));
    EXPECT_EQ(floats(outputs)[5], 10.0f) << "and nothing else changes";
    return values;
  };
  ASSERT_TRUE(profiler.expect(request.profile.groups));
  EXPECT_THAT(counted(), ElementsAre(1, 2));
  EXPECT_EQ(cupti.enabled, 1);
  request.profile.steps = {1};
  EXPECT_THAT(counted(), ElementsAre(3));
  EXPECT_EQ(cupti.enabled, 1);
}

TEST_F(Profiling, RecordsWhatARunDoesOnTheDeviceWithoutWaitingBetweenItsSteps) {
  have(two_steps, "scale");
  ASSERT_TRUE(run());
  FakeCupti cupti;
  FakeActivity activity;
  activity.records = {FakeActivity::kernel("_Z5scalePKfPflf", 7, 100, 200),
                      FakeActivity::filling(mark_bytes, 7, 10, 20)};
  LaunchProfiler profiler(driver, Cupti(FakeCupti::table()), "FAKE",
                          std::unexpected(Error{.kind = ErrorKind::unavailable, .message = "no samples"}),
                          ActivityRecorder(FakeActivity::table()));
  DeviceRequest request = run_of(false);
  request.profile = {.library = "fake", .groups = {{"launches"}}, .steps = {}, .samples = false, .activity = true};
  fake.log.clear();
  std::ranges::fill(outputs, 0);
  const auto answer = profiler.profile(request, *executor, *memories, flush);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(cupti.enabled, 0) << "no step is counted";
  EXPECT_THAT(answer->launches, testing::IsEmpty());
  EXPECT_THAT(fake.log, ElementsAre("scale", "scale"));
  EXPECT_EQ(floats(outputs)[5], 10.0f);
  ASSERT_EQ(answer->activity.size(), 2U);
  EXPECT_EQ(answer->activity[0].bytes, mark_bytes) << "in the order in which they began";
  EXPECT_EQ(answer->activity[1].name, "scale(float const*, float*, long, float)");
  EXPECT_FALSE(activity.is_on());
  activity.at_enable = 39;
  const auto refused = profiler.profile(request, *executor, *memories, flush);
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_THAT(refused->no_activity, HasSubstr("unavailable: CUPTI: recording activity"));
  EXPECT_FALSE(activity.is_on());
}

TEST_F(Profiling, EnablesTheCountersForEachLaunchWhereOneEnablingDoesNotDo) {
  have(two_steps, "scale");
  ASSERT_TRUE(run());
  using enum FakeCupti::Second;
  for (const auto second : {not_counted, nan, refused}) {
    FakeCupti cupti;
    cupti.second = second;
    LaunchProfiler profiler(driver, Cupti(FakeCupti::table()), "FAKE",
                            std::unexpected(Error{.kind = ErrorKind::unavailable, .message = "no samples"}),
                            std::unexpected(Error{.kind = ErrorKind::unavailable, .message = "no records"}));
    DeviceRequest request = run_of(false);
    request.profile = {.library = "fake", .groups = {{"launches"}}, .steps = {0, 1}, .samples = false};
    for (const int enabled : {1 + 2, 2}) {  // the second time it is known
      cupti.enabled = 0;
      const auto answer = profiler.profile(request, *executor, *memories, flush);
      ASSERT_TRUE(answer) << answer.error().message;
      ASSERT_EQ(answer->launches.size(), 2U);
      EXPECT_EQ(answer->launches[1].counters.at("launches"), answer->launches[0].counters.at("launches") + 1);
      EXPECT_EQ(cupti.enabled, enabled) << static_cast<int>(second);
      EXPECT_FALSE(cupti.is_enabled);
    }
  }
}

TEST_F(Profiling, LaunchesAProbedKernelInThePlaceOfTheStepsOwn) {
  have(two_steps, "scale");
  ASSERT_TRUE(run());
  fake.kernels["probed"] = {.parameters = 5, .run = [&](const CuLaunchConfig& config, void** args) {
                              EXPECT_EQ(config.block[0], 64U);
                              fake.kernels["scale"].run(config, args);
                              *given<std::uint64_t*>(args, 4) = 42;
                              return 0;
                            }};
  DeviceRequest request = run_of(false);
  request.probe = {.step = 1,
                   .cubin = "/dev/null",
                   .symbol = "probed",
                   .num_warps = 2,
                   .parameters = 4,
                   .scratch = {},
                   .bytes = 16,
                   .rounds = 2};
  fake.log.clear();
  const auto answer = probe_launch(driver, request, *executor, *memories, flush);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(fake.log, ElementsAre("scale", "scale", "scale", "probed", "scale", "scale", "scale", "probed"));
  EXPECT_THAT(answer->plain_us, ElementsAre(1000, 1000));
  EXPECT_THAT(answer->probed_us, ElementsAre(1000, 1000));
  EXPECT_THAT(answer->words, ElementsAre(42, 0));
  EXPECT_EQ(floats(outputs)[5], 10.0f);
  request.probe.parameters = 9;
  const auto other = probe_launch(driver, request, *executor, *memories, flush);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace kerf
