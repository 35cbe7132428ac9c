// The whole of it over a driver of main memory: what is launched when, with what, and what becomes of what goes wrong.
#include "runner/cuda/cuda_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "runner/cuda/cuda_executor_fixture.h"
#include "runner/fake_bridge.h"

namespace kerf {
namespace {

using namespace testing_cuda;
using testing::ElementsAre;
using testing::HasSubstr;

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

TEST_F(CudaExecutorTest, RunsStepsInOrderOverScratchThatIsNewEachTime) {
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

TEST_F(CudaExecutorTest, KnowsWhetherAllWasHandedOverWhileTheDeviceWaited) {
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

TEST_F(CudaExecutorTest, TimesStepsInTheFirstTimedRunAndWholeRunsAfterwards) {
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

TEST_F(CudaExecutorTest, CopiesAnOperatorsResultIntoItsOutputWhenTheRunIsOver) {
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

TEST_F(CudaExecutorTest, LetsOperatorsRoundUnlessTheWorkloadIsExact) {
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

TEST_F(CudaExecutorTest, TimesOneLaunchOfAGraphOnceStepsAreKnown) {
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

TEST_F(CudaExecutorTest, EncodesMapsAtTheAddressesThatTensorsHaveNow) {
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

TEST_F(CudaExecutorTest, BlamesTheLaunchThatWritesBesideScratch) {
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

TEST_F(CudaExecutorTest, TellsARefusedLaunchFromALostDevice) {
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

TEST_F(CudaExecutorTest, LeavesNothingOfARunThatFoundNoMemory) {
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

TEST_F(CudaExecutorTest, FailsAsASystemDoesWhereTheDeviceFailsOfItself) {
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
