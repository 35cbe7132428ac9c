#include "app/expansion_meta.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(ExpansionMeta, WhatAskWritesTellReads) {
  const std::string text = to_text({.session = "0123456789ab", .purpose = {.expansion = 41, .attempt = 2}},
                                   "kernelbench/1/19", Language::triton, "digest");
  const auto read = expansion_meta_from_text(text, "meta.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->session, "0123456789ab");
  EXPECT_EQ(read->purpose.expansion, 41U);
  EXPECT_EQ(read->purpose.attempt, 2);
}

TEST(ExpansionMeta, SaysWhereTheAnswerBelongs) {
  const auto json = nlohmann::json::parse(to_text({}, "p", Language::cuda, "d"));
  EXPECT_THAT(json["answer"].get<std::string>(), AllOf(HasSubstr("reply.md"), HasSubstr("kernel.cu")));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["problem"], "p");
  EXPECT_EQ(json["request"], "d");
}

std::string trouble(const char* text) {
  const auto read = expansion_meta_from_text(text, "7/meta.json");
  if (read) return "read";
  EXPECT_EQ(read.error().kind, ErrorKind::user);
  return read.error().message;
}

TEST(ExpansionMeta, WhatIsNoneIsSaidWithItsFileAndField) {
  EXPECT_THAT(trouble("no JSON"), AllOf(HasSubstr("7/meta.json"), HasSubstr("JSON")));
  EXPECT_THAT(trouble("[1]"), HasSubstr("7/meta.json is no JSON as kerf ask writes it"));
  EXPECT_THAT(trouble(R"({"expansion": 1, "attempt": 0})"), AllOf(HasSubstr("7/meta.json"), HasSubstr("session")));
  EXPECT_THAT(trouble(R"({"session": "a", "attempt": 0})"), HasSubstr("expansion"));
  EXPECT_THAT(trouble(R"({"session": "a", "expansion": 1, "attempt": "0"})"), HasSubstr("attempt"));
}

TEST(ExpansionMeta, NumbersThatNoExpansionHasAreRefusedAndNotCutToFit) {
  EXPECT_THAT(trouble(R"({"session": "a", "expansion": -1, "attempt": 0})"), HasSubstr("\"expansion\" is -1"));
  EXPECT_THAT(trouble(R"({"session": "a", "expansion": 1, "attempt": -1})"), HasSubstr("\"attempt\" is -1"));
  EXPECT_THAT(trouble(R"({"session": "a", "expansion": 1, "attempt": 4294967296})"), HasSubstr("\"attempt\""));
  EXPECT_EQ(trouble(R"({"session": "a", "expansion": 9223372036854775807, "attempt": 0})"), "read");
}

}  // namespace
}  // namespace kerf
