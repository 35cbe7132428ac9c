#include "evaluate/verification_json.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(VerificationText, HoldsAllThatIsKnownOfARightOne) {
  const Verification right{
      .finding = {},
      .checks = {{.name = "fp64_error", .passed = true, .detail = {{"max_error", 1e-7}, {"workload", "primary"}}}},
      .variants_supported = 2,
      .variants = 3};
  const auto read = verification_from(to_text(right));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->finding);
  ASSERT_EQ(read->checks.size(), 1U);
  EXPECT_EQ(read->checks[0].name, "fp64_error");
  EXPECT_TRUE(read->checks[0].passed);
  EXPECT_EQ(read->checks[0].detail, right.checks[0].detail);
  EXPECT_EQ(read->variants_supported, 2);
  EXPECT_EQ(read->variants, 3);
}

TEST(VerificationText, HoldsTheVerdictOfAWrongOneAndItsPlace) {
  for (const auto verdict : {Verdict::wrong, Verdict::crashed, Verdict::timed_out, Verdict::rejected}) {
    const Verification wrong{
        .finding = Finding{.verdict = verdict, .rule = "unwritten", .message = "3 of 8 \"rows\"", .at = Location{4, 2}},
        .checks = {}};
    const auto read = verification_from(to_text(wrong));
    ASSERT_TRUE(read && read->finding) << to_string(verdict);
    EXPECT_EQ(read->finding->verdict, verdict);
    EXPECT_EQ(read->finding->rule, "unwritten");
    EXPECT_EQ(read->finding->message, "3 of 8 \"rows\"");
    EXPECT_EQ(read->finding->at, (Location{4, 2}));
  }
}

TEST(VerificationText, ThatIsDamagedIsAnErrorAndNoVerdict) {
  const std::string whole = to_text(Verification{});
  for (const std::string& damaged : {std::string(), std::string("{}"), std::string("[1]"), whole.substr(0, 20)})
    EXPECT_FALSE(verification_from(damaged)) << damaged;
}

}  // namespace
}  // namespace kerf
