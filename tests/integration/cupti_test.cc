// What counting takes, planned by the real CUPTI: it needs no GPU for that.
#include <gtest/gtest.h>

#include <algorithm>

#include "evaluate/profile/kernel_profile.h"
#include "runner/cuda/activity.h"
#include "runner/cuda/cupti.h"
#include "target/nvidia/libraries.h"

namespace kerf {
namespace {

TEST(Cupti, PlansWhatTheDiagnosisWants) {
  const auto library = find_cupti();
  if (!library) GTEST_SKIP() << library.error().message;
  const auto cupti = Cupti::load(library->string());
  ASSERT_TRUE(cupti) << cupti.error().message;
  const auto groups = cupti_groups(Effort::confirm);
  ASSERT_EQ(groups.size(), 2u);
  const auto cold = cupti->plan("GH100", groups[0]);
  ASSERT_TRUE(cold) << cold.error().message;
  EXPECT_TRUE(cold->unknown.empty());
  EXPECT_EQ(cold->counters, groups[0]);
  EXPECT_EQ(cold->passes, 1);
  const auto rest = cupti->plan("GH100", groups[1]);
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_TRUE(rest->unknown.empty());
  EXPECT_LE(rest->passes, 20);
  RecordProperty("passes", static_cast<int>(cold->passes + rest->passes));
}

TEST(Cupti, LeavesOutWhatTheChipLacks) {
  const auto library = find_cupti();
  if (!library) GTEST_SKIP() << library.error().message;
  const auto cupti = Cupti::load(library->string());
  ASSERT_TRUE(cupti) << cupti.error().message;
  const auto plan = cupti->plan("GH100", {"gpu__time_duration.sum", "smsp__never_heard_of.sum"});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->counters, std::vector<std::string>{"gpu__time_duration.sum"});
  EXPECT_EQ(plan->unknown, std::vector<std::string>{"smsp__never_heard_of.sum"});
  EXPECT_EQ(plan->passes, 1);
  EXPECT_FALSE(cupti->plan("GH100", {"smsp__never_heard_of.sum"}));
  EXPECT_FALSE(cupti->plan("a chip of tomorrow", {"gpu__time_duration.sum"}));
}

TEST(Cupti, HasWhatRecordingActivityTakes) {
  const auto library = find_cupti();
  if (!library) GTEST_SKIP() << library.error().message;
  const auto recorder = ActivityRecorder::load(library->string());
  EXPECT_TRUE(recorder) << recorder.error().message;
  const auto other = ActivityRecorder::load("libc.so.6");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("cuptiActivity"), std::string::npos);
}

TEST(Cupti, SaysWhatIsMissing) {
  const auto nothing = Cupti::load("/nowhere/libcupti.so");
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().kind, ErrorKind::unavailable);
  const auto other = Cupti::load("libc.so.6");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("cuptiProfilerInitialize"), std::string::npos);
}

}  // namespace
}  // namespace kerf
