#include "runner/cuda/pc_sampling.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(PcSampling, AStallIsCountedOnce) {
  EXPECT_EQ(stall_of_counter("smsp__pcsamp_warps_issue_stalled_long_scoreboard"), "long_scoreboard");
  EXPECT_EQ(stall_of_counter("smsp__pcsamp_warps_issue_stalled_long_scoreboard_not_issued"), "");
  EXPECT_EQ(stall_of_counter("smsp__pcsamp_sample_count"), "");
}

TEST(PcSampling, LongLaunchesAreLookedAtLessOften) {
  EXPECT_EQ(sampling_period(0), 6u);
  EXPECT_EQ(sampling_period(3'000), 6u);
  EXPECT_EQ(sampling_period(100'000), 9u);  // 170,000 cycles / 512: 332 times
  EXPECT_EQ(sampling_period(1e12), 20u);
}

TEST(PcSampling, SaysWhatIsMissing) {
  const auto nothing = PcSampler::load("/nowhere/libcupti.so");
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().kind, ErrorKind::unavailable);
  const auto other = PcSampler::load("libc.so.6");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("cuptiPCSamplingEnable"), std::string::npos);
}

}  // namespace
}  // namespace kerf
