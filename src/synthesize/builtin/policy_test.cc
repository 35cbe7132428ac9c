#include "synthesize/builtin/policy.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(Policy, PrefersWhatPaidUnderTheSameDiagnosis) {
  MovePolicy policy;
  for (int i = 0; i < 20; ++i) {
    policy.learn(Bound::memory, "unroll", 0.5);
    policy.learn(Bound::memory, "fuse", -0.5);
  }
  const Diagnosis memory{.bound = Bound::memory}, compute{.bound = Bound::compute};
  EXPECT_GT(policy.belief(memory, "unroll").first, policy.belief(memory, "fuse").first);
  EXPECT_LT(policy.belief(compute, "unroll").first, 0.2);
  EXPECT_LT(policy.gain(memory, "unroll").deviation, policy.gain(memory, "tile").deviation);
}

TEST(Policy, ACauseRaisesWhatItsAnswersAreExpectedToGain) {
  MovePolicy policy;
  const Diagnosis plain{.bound = Bound::latency};
  Diagnosis uneven = plain;
  uneven.causes = {{.name = "imbalance", .what = "one thread does it all"}};
  EXPECT_GT(policy.belief(uneven, "threads").first, policy.belief(plain, "threads").first);
  EXPECT_GT(policy.belief(uneven, "threads").first, policy.belief(uneven, "accumulators").first);
  EXPECT_EQ(policy.belief(uneven, "fuse"), policy.belief(plain, "fuse"));
  for (int i = 0; i < 20; ++i) policy.learn(Bound::latency, "threads", -0.5);
  EXPECT_LT(policy.belief(uneven, "threads").first, 0) << "what was seen counts";
}

}  // namespace
}  // namespace kerf
