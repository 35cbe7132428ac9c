#include "evaluate/device_diary.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

MachineLoad with(DeviceLoad device) { return {.running = 1, .cores = 64, .device = std::move(device)}; }
const MachineLoad quiet = with({.clock_mhz = 1980, .others = 0});

TEST(DeviceDiary, HasNothingToSayWhereNoDeviceToldAnything) {
  DeviceDiary diary;
  EXPECT_FALSE(diary.check());
  diary.note({.running = 1, .cores = 64}, quiet, true);
  diary.note(quiet, {.running = 1, .cores = 64}, true);
  EXPECT_FALSE(diary.check()) << "a round is known from before and after it";
  diary.note(quiet, with({.held_back = {"power cap"}}), false);
  EXPECT_FALSE(diary.check()) << "no round that counts";
}

TEST(DeviceDiary, PassesQuietRoundsWithTheirClocks) {
  DeviceDiary diary;
  diary.note(quiet, with({.clock_mhz = 1905, .others = 0}), true);
  diary.note(quiet, quiet, true);
  const auto check = diary.check();
  ASSERT_TRUE(check);
  EXPECT_EQ(check->name, "quiet_device");
  EXPECT_TRUE(check->passed);
  EXPECT_EQ(check->detail.at("rounds"), 2);
  EXPECT_EQ(check->detail.at("disturbed"), 0);
  EXPECT_EQ(check->detail.at("other_processes"), 0);
  EXPECT_EQ(check->detail.at("clock_mhz"), nlohmann::json({{"low", 1905}, {"high", 1980}}));
}

TEST(DeviceDiary, CountsAReasonOnceARoundAndTheMostCompanyThatItMet) {
  DeviceDiary diary;
  const MachineLoad capped = with({.held_back = {"power cap"}, .others = 1});
  diary.note(capped, capped, true);
  diary.note(quiet, with({.held_back = {"power cap", "thermal slowdown"}, .others = 3}), true);
  diary.note(capped, capped, false);
  const auto check = diary.check();
  ASSERT_TRUE(check);
  EXPECT_FALSE(check->passed);
  EXPECT_EQ(check->detail.at("disturbed"), 2);
  EXPECT_EQ(check->detail.at("discarded"), 1);
  EXPECT_EQ(check->detail.at("held_back"), nlohmann::json({{"power cap", 2}, {"thermal slowdown", 1}}));
  EXPECT_EQ(check->detail.at("other_processes"), 3);
}

TEST(DeviceDiary, DoesNotTakeCompanyThatIsUnknownForNone) {
  DeviceDiary diary;
  diary.note(with({}), with({}), true);
  const auto check = diary.check();
  ASSERT_TRUE(check);
  EXPECT_TRUE(check->passed);
  EXPECT_TRUE(check->detail.at("other_processes").is_null());
  EXPECT_FALSE(check->detail.contains("clock_mhz"));
}

}  // namespace
}  // namespace kerf
