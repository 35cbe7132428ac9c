#include "synthesize/reply/edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "synthesize/reply/lines.h"

namespace kerf {
namespace {

using testing::HasSubstr;

// Few distinct lines: that they repeat is what makes edits hard.
std::vector<std::string> any_lines() {
  return *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("a", "b", "  c", "", "}", "{", "// d", "x ", "-- e", "++ f", "@g", "\\ h"));
}
std::string in_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

RC_GTEST_PROP(EditProperty, ADiffOfTwoTextsMakesTheSecondOutOfTheFirst, ()) {
  const std::string a = in_lines(any_lines()), b = in_lines(any_lines());
  const std::string diff = unified_diff(a, b, *rc::gen::inRange<std::size_t>(0, 5));
  if (diff.empty()) {
    RC_ASSERT(a == b);
    return;
  }
  RC_ASSERT(is_unified_diff(diff));
  const auto edits = read_unified_diff(diff);
  RC_ASSERT(edits.has_value());
  const auto made = apply_edits(*edits, a);
  RC_ASSERT(made.has_value());
  RC_ASSERT(*made == b);
}

// A small change of a long text: the shortest difference is no longer than what was changed.
RC_GTEST_PROP(EditProperty, ADiffShowsNoMoreThanWhatChanged, ()) {
  std::vector<std::string> lines;
  for (int i = 0; i < 60; ++i) lines.push_back("line " + std::to_string(i % 17));
  auto changed = lines;
  const auto at = *rc::gen::inRange<std::size_t>(0, changed.size());
  changed[at] = "changed";
  std::size_t removed = 0, added = 0;
  const std::string diff = unified_diff(in_lines(lines), in_lines(changed), 0);
  for (const std::string_view line : split_lines(diff)) {
    removed += line.starts_with("-");
    added += line.starts_with("+");
  }
  RC_ASSERT(removed == 1U);
  RC_ASSERT(added == 1U);
}

RC_GTEST_PROP(EditProperty, ASearchThatIsThereOnceIsReplacedThereAndNowhereElse, ()) {
  auto lines = any_lines();
  const auto at = *rc::gen::inRange<std::size_t>(0, lines.size() + 1);
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), "the one");
  auto wanted = lines;
  wanted[at] = "another";
  const auto edits = read_search_replace("<<<<<<< SEARCH\nthe one\n=======\nanother\n>>>>>>> REPLACE\n");
  RC_ASSERT(edits.has_value());
  const auto made = apply_edits(*edits, in_lines(lines));
  RC_ASSERT(made.has_value());
  RC_ASSERT(*made == in_lines(wanted));
}

TEST(Edit, WhiteSpaceAtLineEndsMatchesAndIsKeptWhereALineStays) {
  const auto edits = read_search_replace("<<<<<<< SEARCH\na\nb\n=======\na\nc\n>>>>>>> REPLACE\n");
  ASSERT_TRUE(edits);
  const auto made = apply_edits(*edits, "a  \r\nb\t\nd");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(*made, "a  \r\nc\nd");
}

TEST(Edit, LeadingWhiteSpaceHasToBeRight) {
  const auto edits = read_search_replace("<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n");
  EXPECT_FALSE(apply_edits(*edits, "  a\n"));
}

TEST(Edit, OfSeveralPlacesADiffMeansTheOneThatItsHeaderNames) {
  const auto edits = read_unified_diff("@@ -3 +3 @@\n-a\n+b\n");
  ASSERT_TRUE(edits);
  EXPECT_EQ(*apply_edits(*edits, "a\nx\na\n"), "a\nx\nb\n");
  const auto elsewhere = read_unified_diff("@@ -2 +2 @@\n-a\n+b\n");
  const auto made = apply_edits(*elsewhere, "a\nx\na\n");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("several places"));
}

TEST(Edit, MessagesNameTheEditAndItsFirstLine) {
  const auto edits = read_search_replace(
      "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n<<<<<<< SEARCH\n\n  not there\n=======\n>>>>>>> REPLACE\n");
  ASSERT_TRUE(edits);
  const auto made = apply_edits(*edits, "a\n");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::candidate);
  EXPECT_THAT(made.error().message, HasSubstr("edit 2 looks for 'not there'"));
}

TEST(Edit, TwoTextsThatDifferInThousandsOfLinesHaveADifferenceThatApplies) {
  std::string a, b;
  for (int i = 0; i < 3'000; ++i) {
    a += "a" + std::to_string(i) + "\n";
    b += "b" + std::to_string(i) + "\n";
  }
  const auto edits = read_unified_diff(unified_diff(a, b));
  ASSERT_TRUE(edits);
  EXPECT_EQ(*apply_edits(*edits, a), b);
}

}  // namespace
}  // namespace kerf
