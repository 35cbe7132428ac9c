// What lies between the two clocks of a run, and what in neither: with the executor of this machine, and PyTorch played
// by a fake.
#include "runner/clocked_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <new>

#include "base/shared_memory.h"
#include "runner/executor.h"
#include "runner/fake_bridge.h"

namespace kerf {
namespace {

using testing::ElementsAre;

constexpr std::int64_t elements = 16;

struct ClockedRun : ::testing::Test {
  Channel ours, theirs;
  std::vector<std::string> events;

  ClockedRun() {
    auto ends = Channel::pair();
    ours = std::move(ends->first);
    theirs = std::move(ends->second);
    // Both go-aheads lie ready: nobody waits.
    EXPECT_TRUE(ours.send("{}") && ours.send("{}"));
  }
  // What kerf has heard so far and not yet read.
  void hear() {
    for (auto message = ours.receive(std::chrono::milliseconds(0)); message;
         message = ours.receive(std::chrono::milliseconds(0)))
      events.push_back("heard " + message->body);
  }
};

TEST_F(ClockedRun, IsReadyThenRunsThenIsDoneAndOnlyThenFinishes) {
  const auto answer = clocked_run(
      theirs,
      [&]() -> Result<RunAnswer> {
        hear();
        events.emplace_back("run");
        return RunAnswer{.device_us = 7};
      },
      [&]() -> Result<> {
        hear();
        events.emplace_back("finish");
        return {};
      });
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->device_us, 7);
  EXPECT_THAT(events,
              ElementsAre("heard " + encode_number("ready", 1), "run", "heard " + encode_number("done", 1), "finish"));
}

TEST_F(ClockedRun, ThatFailsIsNotFinishedAndOneThatCannotBeFinishedHasFailed) {
  const auto failing = [] { return Result<RunAnswer>(fail(ErrorKind::candidate, "crashed")); };
  const auto run = clocked_run(theirs, failing, [&]() -> Result<> {
    events.emplace_back("finish");
    return {};
  });
  ASSERT_TRUE(run) << "kerf is told, the conversation goes on";
  EXPECT_EQ(run->error().message, "crashed");
  EXPECT_THAT(events, ElementsAre());
  ASSERT_TRUE(ours.send("{}") && ours.send("{}"));
  const auto finish = clocked_run(
      theirs, [] { return Result<RunAnswer>(RunAnswer{}); },
      [] { return Result<>(fail(ErrorKind::candidate, "writes beside")); });
  ASSERT_TRUE(finish);
  EXPECT_EQ(finish->error().message, "writes beside");
}

TEST_F(ClockedRun, EndsWithItsChannel) {
  ours = Channel();
  EXPECT_FALSE(clocked_run(theirs, [] { return Result<RunAnswer>(RunAnswer{}); }, [] { return Result<>(); }));
}

TEST_F(ClockedRun, OfAPlanWhoseOutputIsAnOperatorsResultCopiesItWhenBothClocksHaveStopped) {
  FakeBridge bridge;
  const TensorSpec spec{.dtype = Dtype::f32, .shape = {elements}, .stride = {1}};
  LoadMessage load;
  load.candidate = {
      .text = "/* /// kerf\nversion = 1\n[[step]]\ncall = \"aten.relu\"\nargs = [\"x\"]\nout = \"out\"\n/// */\n",
      .language = Language::cpp,
      .name = "test.cpp"};
  load.workload.tensors = {{.name = "x", .role = Role::input, .spec = spec}};
  load.workload.outputs = {spec};
  load.threads = 1;
  const Source source = *read_source(load.candidate);
  alignas(StatusPage) std::array<std::byte, StatusPage::bytes> page_bytes{};
  StatusPage& page = *new (page_bytes.data()) StatusPage{};
  auto inputs = *SharedMemory::create("inputs", elements * sizeof(float)),
       outputs = *SharedMemory::create("outputs", elements * sizeof(float));
  for (std::int64_t i = 0; i < elements; ++i) {
    const auto value = static_cast<float>(i - 8);
    std::memcpy(inputs.bytes().data() + i * std::int64_t{sizeof value}, &value, sizeof value);
  }
  const auto output = [&](std::int64_t i) {
    float value = 0;
    std::memcpy(&value, outputs.bytes().data() + i * std::int64_t{sizeof value}, sizeof value);
    return value;
  };
  RunMessage run{.inputs = {0}, .outputs = {0}, .sentinel = 0x4610461046104610, .timed = true};
  Executor executor(bridge.table(), source, load, nullptr, nullptr, page);
  ASSERT_TRUE(executor.place(run, inputs.fd().get(), outputs.fd().get()));
  ASSERT_TRUE(executor.prepare());
  ASSERT_TRUE(executor.place(run, inputs.fd().get(), outputs.fd().get()));
  bridge.log.clear();
  const float before = output(12);
  bridge.on_copy = [&] {
    hear();
    EXPECT_EQ(output(12), before) << "what the output was filled with";
  };
  const auto answer = clocked_run(theirs, [&] { return executor.replay(run); }, [&] { return executor.finish(run); });
  ASSERT_TRUE(answer && *answer);
  EXPECT_THAT(bridge.log, ElementsAre("call", "copy"));
  EXPECT_THAT(events, ElementsAre("heard " + encode_number("ready", 1), "heard " + encode_number("done", 1)));
  EXPECT_EQ(output(12), 4);
  EXPECT_EQ(output(3), 0);
}

}  // namespace
}  // namespace kerf
