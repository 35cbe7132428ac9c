#include "evaluate/lint_job.h"

#include <gmock/gmock.h>

#include "evaluate/job_fixture.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

struct LintJob : JobFixture {
  static std::string with(const std::string& head) {
    std::string all = text;
    return all.replace(all.find("supports"), std::string("supports = \"x.ndim == 2\"").size(), head);
  }
  Result<> lint(CandidateState& c, std::string candidate) {
    c.candidate.text = std::move(candidate);
    return lint_candidate(*shared, c);
  }
};

TEST_F(LintJob, ReadsThePlanAndTheToolsOfItsLanguage) {
  auto c = candidate();
  c.points.clear();
  c.tools = {};
  ASSERT_TRUE(lint(c, text));
  EXPECT_EQ(c.points.size(), 1U);
  EXPECT_EQ(c.source.plan.steps.size(), 1U);
  EXPECT_EQ(c.tools.backend, backend);
}

TEST_F(LintJob, KeepsTheTunePointsThatCanBe) {
  auto c = candidate();
  const auto tuned = with("[tune]\nBLOCK = [1, 2, 4]");
  ASSERT_TRUE(lint(c, tuned));
  ASSERT_EQ(c.points.size(), 3U);
  backend->refused = to_string(c.points[1]);
  ASSERT_TRUE(lint(c, tuned));
  EXPECT_EQ(c.points.size(), 2U);
}

TEST_F(LintJob, RejectsWhatDoesNotSupportTheProblemItIsFor) {
  auto c = candidate();
  const auto refused = lint(c, with("supports = \"x.ndim == 3\""));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::candidate);
  EXPECT_THAT(refused.error().facts, ::testing::Contains(::testing::Pair("verdict", "rejected")));
  EXPECT_THAT(refused.error().facts, ::testing::Contains(::testing::Pair("rule", "supports")));
  EXPECT_THAT(refused.error().message, HasSubstr("leaves the primary workload (x f32[4, 8]) out"));
  EXPECT_EQ(refused.error().at->line, 3);
}

TEST_F(LintJob, SaysOfItsOnlyPointWhyItCannotBe) {
  auto c = candidate();
  const auto tuned = with("[tune]\nBLOCK = [4]");
  ASSERT_TRUE(lint(c, tuned));
  backend->refused = to_string(c.points.front());
  const auto refused = lint(c, tuned);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("too many blocks"));
}

}  // namespace
}  // namespace kerf
