// A schedule that Triton can run, changed in one thing, and why it then cannot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/triton_schedule.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using testing::HasSubstr;

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

struct Change {
  const char* reason;
  std::function<void(Schedule&)> make;
};

void expect_refused(const Region& region, const Schedule& legal, const std::vector<Change>& changes) {
  ASSERT_EQ(illegal_in_triton(region, legal), "");
  for (const Change& change : changes) {
    Schedule s = legal;
    change.make(s);
    EXPECT_THAT(illegal_in_triton(region, s), HasSubstr(change.reason));
  }
}

TEST(TritonLegal, Rows) {
  expect_refused(region_of("input x f32 8 1000\ns = aten.sum.dim_IntList x [1] -> f32 8\noutput s\n"),
                 {.sketch = Sketch::rows, .block = {128}, .unroll = 4, .lanes = 8},
                 {{"1 to 32 warps", [](Schedule& s) { s.block = {}; }},
                  {"1 to 32 warps", [](Schedule& s) { s.block = {128, 96}; }},
                  {"1 to 32 warps", [](Schedule& s) { s.block = {2048}; }},
                  {"1 to 64 elements", [](Schedule& s) { s.unroll = 3; }},
                  {"1 to 64 elements", [](Schedule& s) { s.unroll = 128; }},
                  {"1, 2 or 4 neighbours", [](Schedule& s) { s.width = 8; }},
                  {"a power of two", [](Schedule& s) { s.lanes = 6; }},
                  {"a whole program", [](Schedule& s) { s.lanes = 64; }},
                  {"1048576 programs", [](Schedule& s) { s.resident = -1; }},
                  {"0 to 8 stages", [](Schedule& s) { s.stages = 9; }},
                  {"loads that are ahead", [](Schedule& s) { s.unroll = 64, s.stages = 8; }},
                  {"no loop", [](Schedule& s) { s.hold = true, s.stages = 2; }},
                  {"could share a pass", [](Schedule& s) { s.joint = true; }},
                  {"no word for it", [](Schedule& s) { s.keep = true; }},
                  {"no ends of rows", [](Schedule& s) { s.across = true; }},
                  {"the region reduces", [](Schedule& s) { s.sketch = Sketch::flat; }},
                  {"the innermost axis is reduced", [](Schedule& s) { s.sketch = Sketch::columns; }},
                  {"for at least one program", [](Schedule& s) { s.sketch = Sketch::split; }},
                  {"no product of matrices", [](Schedule& s) { s.sketch = Sketch::product; }},
                  {"no attention", [](Schedule& s) { s.sketch = Sketch::attention; }}});
}

TEST(TritonLegal, ARowIsHeldWhereRegistersHoldATile) {
  expect_refused(
      region_of("input x f32 8 4096\ns = aten.sum.dim_IntList x [1] -> f32 8\noutput s\n"),
      {.sketch = Sketch::rows, .block = {128}, .lanes = 1024, .hold = true},
      {{"registers", [](Schedule& s) { s.block = {128, 64}; }}, {"registers", [](Schedule& s) { s.lanes = 1; }}});
}

TEST(TritonLegal, Columns) {
  expect_refused(region_of("input x f32 1000 64\ns = aten.sum.dim_IntList x [0] -> f32 64\noutput s\n"),
                 {.sketch = Sketch::columns, .block = {128}, .unroll = 4, .lanes = 8},
                 {{"the innermost axis is kept", [](Schedule& s) { s.sketch = Sketch::rows; }},
                  {"fewer than 4 columns", [](Schedule& s) { s.lanes = 64; }},
                  {"fewer than 4 columns", [](Schedule& s) { s.lanes = 1024; }}});
}

TEST(TritonLegal, APositionIsNotSplit) {
  const Schedule split{.sketch = Sketch::split, .block = {128}, .resident = 4};
  EXPECT_EQ(
      illegal_in_triton(region_of("input x f32 8 1000\ns = aten.sum.dim_IntList x [1] -> f32 8\noutput s\n"), split),
      "");
  EXPECT_THAT(
      illegal_in_triton(region_of("input x f32 8 1000\ns = aten.argmax.default x 1 -> i64 8\noutput s\n"), split),
      HasSubstr("are not split"));
}

TEST(TritonLegal, Flat) {
  expect_refused(region_of("input x f32 8 1000\nr = aten.relu.default x -> f32 8 1000\noutput r\n"),
                 {.sketch = Sketch::flat, .block = {128}, .unroll = 2, .width = 4},
                 {{"does not reduce", [](Schedule& s) { s.sketch = Sketch::rows; }},
                  {"could be held", [](Schedule& s) { s.hold = true; }},
                  {"no loop", [](Schedule& s) { s.stages = 2; }},
                  {"no word for it", [](Schedule& s) { s.overlap = true; }}});
}

TEST(TritonLegal, Product) {
  expect_refused(region_of("input x f32 64 96\ninput y f32 96 80\np = aten.mm.default x y -> f32 64 80\noutput p\n"),
                 {.sketch = Sketch::product, .block = {128}, .stages = 2, .tile = {64, 64, 32}},
                 {{"16 to 256 rows", [](Schedule& s) { s.tile[0] = 8; }},
                  {"16 to 256 rows", [](Schedule& s) { s.tile[2] = 48; }},
                  {"side by side", [](Schedule& s) { s.swizzle = 0; }},
                  {"1 to 1024 pieces", [](Schedule& s) { s.pieces = 0; }},
                  {"0 to 8 stages", [](Schedule& s) { s.stages = 9; }},
                  {"registers", [](Schedule& s) { s.tile = {256, 128, 16}; }},
                  {"under way", [](Schedule& s) { s.tile = {128, 64, 128}, s.stages = 3; }},
                  {"must not be rounded", [](Schedule& s) { s.factors = Factors::coarse; }},
                  {"nothing of a product", [](Schedule& s) { s.hold = true; }}});
}

TEST(TritonLegal, ProductsOfSoManyRowsAreNot) {
  const auto product = [](const std::string& rows) {
    return region_of("input x f32 " + rows + " 4\ninput y f32 4 5\np = aten.mm.default x y -> f32 " + rows +
                     " 5\noutput p\n");
  };
  const Schedule s{.sketch = Sketch::product, .block = {128}, .tile = {16, 16, 16}};
  EXPECT_EQ(illegal_in_triton(product("2147483647"), s), "");
  EXPECT_THAT(illegal_in_triton(product("2147483648"), s), HasSubstr("2147483648 rows"));
}

}  // namespace
}  // namespace kerf
