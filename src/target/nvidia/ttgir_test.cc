#include "target/nvidia/ttgir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// As Triton 3.9 printed it of a sum over rows, read in a loop.
std::string row_sum() {
  std::ifstream in(std::string(KERF_CASES) + "/ttgir/row_sum.ttgir");
  EXPECT_TRUE(in);
  return (std::stringstream() << in.rdbuf()).str();
}

std::vector<std::string> names(const Ttgir& ir, const std::vector<std::size_t>& ops) {
  std::vector<std::string> out;
  for (const std::size_t i : ops) out.push_back(ir.ops[i].name);
  return out;
}

TEST(Ttgir, OperationsLoopsAndWhereTheyComeFrom) {
  const auto ir = read_ttgir(row_sum());
  ASSERT_TRUE(ir) << ir.error().message;
  EXPECT_EQ(ir->function, "k");
  ASSERT_EQ(ir->loops.size(), 1u);
  EXPECT_EQ(ir->loops[0].counter, "%i");
  EXPECT_EQ(ir->loops[0].from, "%c0_i32");
  EXPECT_EQ(ir->loops[0].step, "%c1024_i32");
  EXPECT_EQ(ir->loops[0].type, "i32");
  const auto load = std::ranges::find(ir->ops, "tt.load", &TtgirOp::name);
  ASSERT_NE(load, ir->ops.end());
  EXPECT_EQ(load->loop, 0);
  EXPECT_EQ(load->file, "/tmp/candidate.py");
  EXPECT_EQ(load->line, 8);
  const auto loop = std::ranges::find(ir->ops, "scf.for", &TtgirOp::name);
  ASSERT_NE(loop, ir->ops.end());
  EXPECT_EQ(loop->loop, -1);
  EXPECT_GT(loop->last_line, load->last_line);
  EXPECT_THAT(ir->lines[loop->last_line], HasSubstr("}"));
  // What combines two values of a reduction is no place for a probe, the reduction as a whole is one.
  const auto reduce = std::ranges::find(ir->ops, "tt.reduce", &TtgirOp::name);
  ASSERT_NE(reduce, ir->ops.end());
  EXPECT_GT(reduce->last_line, reduce->first_line);
  EXPECT_EQ(std::ranges::count(ir->ops, "tt.reduce.return", &TtgirOp::name), 0);
  EXPECT_EQ(std::ranges::count(ir->ops, "arith.addf", &TtgirOp::name), 1);  // the loop's, not the reduction's
}

TEST(Ttgir, WhatIsWorthTiming) {
  const auto ir = read_ttgir(row_sum());
  ASSERT_TRUE(ir);
  EXPECT_THAT(names(*ir, ops_to_probe(*ir)), ElementsAre("scf.for", "tt.load", "tt.reduce", "tt.store"));
  EXPECT_THAT(names(*ir, ops_to_probe(*ir, 1)), ElementsAre("tt.load"));
}

TEST(Ttgir, ProbesStandAroundWhatTheyTime) {
  const auto ir = read_ttgir(row_sum());
  ASSERT_TRUE(ir);
  const auto ops = ops_to_probe(*ir);
  const auto probed = insert_probes(*ir, ops, {.programs = 8, .rounds = 4});
  ASSERT_TRUE(probed) << probed.error().message;
  EXPECT_EQ(probed->plan.events.size(), 3u + 4u);
  EXPECT_EQ(probed->plan.bytes(), 8 * 8 * (4 + 2 * 7));
  EXPECT_THAT(probed->text, HasSubstr("loc(\"n\"(#loc)), %kerf_words: !tt.ptr<i64>) attributes"));
  // It is still a TTGIR that is understood, with all that was there and two reads an operation.
  const auto again = read_ttgir(probed->text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(std::ranges::count(again->ops, "tt.elementwise_inline_asm", &TtgirOp::name), 4 + 2 * 4);
  const auto load = std::ranges::find(again->ops, "tt.load", &TtgirOp::name);
  EXPECT_EQ((load - 1)->name, "tt.store");
  EXPECT_EQ((load + 1)->name, "tt.elementwise_inline_asm");
  EXPECT_EQ(load->loop, 0);
  for (const std::string& line : ir->lines) {
    if (line.find("tt.func") != std::string::npos) continue;
    EXPECT_THAT(probed->text, HasSubstr(line));
  }
}

TEST(Ttgir, SaysWhatItDoesNotTake) {
  EXPECT_FALSE(read_ttgir(""));
  EXPECT_FALSE(read_ttgir("module {\n}\n"));
  EXPECT_FALSE(read_ttgir("  tt.func public @k() {\n    %0 = a.b : i32\n"));
  const auto loop = read_ttgir("  tt.func public @k() {\n    scf.for everything {\n    }\n    tt.return\n  }\n");
  ASSERT_FALSE(loop);
  EXPECT_EQ(loop.error().at->line, 2);
  const auto ir = read_ttgir(row_sum());
  ASSERT_TRUE(ir);
  EXPECT_FALSE(insert_probes(*ir, std::vector<std::size_t>{999}));
  EXPECT_FALSE(insert_probes(*ir, ops_to_probe(*ir), {.programs = 1, .rounds = 5000}));
}

TEST(Ttgir, WordsBecomeATimeline) {
  const ProbePlan plan{.events = {{.op = 7, .round = 0}, {.op = 7, .round = 1}}, .programs = 2};
  //                                     ns     cycles SM end
  const std::vector<std::uint64_t> words{2'000, 100,   5, 900, 500,   700,   300, 400,
                                         1'000, 9'000, 6, 1,   9'100, 9'050, 0,   0};
  const auto events = timeline(plan, words, 2'000);
  ASSERT_EQ(events.size(), 2u);  // the other program's end before they begin, or were not recorded
  EXPECT_EQ(events[0].round, 1);
  EXPECT_EQ(events[0].sm, 5);
  EXPECT_DOUBLE_EQ(events[0].begin_ns, 1'000 + 100);
  EXPECT_DOUBLE_EQ(events[0].end_ns, 1'000 + 150);
  EXPECT_DOUBLE_EQ(events[1].begin_ns, 1'000 + 200);
  EXPECT_TRUE(timeline(plan, std::vector<std::uint64_t>(16, 0), 2'000).empty());
  EXPECT_TRUE(timeline(plan, words, 0).empty());
}

}  // namespace
}  // namespace kerf
