#include "evaluate/profile_job.h"

#include <gmock/gmock.h>

#include "evaluate/job_fixture.h"
#include "evaluate/verify.h"

namespace kerf {
namespace {

struct ProfileJob : JobFixture {
  CandidateState timed(double us, Effort effort = Effort::screen) {
    auto c = candidate(effort);
    c.timed.receipt.time_us = Estimate{.median = us, .low = us, .high = us, .samples = 9};
    c.timed.step_us = {us};
    return c;
  }
};

TEST_F(ProfileJob, IsForTheFastestSoFarForWhatIsConfirmedAndForWhatIsAskedFor) {
  EXPECT_TRUE(worth_a_profile(*shared, timed(100))) << "the first";
  EXPECT_FALSE(worth_a_profile(*shared, timed(110)));
  EXPECT_FALSE(worth_a_profile(*shared, timed(99.8))) << "as two copies of one program differ";
  EXPECT_TRUE(worth_a_profile(*shared, timed(99.4))) << "than what was profiled, not than what was not";
  EXPECT_TRUE(worth_a_profile(*shared, timed(90)));
  EXPECT_FALSE(worth_a_profile(*shared, timed(95)));
  EXPECT_TRUE(worth_a_profile(*shared, timed(95, Effort::confirm)));
  auto asked = timed(95);
  asked.request.profile = true;
  EXPECT_TRUE(worth_a_profile(*shared, asked));
  asked.timed.receipt.quarantined = true;
  EXPECT_FALSE(worth_a_profile(*shared, asked)) << "nothing is built on it";
}

TEST_F(ProfileJob, CountsLittleOfWhatIsOnlyTimedAgain) {
  auto again = timed(95, Effort::confirm);
  EXPECT_EQ(again.profile_request().effort, Effort::confirm);
  again.request.remeasure = true;
  EXPECT_EQ(again.profile_request().effort, Effort::screen);
  again.request.profile = true;
  EXPECT_EQ(again.profile_request().effort, Effort::confirm) << "somebody asks";
}

TEST_F(ProfileJob, StartsNothingForAPlanOfCallsAlone) {
  int expected = 0;
  runner->on_expect_profile = [&] { ++expected; };
  auto c = timed(100);
  expect_profile(*shared, c);
  EXPECT_EQ(expected, 1);
  c.source.plan.steps[0].kind = Step::Kind::call;
  expect_profile(*shared, c);
  EXPECT_EQ(expected, 1);
  ASSERT_TRUE(profile_picked(*shared, c));
  EXPECT_THAT(c.timed.receipt.unavailable.at("profile"), testing::HasSubstr("launches no kernel of its own"));
}

// Marked, and in between what the calls of a library launch.
std::vector<DeviceActivity> activity_with(const DeviceActivity& more) {
  using enum DeviceActivity::Kind;
  return {{.kind = fill, .stream = 7, .begin_ns = 1'000, .end_ns = 2'000, .bytes = mark_bytes},
          more,
          {.kind = fill, .stream = 7, .begin_ns = 10'000, .end_ns = 11'000, .bytes = mark_bytes}};
}

TEST_F(ProfileJob, RecordsWhatCallsDoWhereTheirTimesMayBeQuoted) {
  std::optional<std::size_t> asked;
  runner->on_profile = [&](const std::vector<int>& steps) -> Result<ProfileAnswer> {
    asked = steps.size();
    return ProfileAnswer{.activity = activity_with({.name = "gemm", .stream = 7, .begin_ns = 3'000, .end_ns = 9'000})};
  };
  int expected = 0;
  runner->on_expect_profile = [&] { ++expected; };
  auto c = timed(100, Effort::confirm);
  c.source.plan.steps[0].kind = Step::Kind::call;
  expect_profile(*shared, c);
  EXPECT_EQ(expected, 1);
  ASSERT_TRUE(profile_picked(*shared, c));
  EXPECT_EQ(asked, 0U) << "no launch to count";
  EXPECT_TRUE(runner->records_activity);
  ASSERT_TRUE(c.profile && c.profile->activity);
  EXPECT_EQ(c.profile->activity->events.at(0).what, "gemm");
  EXPECT_THAT(c.timed.receipt.unavailable.at("profile"), testing::HasSubstr("launches no kernel of its own"));
}

TEST_F(ProfileJob, RefusesWhatRunsBesideTheStreamThatIsTimed) {
  runner->on_profile = [&](const std::vector<int>&) -> Result<ProfileAnswer> {
    return ProfileAnswer{.activity = activity_with({.name = "gemm", .stream = 9, .begin_ns = 3'000, .end_ns = 99'000})};
  };
  auto c = timed(100);
  const auto refused = profile_picked(*shared, c);
  ASSERT_FALSE(refused);
  const auto finding = finding_of(refused.error());
  ASSERT_TRUE(finding) << finding.error().message;
  EXPECT_EQ(finding->verdict, Verdict::rejected);
  EXPECT_EQ(finding->rule, "other_stream");
}

TEST_F(ProfileJob, SaysWhyNothingWasRecorded) {
  runner->on_profile = [&](const std::vector<int>&) -> Result<ProfileAnswer> {
    return ProfileAnswer{.no_activity = "unavailable: CUPTI is too old"};
  };
  auto c = timed(100);
  ASSERT_TRUE(profile_picked(*shared, c));
  EXPECT_FALSE(runner->records_activity) << "of a screen";
  EXPECT_FALSE(c.profile->activity);
  EXPECT_EQ(c.timed.receipt.unavailable.at("activity"), "unavailable: CUPTI is too old");
}

TEST_F(ProfileJob, ThatCannotBeHadLeavesTheReceiptAndSaysWhy) {
  runner->on_profile = [](const std::vector<int>&) -> Result<ProfileAnswer> {
    return fail(ErrorKind::unavailable, "unavailable: no rights");
  };
  auto c = timed(100);
  ASSERT_TRUE(profile_picked(*shared, c));
  EXPECT_FALSE(c.profile);
  EXPECT_EQ(c.timed.receipt.unavailable.at("profile"), "unavailable: no rights");
  EXPECT_EQ(c.timed.receipt.time_us.median, 100);
}

TEST_F(ProfileJob, KeepsWhatWasCountedAndSaysWhichLinesAreUnknown) {
  std::vector<int> steps;
  runner->on_profile = [&](const std::vector<int>& asked) -> Result<ProfileAnswer> {
    steps = asked;
    ProfileAnswer answer{.passes = 1};
    answer.no_samples = "unavailable: nobody sampled";
    answer.launches = {{.step = 0, .counters = {{"gpu__time_duration.sum", 1000}}}};
    return answer;
  };
  auto c = timed(100);
  ASSERT_TRUE(profile_picked(*shared, c));
  ASSERT_TRUE(c.profile);
  EXPECT_EQ(steps, std::vector<int>{0});
  EXPECT_EQ(c.profile->answer.launches.front().counters.at("gpu__time_duration.sum"), 1000);
  EXPECT_EQ(c.timed.receipt.unavailable.at("lines"), "unavailable: nobody sampled");
}

}  // namespace
}  // namespace kerf
