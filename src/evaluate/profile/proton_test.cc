#include "evaluate/profile/proton.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string case_text(const std::string& name) {
  std::ifstream in(std::string(KERF_CASES) + "/profiles/" + name);
  EXPECT_TRUE(in) << name;
  return (std::stringstream() << in.rdbuf()).str();
}

TEST(ProtonTree, OneKernelInOneScope) {
  const auto kernels = read_proton_tree(case_text("proton_tree.hatchet"));
  ASSERT_TRUE(kernels) << kernels.error().message;
  ASSERT_EQ(kernels->size(), 1u);
  EXPECT_EQ(kernels->front().kernel, "sm");
  EXPECT_THAT(kernels->front().path, ElementsAre("s"));
  EXPECT_EQ(kernels->front().launches, 1);
  EXPECT_DOUBLE_EQ(kernels->front().us, 6.688);
}

TEST(ProtonTree, RefusesWhatIsNone) {
  EXPECT_THAT(read_proton_tree("{}").error().message, HasSubstr(".hatchet"));
  EXPECT_FALSE(read_proton_tree("[1]"));
  const auto nested = [](int scopes) {
    std::string deep = "[";
    for (int i = 0; i < scopes; ++i) deep += "{\"children\":[";
    for (int i = 0; i < scopes; ++i) deep += "]}";
    return deep + "]";
  };
  EXPECT_THAT(read_proton_tree(nested(230)).error().message, HasSubstr("deeper than 200 scopes"));
  EXPECT_THAT(read_proton_tree(nested(1000)).error().message, HasSubstr("deeper than 512 levels"));
}

TEST(ProtonTrace, ScopesOfOneKernel) {
  const auto scopes = read_proton_trace(case_text("proton_scopes.json"));
  ASSERT_TRUE(scopes) << scopes.error().message;
  ASSERT_EQ(scopes->size(), 2u);
  EXPECT_EQ((*scopes)[0].kernel, "sm");
  EXPECT_EQ((*scopes)[0].scope, "cp");
  EXPECT_EQ((*scopes)[1].scope, "ld");
  EXPECT_EQ((*scopes)[0].events, 32);
  EXPECT_EQ((*scopes)[1].events, 32);
  EXPECT_GT((*scopes)[0].share, 0.8);
  EXPECT_NEAR((*scopes)[0].share + (*scopes)[1].share, 1, 1e-12);
  EXPECT_LE((*scopes)[0].median_us, (*scopes)[0].most_us);
  EXPECT_NEAR((*scopes)[1].median_us, 0.2, 0.1);
}

TEST(ProtonTrace, RefusesEventsWithoutTheirFields) {
  EXPECT_THAT(read_proton_trace("[]").error().message, HasSubstr("traceEvents"));
  EXPECT_FALSE(read_proton_trace(R"({"traceEvents": [{"ph": "X", "name": "a"}]})"));
  EXPECT_FALSE(read_proton_trace(R"({"traceEvents": [{"ph": "X", "name": "a", "dur": -1}]})"));
  EXPECT_TRUE(read_proton_trace(R"({"traceEvents": [{"ph": "M"}, 3]})"));
}

}  // namespace
}  // namespace kerf
