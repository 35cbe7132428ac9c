// What timing makes of others who use the machine or the device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "evaluate/timing_fixture.h"

namespace kerf {
namespace {

TEST_F(Timing, DoesNotAccuseACandidateOfWaitsThatCompanyCauses) {
  watch.loads = {MachineLoad{.running = 9, .cores = 2, .stolen = 0}};
  runner.program = [](const LoadRequest&) {
    return [](const RunRequest&, int) -> Result<RunReport> { return RunReport{.device_us = 10, .parent_us = 9000}; };
  };
  const auto t = time();
  ASSERT_TRUE(t);
  EXPECT_FALSE(t->finding);
  const auto check = std::ranges::find(t->checks, "clocks_agree", &Check::name);
  ASSERT_NE(check, t->checks.end());
  EXPECT_EQ(check->detail.at("rounds"), 0) << "it says that nothing was compared";
}

TEST_F(Timing, DiscardsRoundsWithCompanyAndSaysHowMany) {
  // Looks come in pairs after the wait: steal grows once, during the first round.
  const MachineLoad quiet{.running = 1, .cores = 64, .stolen = 0}, stolen{.running = 1, .cores = 64, .stolen = 9};
  watch.loads = {quiet, quiet, stolen};
  const auto t = time();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->receipt.discarded, 1);
  EXPECT_EQ(t->receipt.time_us.samples, fewest_pairs);
}

const Check* check_of(const Timed& timed, std::string_view name) {
  const auto at = std::ranges::find(timed.checks, name, &Check::name);
  return at == timed.checks.end() ? nullptr : &*at;
}

TEST_F(Timing, TakesRoundsAnewInWhichTheDeviceWasHeldBack) {
  runner.program = [](const LoadRequest&) { return ScriptedRunner::honest(50); };
  const auto state = [](std::vector<std::string> held_back, int others) {
    return MachineLoad{.running = 1,
                       .cores = 64,
                       .stolen = 0,
                       .device = DeviceLoad{.clock_mhz = 1980, .held_back = std::move(held_back), .others = others}};
  };
  // Quiet when it waits and before the round, throttled after it, quiet from then on.
  watch.loads = {state({}, 0), state({}, 0), state({"thermal slowdown"}, 0), state({}, 0)};
  const auto t = time();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->receipt.discarded, 1);
  const Check* check = check_of(*t, "quiet_device");
  ASSERT_NE(check, nullptr);
  EXPECT_TRUE(check->passed);
  EXPECT_EQ(check->detail.at("discarded"), 1);
  EXPECT_EQ(check->detail.at("rounds"), fewest_pairs);
  EXPECT_EQ(check->detail.at("clock_mhz").at("low"), 1980);
}

TEST_F(Timing, SaysWhenTheDeviceWasNeverItsOwnAndAccusesNobody) {
  // Clocks that disagree, as they may beside a process that takes its share.
  runner.program = [](const LoadRequest&) {
    return [](const RunRequest&, int) -> Result<RunReport> { return RunReport{.device_us = 50, .parent_us = 50'000}; };
  };
  watch.loads = {MachineLoad{.running = 1,
                             .cores = 64,
                             .stolen = 0,
                             .device = DeviceLoad{.clock_mhz = {}, .held_back = {"power cap"}, .others = 1}}};
  const auto t = time();
  ASSERT_TRUE(t);
  ASSERT_FALSE(t->finding) << t->finding->message;
  EXPECT_GE(watch.slept, options.patience);
  const Check* check = check_of(*t, "quiet_device");
  ASSERT_NE(check, nullptr);
  EXPECT_FALSE(check->passed);
  EXPECT_EQ(check->detail.at("disturbed"), fewest_pairs);
  EXPECT_EQ(check->detail.at("held_back").at("power cap"), fewest_pairs);
  EXPECT_EQ(check->detail.at("other_processes"), 1);
  EXPECT_TRUE(check_of(*t, "quiet_machine")->passed) << "the cores were its own";
}

// Cores that others take all the time, which a device's own time need not show.
struct TimingBesideOthers : Timing {
  bool candidate_shows_host = false;
  TimingBesideOthers() {
    oracle.on_draw = [](Trial& trial) { trial.arena.device = std::make_shared<DeviceMemory>(); };
    oracle.shows_host = false;
    runner.program = [this](const LoadRequest&) {
      return [this](const RunRequest&, int) -> Result<RunReport> {
        return RunReport{.device_us = 50, .parent_us = 60, .shows_host = candidate_shows_host};
      };
    };
    watch.loads = {MachineLoad{.running = 99, .cores = 16, .stolen = 0, .device = DeviceLoad{.others = 0}}};
    for (int i = 1; i < 1000; ++i) {
      watch.loads.push_back(watch.loads.back());
      watch.loads.back().stolen = i;
    }
  }
};

TEST_F(TimingBesideOthers, WhatWasHandedOverToADeviceInTimeHadNoCompanyOnTheCores) {
  const auto t = time();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->receipt.discarded, 0);
  EXPECT_EQ(watch.slept.count(), 0) << "nor is anything waited for";
  EXPECT_TRUE(check_of(*t, "quiet_machine")->passed);
  EXPECT_EQ(check_of(*t, "clocks_agree")->detail.at("rounds"), 0) << "our own clock does have company";
}

TEST_F(TimingBesideOthers, WhatTheHostMayHaveHeldUpIsTakenAgain) {
  candidate_shows_host = true;
  EXPECT_EQ(time()->receipt.discarded, options.least);
  candidate_shows_host = false;
  oracle.shows_host = true;
  const auto t = time();
  EXPECT_EQ(t->receipt.discarded, options.least) << "whichever side it was";
  EXPECT_FALSE(check_of(*t, "quiet_machine")->passed);
}

TEST_F(Timing, EndsOnAMachineThatIsNeverQuietAndSaysSo) {
  watch.loads = {MachineLoad{.running = 9, .cores = 2, .stolen = 0}};
  const auto t = time();
  ASSERT_TRUE(t && !t->finding);
  EXPECT_EQ(t->receipt.discarded, options.least) << "bounded";
  const auto quiet = std::ranges::find(t->checks, "quiet_machine", &Check::name);
  ASSERT_NE(quiet, t->checks.end());
  EXPECT_FALSE(quiet->passed);
  EXPECT_GE(watch.slept, options.patience);
}

TEST_F(Timing, IgnoresOneSidesSwitchesWhereTheOtherSideCannotTell) {
  runner.program = [](const LoadRequest&) {
    return [](const RunRequest&, int) -> Result<RunReport> {
      return RunReport{.device_us = 10, .parent_us = 11, .involuntary_switches = 99};
    };
  };
  EXPECT_EQ(time()->receipt.discarded, 0);
}

}  // namespace
}  // namespace kerf
