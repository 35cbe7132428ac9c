// What tiles take, on regions that are written out: sums of rows and of columns, a pointwise one.
#include "synthesize/builtin/triton_tiles.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

Region region_of(const std::string& text) {
  std::stringstream in(text);
  const Result<GeneralGraph> graph = generalise(parse(in).problem, GraphForm::exported);
  EXPECT_TRUE(graph) << text;
  std::vector<std::size_t> all;
  for (std::size_t n = 0; n < graph->nodes.size(); ++n) all.push_back(n);
  Result<Region> region = lower(*graph, all);
  EXPECT_TRUE(region) << text;
  return *std::move(region);
}

const std::string of_rows = "input x f32 8 1000\ns = aten.sum.dim_IntList x [1] -> f32 8\noutput s\n";
const std::string of_columns = "input x f32 1000 64\ns = aten.sum.dim_IntList x [0] -> f32 64\noutput s\n";
const std::string pointwise = "input x f32 8 1000\nr = aten.relu.default x -> f32 8 1000\noutput r\n";

TEST(TritonTiles, ARowIsAsLongAsWhatIsReduced) {
  EXPECT_EQ(longest_row(region_of(of_rows)), 1000);
  EXPECT_EQ(longest_row(region_of(pointwise)), 1);
}

TEST(TritonTiles, ATileOfARowThatIsHeldIsThePowerOfTwoAboveIt) {
  EXPECT_EQ(tile_length(region_of(of_rows), {.sketch = Sketch::rows, .hold = true}, 128), 1024);
}

TEST(TritonTiles, OtherwiseAThreadHasUnrollElementsOfATile) {
  const Region rows = region_of(of_rows);
  EXPECT_EQ(tile_length(rows, {.sketch = Sketch::rows, .unroll = 4, .lanes = 8}, 128), 8 * 4);
  EXPECT_EQ(tile_length(rows, {.sketch = Sketch::rows, .unroll = 4, .lanes = whole_block}, 128), 128 * 4);
  EXPECT_EQ(tile_length(region_of(of_columns), {.sketch = Sketch::columns, .unroll = 4, .width = 2, .lanes = 8}, 128),
            8 * 4);
  EXPECT_EQ(tile_length(region_of(pointwise), {.sketch = Sketch::flat, .unroll = 4, .width = 2}, 128), 128 * 4 * 2);
}

TEST(TritonTiles, WhatIsSplitIsCutUpByColumnsWhereTheInnermostAxisIsKept) {
  EXPECT_FALSE(cuts_up_columns(region_of(of_rows), {.sketch = Sketch::split}));
  EXPECT_TRUE(cuts_up_columns(region_of(of_columns), {.sketch = Sketch::split}));
  EXPECT_FALSE(cuts_up_columns(region_of(of_columns), {.sketch = Sketch::columns}));
}

TEST(TritonTiles, ARowThatIsHeldNeedsNoLoopUnlessAProgramWorksOffSeveral) {
  EXPECT_TRUE(loops_over_tiles({.sketch = Sketch::rows}));
  EXPECT_FALSE(loops_over_tiles({.sketch = Sketch::rows, .hold = true}));
  EXPECT_TRUE(loops_over_tiles({.sketch = Sketch::rows, .resident = 1, .hold = true}));
  EXPECT_FALSE(loops_over_tiles({.sketch = Sketch::flat}));
}

TEST(TritonTiles, AThreadHoldsThirtyTwoElementsAndSixteenWhereThereAreMany) {
  const auto held = [](std::int64_t row, std::int64_t threads) {
    const std::string n = std::to_string(row);
    return registers_hold_tile(
        region_of("input x f32 8 " + n + "\ns = aten.sum.dim_IntList x [1] -> f32 8\noutput s\n"),
        {.sketch = Sketch::rows, .block = {threads}, .lanes = whole_block, .hold = true});
  };
  EXPECT_TRUE(held(32 * 128, 128));
  EXPECT_FALSE(held(32 * 128 + 1, 128));
  EXPECT_TRUE(held(16 * 1024, 1024));
  EXPECT_FALSE(held(16 * 1024 + 1, 1024));
}

TEST(TritonTiles, EachStageHasATileOfEveryLoadThatChangesWithinARow) {
  // Tiles of 128 / 8 rows and 8 * 4 columns.
  const Schedule s{.sketch = Sketch::rows, .block = {128}, .unroll = 4, .lanes = 8, .stages = 3};
  EXPECT_EQ(staged_bytes(region_of(of_rows), s), 3 * 4 * 16 * 32);
  const std::string two =
      "input x f32 8 1000\ninput y f32 8 1000\nm = aten.mul.Tensor x y -> f32 8 1000\n"
      "s = aten.sum.dim_IntList m [1] -> f32 8\noutput s\n";
  EXPECT_EQ(staged_bytes(region_of(two), s), 2 * 3 * 4 * 16 * 32);
}

TEST(TritonTiles, AProductHasBothFactorsUnderWayAndThePartsOfTheRightOneWhereTheyAreCutInTheTile) {
  const auto bytes = [](Factors factors) {
    return bytes_of_tiles({.stages = 2, .tile = {64, 32, 16}, .factors = factors});
  };
  const std::int64_t under_way = 2 * (64 + 32) * 16;
  EXPECT_EQ(bytes(Factors::coarse), under_way * 4);
  EXPECT_EQ(bytes(Factors::two_parts), under_way * 4 + 32 * 16 * 8);
  EXPECT_EQ(bytes(Factors::three_parts), under_way * 4 + 32 * 16 * 6);
  EXPECT_EQ(bytes(Factors::three_parts_before), under_way * 6);
}

TEST(TritonTiles, AMatrixOfAnAttentionHasAPowerOfTwoOfLanesSixteenAtLeast) {
  const Region region = region_of(of_rows);
  EXPECT_EQ(lanes_of(region, 1), 16);    // of 8
  EXPECT_EQ(lanes_of(region, 2), 1024);  // of 1000
}

}  // namespace
}  // namespace kerf
