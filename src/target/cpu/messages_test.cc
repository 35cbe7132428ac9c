#include "target/cpu/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(CompilerMessages, ReadsFileLineColumnAndSeverity) {
  const auto messages =
      read_messages("candidate:14:44: error: \xe2\x80\x98total\xe2\x80\x99 was not declared in this scope\nnoise\n");
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].at, (Location{14, 44}));
  EXPECT_EQ(messages[0].severity, "error");
  EXPECT_EQ(messages[0].text, "'total' was not declared in this scope");
}
TEST(CompilerMessages, ReadsAMessageWithoutColumn) {
  const auto messages = read_messages("candidate:3: fatal error: too much\n");
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].at, (Location{3, 1}));
}
TEST(CompilerMessages, SkipsWhatIsNoMessage) {
  EXPECT_THAT(
      read_messages(
          "collect2: error: ld returned 1\na:b:c\n:1:2: error: x\nf:0:1: error: x\nf:99999999999:1: error: x\n"),
      IsEmpty());
}
TEST(CompilerMessages, ControlCharactersDoNotReachTheTerminal) {
  const auto messages = read_messages("candidate:1:1: error: a\x1b[31mb\n");
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].text, "a?[31mb");
}
TEST(CompilerMessages, NoErrorWhereThereAreOnlyWarnings) {
  EXPECT_FALSE(first_error(read_messages("candidate:1:1: warning: w\n")));
}
TEST(CompilerMessages, AnErrorOfTheCandidateComesBeforeOneOfThePrelude) {
  const auto error = first_error(
      read_messages("prelude:5:1: error: first\ncandidate:2:3: error: second\ncandidate:4:5: error: third\n"));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message, "second");
  EXPECT_EQ(error->at, (Location{2, 3}));
  EXPECT_THAT(error->facts, testing::Contains(testing::Pair("message", "4:5: third")));
}
TEST(CompilerMessages, AnErrorOfTheTrailerOnThePlansLineIsTheCandidates) {
  EXPECT_EQ(first_error(read_messages("kerf_plan:4:10: error: '::k' has not been declared\n"))->at->line, 4);
}
TEST(CompilerMessages, AnErrorElsewhereHasNoPlaceInTheCandidate) {
  EXPECT_FALSE(first_error(read_messages("kerf_trailer:1:1: error: x\n"))->at);
}
TEST(CompilerMessages, AnIncludeIsAnsweredWithAdvice) {
  EXPECT_THAT(first_error(read_messages("candidate:8:10: fatal error: stdio.h: No such file or directory\n"))->message,
              HasSubstr("prelude"));
}

std::vector<std::string> texts(std::string_view output) {
  std::vector<std::string> result;
  for (const auto& r : read_remarks(read_messages(output)))
    result.push_back(std::to_string(r.line) + (r.missed ? " - " : " + ") + r.text);
  return result;
}
TEST(CompilerRemarks, GnuNamesTheLoopAndThenTheReason) {
  EXPECT_THAT(texts("candidate:3:22: missed: couldn't vectorize loop\ncandidate:3:38: missed: not vectorized: "
                    "unsupported use in stmt.\n"),
              ElementsAre("3 - the loop is not vectorised: a value is carried from iteration to iteration (a running "
                          "sum, a recurrence)"));
}
TEST(CompilerRemarks, GnuSaysWhichVectorsItUses) {
  EXPECT_THAT(texts("candidate:4:22: optimized: loop vectorized using 64 byte vectors\n"),
              ElementsAre("4 + the loop is vectorised with 64 byte vectors"));
}
TEST(CompilerRemarks, ClangUnderLineDirectivesNamesThePlaceInANote) {
  EXPECT_THAT(texts("candidate:1:17: remark: vectorized loop (vectorization width: 16, interleaved count: 4) "
                    "[-Rpass=loop-vectorize]\n"
                    "candidate:1:17: note: could not determine the original source location for candidate:4:3\n"),
              ElementsAre("4 + the loop is vectorised (vectorization width: 16, interleaved count: 4)"));
}
TEST(CompilerRemarks, ABareRefusalIsDroppedBesideItsReason) {
  EXPECT_THAT(
      texts(
          "candidate:3:3: remark: loop not vectorized: cannot identify array bounds [-Rpass-analysis=loop-vectorize]\n"
          "candidate:3:3: remark: loop not vectorized [-Rpass-missed=loop-vectorize]\n"),
      SizeIs(1));
}
TEST(CompilerRemarks, LinesOfThePreludeAreNotReported) {
  EXPECT_THAT(texts("prelude:9:1: optimized: loop vectorized using 64 byte vectors\n"), IsEmpty());
}
TEST(CompilerRemarks, TheSameIsSaidOnce) {
  EXPECT_THAT(texts("candidate:4:22: optimized: loop vectorized using 64 byte vectors\ncandidate:4:22: optimized: loop "
                    "vectorized using 64 byte vectors\n"),
              SizeIs(1));
}
RC_GTEST_PROP(CompilerRemarks, AnyTextIsRead, (const std::string& text)) {
  const auto messages = read_messages("candidate:1:1: remark: " + text + "\n" + text);
  RC_ASSERT(read_remarks(messages).size() <= 200U);
  (void)first_error(messages);
}

}  // namespace
}  // namespace kerf
