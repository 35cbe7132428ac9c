// The whole of it over a driver of main memory: what is launched when, with what, and what becomes of what goes wrong.
#include "runner/cuda/cuda_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <numeric>
#include <thread>

#include "runner/cuda/fake_activity.h"
#include "runner/cuda/fake_cupti.h"
#include "runner/cuda/fake_driver.h"
#include "runner/cuda/launch_profiler.h"
#include "runner/fake_bridge.h"

namespace kerf {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr std::int64_t elements = 64;

const char* const two_steps = R"cu(/* /// kerf
version = 1
[[scratch]]
name = "half"
dtype = "f32"
shape = ["numel(x)"]
[[step]]
launch = "scale"
grid = [1]
block = [64]
args = ["x", "half", "numel(x)", "0.5"]
[[step]]
launch = "scale"
grid = [1]
block = [64]
args = ["half", "out", "numel(x)", "4.0"]
/// */
extern "C" __global__ void scale(const float* x, float* out, int64_t n, float by) {}
)cu";

const char* const with_map = R"cu(/* /// kerf
version = 1
[[step]]
launch = "copy"
grid = [1]
block = [64]
args = [{ tensor_map = "x", box = [64] }, "out", "numel(x)"]
/// */
extern "C" __global__ void copy(const __grid_constant__ CUtensorMap x, float* out, int64_t n) {}
)cu";

const char* const operator_to_out = R"cu(/* /// kerf
version = 1
[[step]]
call = "aten.relu"
args = ["x"]
out = "out"
/// */
)cu";

template <class T>
T given(void** args, std::size_t i) {
  return *static_cast<T*>(args[i]);
}

struct Executor : ::testing::Test {
  FakeDriver fake;
  CudaDriver driver = fake.table();
  Filler filler = *Filler::make(driver);
  DeviceBuffer flush = *DeviceBuffer::allocate(driver, 2 * mark_bytes);
  std::vector<std::uint64_t> inputs, outputs;
  alignas(StatusPage) std::array<std::byte, StatusPage::bytes> page_bytes{};
  StatusPage& page = *new (page_bytes.data()) StatusPage{};
  DeviceRequest load;
  Source source;
  std::unique_ptr<OpenedMemories> memories = std::make_unique<OpenedMemories>(driver);
  std::unique_ptr<CudaExecutor> executor;

  Executor() {
    fake.kernels["scale"] = {.parameters = 4, .run = [](const CuLaunchConfig&, void** args) {
                               const auto* x = given<const float*>(args, 0);
                               auto* out = given<float*>(args, 1);
                               for (std::int64_t i = 0; i < given<std::int64_t>(args, 2); ++i)
                                 out[i] = x[i] * given<float>(args, 3);
                               return 0;
                             }};
    fake.kernels["copy"] = {.parameters = 3, .run = [](const CuLaunchConfig&, void** args) {
                              const auto* x = given<const float*>(args, 0);  // of the encoded map
                              std::copy_n(x, given<std::int64_t>(args, 2), given<float*>(args, 1));
                              return 0;
                            }};
    const TensorSpec spec{.dtype = Dtype::f32, .shape = {elements}, .stride = {1}};
    load.load.workload.tensors = {{.name = "x", .role = Role::input, .spec = spec}};
    load.load.workload.outputs = {spec};
    load.image = "/dev/null";
    inputs.resize(elements);
    outputs.resize(elements);
    fake.shared = {{"i", &inputs}, {"o", &outputs}};
    for (std::int64_t i = 0; i < elements; ++i) floats(inputs)[i] = static_cast<float>(i);
  }
  static float* floats(std::vector<std::uint64_t>& memory) { return reinterpret_cast<float*>(memory.data()); }

  void have(const char* text, const char* kernel, const KerfBridge* bridge = nullptr) {
    load.load.candidate = {.text = text, .language = Language::cuda, .name = "test.cu"};
    load.load.memory_limit = 1 << 20;
    load.symbols = {{kernel, kernel}};
    source = *read_source(load.load.candidate);
    executor = std::make_unique<CudaExecutor>(driver, filler, flush, bridge, 0, source, load, page);
    ASSERT_TRUE(executor->load_image());
  }
  static DeviceRequest run_of(bool timed) {
    DeviceRequest run;
    run.inputs = "69" + std::string(126, '0');
    run.outputs = "6f" + std::string(126, '0');
    run.run.inputs = {0};
    run.run.outputs = {0};
    run.run.sentinel = 0x7f7f7f7f7f7f7f7f;
    run.run.timed = timed;
    run.run.cold = timed;
    return run;
  }
  Result<RunAnswer> run(bool timed = false, bool as_graph = false) {
    const DeviceRequest request = run_of(timed);
    if (!executor->prepared()) {
      TRY(executor->place(request, *memories));
      TRY(executor->prepare());
    }
    TRY(executor->place(request, *memories));
    fake.log.clear();
    auto answer = executor->replay(request.run, as_graph);
    TRY(executor->finish());
    return answer;
  }
  void expect_blame(const Result<RunAnswer>& answer, const char* verdict, const char* rule) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::candidate) << answer.error().message;
    EXPECT_THAT(answer.error().facts, Contains(Pair("verdict", verdict)));
    EXPECT_THAT(answer.error().facts, Contains(Pair("rule", rule)));
  }
};

TEST_F(Executor, RunsStepsInOrderOverScratchThatIsNewEachTime) {
  have(two_steps, "scale");
  ASSERT_TRUE(run()) << run().error().message;
  EXPECT_THAT(fake.log, ElementsAre("scale", "scale"));
  for (std::int64_t i = 0; i < elements; ++i) EXPECT_EQ(floats(outputs)[i], 2.0f * static_cast<float>(i));
  std::ranges::fill(outputs, 0);
  ASSERT_TRUE(run());
  EXPECT_EQ(floats(outputs)[5], 10.0f);
  executor.reset();
  EXPECT_EQ(fake.modules, 1U) << "kerf's own kernels alone are left";
  EXPECT_EQ(fake.memories, 1U);
  EXPECT_EQ(fake.events, 0U);
}

TEST_F(Executor, KnowsWhetherAllWasHandedOverWhileTheDeviceWaited) {
  have(two_steps, "scale");
  ASSERT_TRUE(run());
  bool in_time = false;  // in one of many: the machine may be busy
  for (int i = 0; i < 50 && !in_time; ++i) in_time = !run(true)->shows_host;
  EXPECT_TRUE(in_time);
  auto& scale = fake.kernels.at("scale");
  scale.run = [scale = scale.run](const CuLaunchConfig& config, void** args) {
    std::this_thread::sleep_for(std::chrono::microseconds(400));
    return scale(config, args);
  };
  EXPECT_TRUE(run(true)->shows_host);
}

TEST_F(Executor, TimesStepsInTheFirstTimedRunAndWholeRunsAfterwards) {
  have(two_steps, "scale");
  ASSERT_TRUE(run());
  const auto first = run(true);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_THAT(first->step_us, ElementsAre(1000, 1000)) << "a launch moves the fake's clock by a millisecond";
  EXPECT_EQ(first->device_us, 2000);
  const auto second = run(true);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->device_us, 2000);
  EXPECT_THAT(second->step_us, ElementsAre(1000, 1000));
}

TEST_F(Executor, CopiesAnOperatorsResultIntoItsOutputWhenTheRunIsOver) {
  FakeBridge bridge;
  have(operator_to_out, "scale", &bridge.table());
  ASSERT_TRUE(run());
  for (std::int64_t i = 0; i < elements; ++i) EXPECT_EQ(floats(outputs)[i], static_cast<float>(i));
  const DeviceRequest request = run_of(true);
  ASSERT_TRUE(executor->place(request, *memories));
  std::ranges::fill(outputs, 0);
  bridge.log.clear();
  const auto answer = executor->replay(request.run);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(bridge.log, ElementsAre("call")) << "neither clock sees more";
  EXPECT_EQ(answer->device_us, 0);
  EXPECT_EQ(floats(outputs)[5], 0.0f);
  ASSERT_TRUE(executor->finish());
  EXPECT_THAT(bridge.log, ElementsAre("call", "copy"));
  EXPECT_EQ(floats(outputs)[5], 5.0f);
  executor.reset();
}

TEST_F(Executor, LetsOperatorsRoundUnlessTheWorkloadIsExact) {
  FakeBridge bridge;
  load.load.workload.exact_convolutions = true;
  have(operator_to_out, "scale", &bridge.table());
  ASSERT_TRUE(run());
  EXPECT_FALSE(bridge.rounds);
  load.load.workload.exact_convolutions = false;
  have(operator_to_out, "scale", &bridge.table());
  ASSERT_TRUE(run());
  EXPECT_TRUE(bridge.rounds) << "what the process did before is no matter";
  executor.reset();
}

TEST_F(Executor, TimesOneLaunchOfAGraphOnceStepsAreKnown) {
  have(two_steps, "scale");
  ASSERT_TRUE(run(true, true));
  EXPECT_THAT(fake.log, ElementsAre("scale", "scale")) << "the first one times each step";
  std::ranges::fill(outputs, 0);
  const auto second = run(true, true);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_THAT(fake.log, ElementsAre("graph of 2"));
  EXPECT_EQ(floats(outputs)[5], 10.0f);
  EXPECT_EQ(second->device_us, 1000);
  ASSERT_TRUE(run());
  EXPECT_THAT(fake.log, ElementsAre("scale", "scale")) << "what is judged is not captured";
  fake.at_capture_end = 901;
  const auto cannot = run(true, true);
  ASSERT_FALSE(cannot);
  EXPECT_EQ(cannot.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(executor->lost());
  fake.at_capture_end = 0;
  EXPECT_TRUE(run());
  executor.reset();
  EXPECT_EQ(fake.graphs + fake.ready_graphs + fake.streams, 0U);
}

TEST_F(Executor, EncodesMapsAtTheAddressesThatTensorsHaveNow) {
  have(with_map, "copy");
  ASSERT_TRUE(run()) << run().error().message;
  EXPECT_THAT(fake.log, ElementsAre("encode", "copy"));
  EXPECT_EQ(floats(outputs)[7], 7.0f);
  std::vector<std::uint64_t> elsewhere = inputs;
  floats(elsewhere)[7] = 70;
  memories->close();
  fake.shared["i"] = &elsewhere;
  ASSERT_TRUE(run());
  EXPECT_EQ(floats(outputs)[7], 70.0f);
  fake.at_encode = 1;
  expect_blame(run(), "rejected", "tensor_map");
}

TEST_F(Executor, ShowsTheFirstLaunchOfAStepToWhoWatchesFromOutside) {
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

TEST_F(Executor, CountsSeveralLaunchesUnderOneEnablingOfTheCounters) {
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

TEST_F(Executor, RecordsWhatARunDoesOnTheDeviceWithoutWaitingBetweenItsSteps) {
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

TEST_F(Executor, EnablesTheCountersForEachLaunchWhereOneEnablingDoesNotDo) {
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

TEST_F(Executor, LaunchesAProbedKernelInThePlaceOfTheStepsOwn) {
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

TEST_F(Executor, BlamesTheLaunchThatWritesBesideScratch) {
  have(two_steps, "scale");
  fake.kernels["scale"].run = [](const CuLaunchConfig&, void** args) {
    given<float*>(args, 1)[given<std::int64_t>(args, 2)] = 1;  // one too many; beside outputs the oracle looks
    return 0;
  };
  outputs.resize(elements + 1);
  const auto answer = run();
  expect_blame(answer, "wrong", "out_of_bounds_write");
  EXPECT_THAT(answer.error().message, HasSubstr("scale writes beside half"));
  EXPECT_FALSE(executor->lost());
}

TEST_F(Executor, TellsARefusedLaunchFromALostDevice) {
  have(two_steps, "scale");
  ASSERT_TRUE(run());
  const auto right = fake.kernels["scale"].run;
  fake.kernels["scale"].run = [](const CuLaunchConfig&, void**) { return 1; };  // CUDA_ERROR_INVALID_VALUE
  expect_blame(run(), "rejected", "launch");
  EXPECT_FALSE(executor->lost());
  fake.kernels["scale"].run = [this](const CuLaunchConfig&, void**) {
    fake.at_synchronize = 700;  // CUDA_ERROR_ILLEGAL_ADDRESS, known when it is waited for
    return 0;
  };
  const auto answer = run();
  expect_blame(answer, "crashed", "out_of_bounds");
  EXPECT_EQ(answer.error().at, (Location{8, 11})) << "each step of a run that is not timed is waited for";
  EXPECT_TRUE(executor->lost());
}

TEST_F(Executor, LeavesNothingOfARunThatFoundNoMemory) {
  have(two_steps, "scale");
  const std::size_t before = fake.memories;
  fake.room = 100;
  const auto answer = run();
  expect_blame(answer, "crashed", "memory");
  EXPECT_TRUE(is_no_room(answer.error()));
  EXPECT_FALSE(executor->lost());
  executor.reset();
  EXPECT_EQ(fake.memories, before);
  fake.room = 1 << 20;
  have(two_steps, "scale");
  ASSERT_TRUE(run());
  EXPECT_EQ(floats(outputs)[5], 10.0f);
}

TEST_F(Executor, FailsAsASystemDoesWhereTheDeviceFailsOfItself) {
  have(two_steps, "scale");
  ASSERT_TRUE(run());
  fake.kernels["scale"].run = [this](const CuLaunchConfig&, void**) {
    fake.at_synchronize = 46;  // CUDA_ERROR_DEVICE_UNAVAILABLE
    return 0;
  };
  const auto answer = run();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::system) << "no candidate is blamed";
  EXPECT_TRUE(executor->lost());
}

}  // namespace
}  // namespace kerf
