#include "evaluate/gpu_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct FakeGauge final : GpuGauge {
  GpuState state;
  explicit FakeGauge(GpuState s) : state(std::move(s)) {}
  GpuState glance() override {
    return {.sm_mhz = state.sm_mhz, .held_back = state.held_back, .processes = state.processes};
  }
  GpuState read() override { return state; }
};

constexpr int self = 7;
// 50 and 40 are ours, 60 is somebody's, 90 runs for another kerf (80).
ProcessLine line_of(int pid) {
  static const std::map<int, ProcessLine> lines{{50, {"kerf-runner", 40}}, {40, {"sh", self}},  {60, {"python3", 1}},
                                                {90, {"python3", 80}},     {80, {"kerf", 1}},   {31, {"loop", 32}},
                                                {32, {"loop", 31}},        {self, {"kerf", 80}}};
  const auto at = lines.find(pid);
  return at == lines.end() ? ProcessLine{} : at->second;
}

std::unique_ptr<MachineWatch> watch_of(Result<std::unique_ptr<GpuGauge>> gauge, bool locks = true) {
  return make_gpu_watch(GpuWatchParts{.machine = std::make_unique<FakeMachineWatch>(),
                                      .gauge = std::move(gauge),
                                      .lock = [locks](bool) -> Result<SharedLock::Hold> {
                                        if (!locks) return fail(ErrorKind::unavailable, "unavailable: held by 80");
                                        return SharedLock::Hold(Fd());
                                      },
                                      .line_of = line_of,
                                      .self = self});
}

TEST(GpuWatch, WhatHoldsClocksBackIsNamed) {
  EXPECT_THAT(reasons_of(0x1), IsEmpty());  // idle
  EXPECT_THAT(reasons_of(0x4 | 0x20), ElementsAre("power cap", "thermal slowdown"));
  EXPECT_THAT(reasons_of(that_disturb(0x1 | 0x2 | 0x8)), ElementsAre("hardware slowdown"));
}

TEST(GpuWatch, LinesAreReadPastHostileNames) {
  const auto plain = process_line("71 (kerf-runner) S 70 71 70 0 -1");
  EXPECT_EQ(plain.name, "kerf-runner");
  EXPECT_EQ(plain.parent, 70);
  EXPECT_EQ(process_line("71 (a) S 1) R 12 71 70").parent, 12);
  for (const char* broken : {"", "71 (x)", "71 (x) ", "71 (x) S", ") (", "71 (x) S 99999999999999"})
    EXPECT_EQ(process_line(broken).parent, 0) << broken;
}

TEST(GpuWatch, WhoseAProcessIs) {
  EXPECT_EQ(whose(self, self, line_of), Whose::ours);
  EXPECT_EQ(whose(50, self, line_of), Whose::ours);
  EXPECT_EQ(whose(60, self, line_of), Whose::foreign);
  EXPECT_EQ(whose(90, self, line_of), Whose::of_a_kerf);
  EXPECT_EQ(whose(31, self, line_of), Whose::foreign);  // a circle ends
  EXPECT_EQ(whose(12345, self, line_of), Whose::foreign);
}

TEST(GpuWatch, LooksSeeThrottlingAndOthers) {
  const auto watch = watch_of(std::make_unique<FakeGauge>(
      GpuState{.sm_mhz = 1410, .held_back = 0x2 | 0x40, .processes = std::vector{50, 60, 90}}));
  const auto load = watch->look();
  ASSERT_TRUE(load && load->device);
  EXPECT_EQ(load->cores, 64);
  EXPECT_EQ(load->device->clock_mhz, 1410u);
  EXPECT_THAT(load->device->held_back, ElementsAre("hardware thermal slowdown"));
  EXPECT_EQ(load->device->others, 2);
  EXPECT_TRUE(is_disturbed(*load));
  EXPECT_TRUE(is_crowded(*load, 1));
}

TEST(GpuWatch, OtherKerfsAreAtRestWhileTheLockIsHeldAlone) {
  const auto watch = watch_of(std::make_unique<FakeGauge>(GpuState{.processes = std::vector{50, 90}}));
  EXPECT_EQ(watch->look()->device->others, 1);
  {
    const auto beside = watch->hold(false);
    EXPECT_EQ(watch->look()->device->others, 1);
  }
  {
    const auto alone = watch->hold(true);
    EXPECT_EQ(watch->look()->device->others, 0);
    EXPECT_FALSE(is_disturbed(*watch->look()));
  }
  EXPECT_EQ(watch->look()->device->others, 1);
}

TEST(GpuWatch, ALockThatCannotBeHadIsSaidAndStopsNothing) {
  const auto watch = watch_of(std::make_unique<FakeGauge>(GpuState{.processes = std::vector{50, 90}}), false);
  const auto hold = watch->hold(true);
  EXPECT_EQ(watch->look()->device->others, 1);
  EXPECT_EQ(watch->describe().at("gpu").at("unavailable").at("lock"), "unavailable: held by 80");
}

TEST(GpuWatch, TheLockOfAGpuIsOneFileForAllUsers) {
  EXPECT_EQ(gpu_lock_path("0000:1B:00.0"), "/tmp/kerf-gpu-0000-1B-00-0.lock");
  EXPECT_EQ(gpu_lock_path("../../etc"), "/tmp/kerf-gpu-------etc.lock");
}

TEST(GpuWatch, NumbersOfAnotherNamespaceSayNothing) {
  const auto watch =
      watch_of(std::make_unique<FakeGauge>(GpuState{.sm_mhz = 1980, .processes = std::vector{4711, 60}}));
  EXPECT_FALSE(watch->look()->device->others);
  EXPECT_FALSE(is_disturbed(*watch->look()));
  const auto gpu = watch->describe().at("gpu");
  EXPECT_FALSE(gpu.contains("other_processes"));
  EXPECT_THAT(gpu.at("unavailable").at("other_processes").get<std::string>(), HasSubstr("none of kerf's own"));
}

TEST(GpuWatch, StateIsPartOfWhatIsDescribed) {
  const auto watch = watch_of(std::make_unique<FakeGauge>(
      GpuState{.sm_mhz = 1980, .held_back = 0x4, .milliwatts = 312'500, .processes = std::vector{50}}));
  const auto all = watch->describe();
  EXPECT_EQ(all.at("cores"), 64);
  const auto& gpu = all.at("gpu");
  EXPECT_EQ(gpu.at("sm_mhz"), 1980);
  EXPECT_EQ(gpu.at("watts"), 312.5);
  EXPECT_EQ(gpu.at("held_back"), nlohmann::json({"power cap"}));
  EXPECT_EQ(gpu.at("other_processes"), 0);
  EXPECT_FALSE(gpu.contains("celsius"));
  EXPECT_FALSE(gpu.contains("unavailable"));
}

TEST(GpuWatch, SaysWhyNothingIsKnown) {
  const auto watch = watch_of(fail(ErrorKind::unavailable, "unavailable: no NVML"));
  EXPECT_FALSE(watch->look()->device);
  EXPECT_EQ(watch->describe().at("gpu").at("unavailable").at("state"), "unavailable: no NVML");
}

}  // namespace
}  // namespace kerf
