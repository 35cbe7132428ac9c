#include "target/nvidia/ttgir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <tuple>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// As Triton 3.9 printed it; those that begin with gluon_ of the file in Gluon beside it.
std::string printed(const std::string& name) {
  std::ifstream in(std::string(KERF_CASES) + "/ttgir/" + name + ".ttgir");
  EXPECT_TRUE(in);
  return (std::stringstream() << in.rdbuf()).str();
}
// A sum over rows, read in a loop.
std::string row_sum() { return printed("row_sum"); }

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

// Operation, line of the source, partition.
using Named = std::tuple<std::string, int, int>;
std::vector<Named> places(const Ttgir& ir, const std::vector<std::size_t>& ops) {
  std::vector<Named> out;
  for (const std::size_t i : ops) out.emplace_back(ir.ops[i].name, ir.ops[i].line, ir.ops[i].partition);
  return out;
}

TEST(Ttgir, GluonsCopiesAndBarriers) {
  const auto ir = read_ttgir(printed("gluon_ring"));
  ASSERT_TRUE(ir) << ir.error().message;
  EXPECT_THAT(places(*ir, ops_to_probe(*ir)),
              ElementsAre(Named("ttg.async_copy_global_to_local", 14, -1), Named("scf.for", 16, -1),
                          Named("ttg.async_copy_global_to_local", 17, -1), Named("ttg.async_wait", 19, -1),
                          Named("ttg.barrier", 20, -1), Named("ttg.local_load", 21, -1), Named("ttg.barrier", 22, -1),
                          Named("ttg.async_wait", 23, -1), Named("ttg.barrier", 24, -1),
                          Named("ttg.local_load", 25, -1), Named("tt.reduce", 26, -1), Named("tt.store", 26, -1)))
      << "memory that nothing is put into is no operation that takes time";
}

TEST(Ttgir, GluonsBoxesAndWarpGroups) {
  const auto ir = read_ttgir(printed("gluon_product"));
  ASSERT_TRUE(ir) << ir.error().message;
  EXPECT_THAT(places(*ir, ops_to_probe(*ir)),
              ElementsAre(Named("scf.for", 21, -1), Named("ttng.async_tma_copy_global_to_local", 23, -1),
                          Named("ttng.async_tma_copy_global_to_local", 24, -1), Named("ttng.wait_barrier", 25, -1),
                          Named("ttng.warp_group_dot", 27, -1), Named("ttng.warp_group_dot_wait", 28, -1),
                          Named("tt.store", 32, -1)));
}

TEST(Ttgir, WarpsWithWorkOfTheirOwnAreProbedToo) {
  const auto ir = read_ttgir(printed("gluon_parts"));
  ASSERT_TRUE(ir) << ir.error().message;
  ASSERT_EQ(ir->partitions.size(), 1u);
  ASSERT_EQ(ir->specializations.size(), 1u);
  const auto ops = ops_to_probe(*ir);
  // Lines are those of the helper functions, not of where they were handed over.
  EXPECT_THAT(places(*ir, ops),
              ElementsAre(Named("scf.for", 24, -1), Named("ttng.wait_barrier", 25, -1), Named("ttg.local_load", 26, -1),
                          Named("ttng.arrive_barrier", 27, -1), Named("tt.reduce", 29, -1), Named("tt.store", 29, -1),
                          Named("scf.for", 12, 0), Named("ttng.wait_barrier", 13, 0), Named("tt.load", 14, 0),
                          Named("ttg.local_store", 14, 0), Named("ttng.arrive_barrier", 15, 0)));
  const auto probed = insert_probes(*ir, ops);
  ASSERT_TRUE(probed) << probed.error().message;
  const auto again = read_ttgir(probed->text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(std::ranges::count(again->ops, "tt.elementwise_inline_asm", &TtgirOp::name), 4 + 2 * 11);
  // What a partition writes to was handed to it: it sees nothing from outside.
  EXPECT_THAT(probed->text, HasSubstr("%n, %kerf_words) attributes {requestedRegisters"));
  EXPECT_THAT(probed->text, HasSubstr(", %kerf_p0_words: !tt.ptr<i64>) num_warps(1) {"));
  EXPECT_THAT(probed->text, HasSubstr("i32, !tt.ptr<i64>) -> ()"));
  for (const TtgirOp& op : again->ops) {
    if (op.partition < 0) continue;
    EXPECT_THAT(again->lines[op.first_line], Not(HasSubstr("%kerf_mine")));
  }
  // Where nothing of it is probed it takes nothing.
  const auto outside = insert_probes(*ir, std::vector<std::size_t>{ops[0]});
  ASSERT_TRUE(outside);
  EXPECT_THAT(outside->text, Not(HasSubstr("%kerf_p0_words")));
}

// A module of Triton's around what a function does.
std::string function(const std::string& body) {
  return "module {\n  tt.func public @k(%n: i32) {\n" + body + "    tt.return\n  }\n}\n";
}

TEST(Ttgir, BranchesAreLookedIntoAndEndWhereTheirLastRegionDoes) {
  const auto ir =
      read_ttgir(function("    scf.for %i = %a to %n step %b : i32 {\n"
                          "      scf.if %c {\n"
                          "        tt.store %p, %x : !tt.ptr<f32>\n"
                          "      } else {\n"
                          "        %y = tt.load %p : !tt.ptr<f32>\n"
                          "      }\n"
                          "    }\n"
                          "    %r = scf.while (%v = %a) : (i32) -> i32 {\n"
                          "      scf.condition(%c) %v : i32\n"
                          "    } do {\n"
                          "    ^bb0(%w: i32):\n"
                          "      scf.yield %w : i32\n"
                          "    }\n"));
  ASSERT_TRUE(ir) << ir.error().message;
  EXPECT_THAT(names(*ir, ops_to_probe(*ir)), ElementsAre("scf.for", "tt.store", "tt.load", "scf.while"));
  const auto branch = std::ranges::find(ir->ops, "scf.if", &TtgirOp::name);
  ASSERT_NE(branch, ir->ops.end());
  EXPECT_EQ(branch->last_line - branch->first_line, 4u);
  const auto load = std::ranges::find(ir->ops, "tt.load", &TtgirOp::name);
  EXPECT_EQ(load->loop, 0);
  const auto loop = std::ranges::find(ir->ops, "scf.while", &TtgirOp::name);
  EXPECT_EQ(loop->last_line - loop->first_line, 5u);
}

TEST(Ttgir, TheInnermostLoopsComeFirstWhereverTheyStand) {
  const auto ir =
      read_ttgir(function("    scf.for %i = %a to %n step %b : i32 {\n"
                          "      scf.for %j = %a to %n step %b : i32 {\n"
                          "        tt.store %p, %x : !tt.ptr<f32>\n"
                          "      }\n"
                          "    }\n"
                          "    scf.for %k = %a to %n step %b : i32 {\n"
                          "      %y = tt.load %p : !tt.ptr<f32>\n"
                          "    }\n"));
  ASSERT_TRUE(ir) << ir.error().message;
  EXPECT_THAT(names(*ir, ops_to_probe(*ir, 1)), ElementsAre("tt.store"));
}

TEST(Ttgir, SaysWhatItDoesNotTake) {
  EXPECT_FALSE(read_ttgir(""));
  EXPECT_FALSE(read_ttgir("module {\n}\n"));
  EXPECT_FALSE(read_ttgir("  tt.func public @k() {\n    %0 = a.b : i32\n"));
  const auto loop = read_ttgir("  tt.func public @k() {\n    scf.for everything {\n    }\n    tt.return\n  }\n");
  ASSERT_FALSE(loop);
  EXPECT_EQ(loop.error().at->line, 2);
  EXPECT_FALSE(read_ttgir(function("    ttg.warp_specialize %n\n    default {\n    } : () -> ()\n")));
  EXPECT_FALSE(read_ttgir(function("    ttg.warp_specialize()\n    partition0 {\n    } : () -> ()\n")));
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
