#include "synthesize/model/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <vector>

namespace kerf {
namespace {

using testing::ElementsAre;

std::vector<std::string> events_of(std::string_view bytes, std::size_t step = 1'000'000) {
  std::vector<std::string> seen;
  EventStream stream;
  const auto keep = [&](const ServerEvent& e) { seen.push_back(e.name + "|" + e.data); };
  while (!bytes.empty()) {
    if (!stream.feed(bytes.substr(0, step), keep)) return {"failed"};
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  return stream.finish(keep) ? seen : std::vector<std::string>{"failed"};
}

TEST(EventStream, AnEventEndsWithABlankLine) {
  EXPECT_THAT(events_of("event: a\ndata: 1\n\ndata: 2\n\n"), ElementsAre("a|1", "|2"));
}

TEST(EventStream, LinesEndWithAnyOfThreeEnds) {
  EXPECT_THAT(events_of("data: 1\r\ndata: 2\rdata: 3\n\r\n"), ElementsAre("|1\n2\n3"));
}

TEST(EventStream, OneBlankAfterTheColonBelongsToNobody) {
  EXPECT_THAT(events_of("data:1\n\ndata:  2\n\ndata\n\n"), ElementsAre("|1", "| 2", "|"));
}

TEST(EventStream, CommentsAndUnknownFieldsAreNothing) {
  EXPECT_THAT(events_of(": ping\nid: 7\nretry: 10\nother: x\ndata: 1\n\n: ping\n\n"), ElementsAre("|1"));
}

TEST(EventStream, AByteOrderMarkMayComeFirst) {
  EXPECT_THAT(events_of("\xEF\xBB\xBF"
                        "data: 1\n\n"),
              ElementsAre("|1"));
}

TEST(EventStream, TheLastEventMayLackItsBlankLine) {
  EXPECT_THAT(events_of("data: 1\n\ndata: 2\n"), ElementsAre("|1", "|2"));
  EXPECT_THAT(events_of("data: 1\n\ndata: 2"), ElementsAre("|1", "|2"));
}

TEST(EventStream, ALineOfAMegabyteIsAnError) {
  EXPECT_THAT(events_of("data: " + std::string(EventStream::longest_line, 'x') + "\n\n"), ElementsAre("failed"));
  EXPECT_THAT(events_of(std::string(EventStream::longest_line + 1, 'x'), 1000), ElementsAre("failed"));
}

TEST(EventStream, AnEventOfManyLinesIsBounded) {
  std::string text;
  for (int i = 0; i < 5; ++i) text += "data: " + std::string(1'000'000, 'x') + "\n";
  EXPECT_THAT(events_of(text + "\n"), ElementsAre("failed"));
}

TEST(EventStream, HowTheBytesAreCutMakesNoDifference) {
  rc::check([] {
    const auto pieces = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("data", "event", ":", " ", "x", "\n", "\r", "\r\n", "\n\n", "\xEF\xBB\xBF", "é"));
    std::string text;
    for (const auto& p : pieces) text += p;
    const auto step = static_cast<std::size_t>(*rc::gen::inRange(1, 6));
    RC_ASSERT(events_of(text, step) == events_of(text));
  });
}

}  // namespace
}  // namespace kerf
