#include "evaluate/profile/line_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Lines 5 and 9 of the candidate; at 0x20 something of the prelude that line 5 calls, at 0x40 code of nobody's.
LineTables tables() {
  LineTable table;
  table.functions["k"] = {{.address = 0x00, .file = "candidate", .line = 5},
                          {.address = 0x10, .file = "candidate", .line = 9},
                          {.address = 0x20, .file = "prelude", .line = 70, .caller = 1},
                          {.address = 0x40, .file = "prelude", .line = 71},
                          {.address = 0x50, .file = "prelude", .line = 71, .end = true}};
  return {{"a.cubin", table}};
}

TEST(SampledLines, AddUpPerLineWithWhatItWaitsFor) {
  const std::vector<LaunchSamples> samples{
      {.step = 0,
       .cubin = "a.cubin",
       .at = {{.function = "k", .offset = 0x00, .stalls = {{"long_scoreboard", 30}, {"selected", 10}}},
              {.function = "k", .offset = 0x10, .stalls = {{"barrier", 20}}},
              {.function = "k", .offset = 0x30, .stalls = {{"long_scoreboard", 30}}},
              {.function = "k", .offset = 0x40, .stalls = {{"wait", 10}}}},
       .lost = 2}};
  const auto found = sampled_lines(samples, tables(), "candidate", [](int) { return 1.0; });
  EXPECT_EQ(found.samples, 100);
  EXPECT_EQ(found.lost, 2);
  ASSERT_EQ(found.lines.size(), 2u);
  EXPECT_EQ(found.lines[0].line, 5);
  EXPECT_DOUBLE_EQ(found.lines[0].share, 0.7);
  EXPECT_DOUBLE_EQ(found.lines[0].waits.at("long_scoreboard"), 60.0 / 70);
  EXPECT_EQ(found.lines[1].line, 9);
  EXPECT_DOUBLE_EQ(found.lines[1].share, 0.2);
  const auto spots = hot_lines(found);
  ASSERT_EQ(spots.size(), 2u);
  EXPECT_EQ(spots[0].line, 5);
  EXPECT_THAT(spots[0].what, HasSubstr("70 % of the time of all warps is spent here, waiting for loads from global or "
                                       "local memory (86 %)"));
  EXPECT_THAT(spots[0].what, Not(HasSubstr("selected")));
  EXPECT_DOUBLE_EQ(spots[0].share, 0.7);
}

TEST(SampledLines, AStepCountsAsOftenAsItIsExecuted) {
  const auto launch = [](int step, std::uint64_t offset) {
    return LaunchSamples{
        .step = step, .cubin = "a.cubin", .at = {{.function = "k", .offset = offset, .stalls = {{"wait", 10}}}}};
  };
  const auto found = sampled_lines({launch(0, 0x00), launch(1, 0x10)}, tables(), "candidate",
                                   [](int s) { return s == 1 ? 4.0 : 1.0; });
  ASSERT_EQ(found.lines.size(), 2u);
  EXPECT_EQ(found.lines[0].line, 9);
  EXPECT_DOUBLE_EQ(found.lines[0].share, 0.8);
}

TEST(SampledLines, WhatHasNoTableHasNoLine) {
  const std::vector<LaunchSamples> samples{
      {.cubin = "b.cubin", .at = {{.function = "k", .offset = 0, .stalls = {{"wait", 10}}}}}};
  const auto found = sampled_lines(samples, tables(), "candidate", [](int) { return 1.0; });
  EXPECT_EQ(found.samples, 10);
  EXPECT_THAT(found.lines, IsEmpty());
  EXPECT_THAT(hot_lines(found), IsEmpty());
}

TEST(SampledLines, OfAFileElsewhereAreNotRead) {
  const auto read = line_tables_of({.path = "/tmp/x.cubin", .digest = {}, .remarks = {}, .inspected = {}},
                                   {{.cubin = "../../etc/passwd"}});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace kerf
