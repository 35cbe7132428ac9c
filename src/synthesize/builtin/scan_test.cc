// Scans as regions, against sums and products that are made one element after the other.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/algebra.h"
#include "synthesize/builtin/emit/emit.h"
#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/moves.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/builtin/scan_schedule.h"
#include "synthesize/general.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

GeneralGraph graph_of(const std::string& text) {
  std::stringstream in(text);
  Result<GeneralGraph> graph = generalise(parse(in).problem, GraphForm::exported);
  EXPECT_TRUE(graph) << text;
  return *std::move(graph);
}

Result<Region> region_of(const std::string& text) {
  const GeneralGraph graph = graph_of(text);
  std::vector<std::size_t> all;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) all.push_back(n);
  return lower(graph, all);
}

// What the graph gives for `out`, all of its nodes in one region.
std::vector<double> given(const std::string& text, Memory memory, const std::string& out) {
  const Result<Region> region = region_of(text);
  EXPECT_TRUE(region) << text << region.error().message;
  if (region) interpret(*region, memory, 0);
  return memory[out];
}

using Join = std::function<double(double, double)>;

// Of each line along the middle dimension of a b x n x c tensor.
std::vector<double> scanned(const std::vector<double>& x, std::size_t n, std::size_t c, const Join& join,
                            bool backward = false) {
  std::vector<double> made = x;
  for (std::size_t line = 0; line < x.size() / n; ++line)
    for (std::size_t k = 1; k < n; ++k) {
      const auto at = [&](std::size_t i) { return (line / c * n + (backward ? n - 1 - i : i)) * c + line % c; };
      made[at(k)] = join(made[at(k - 1)], x[at(k)]);
    }
  return made;
}
const Join plus = [](double a, double b) { return a + b; };
const Join times = [](double a, double b) { return a * b; };
const Join greatest = [](double a, double b) { return std::max(a, b); };

TEST(Scan, JoinsAllElementsUpToEachOne) {
  const auto x = numbers(5 * 7 * 4);
  const auto text = [](const std::string& op, int dim) {
    return "input x f32 5 7 4\ny = aten." + op + " x " + std::to_string(dim) + " -> f32 5 7 4\noutput y\n";
  };
  EXPECT_EQ(given(text("cumsum.default", 1), {{"x", x}}, "y"), scanned(x, 7, 4, plus));
  EXPECT_EQ(given(text("cumsum.default", -1), {{"x", x}}, "y"), scanned(x, 4, 1, plus));
  EXPECT_EQ(given(text("cumprod.default", 0), {{"x", x}}, "y"), scanned(x, 5, 28, times));
}

// What the exclusive scan of each line is.
std::vector<double> exclusive(const std::vector<double>& x, std::size_t n, std::size_t c, const Join& join,
                              double neutral) {
  std::vector<double> before = x;
  for (std::size_t i = 0; i < x.size(); ++i) before[i] = i / c % n == 0 ? neutral : x[i - c];
  return scanned(before, n, c, join);
}

TEST(Scan, IsOneKernelWhereZerosAreInFront) {
  const auto x = numbers(5 * 7 * 4);
  const auto given = [&](const std::string& text) {
    const GeneralGraph graph = simplify(graph_of("input x f32 5 7 4\n" + text + "output y\n"));
    const Partition groups = partition(graph, Fusing::full);
    EXPECT_EQ(groups.groups.size(), 1U);
    EXPECT_EQ(library_calls(graph, groups), 0U);
    Memory memory{{"x", x}};
    interpret(*lower(graph, groups.groups[0]), memory, 0);
    return memory["y"];
  };
  const std::string zeros = "z = aten.zeros.default [5,1,4] -> f32 5 1 4\n";
  EXPECT_EQ(
      given(zeros + "s = aten.cumsum.default x 1 -> f32 5 7 4\nw = aten.slice.Tensor s 0 0 9223372036854775807 -> "
                    "f32 5 7 4\np = aten.slice.Tensor w 1 0 -1 -> f32 5 6 4\ny = aten.cat.default [z,p] 1 -> f32 "
                    "5 7 4\n"),
      exclusive(x, 7, 4, plus, 0));
  EXPECT_EQ(given(zeros + "p = aten.narrow.default x 1 0 6 -> f32 5 6 4\ns = aten.cumsum.default p 1 -> f32 5 6 4\n"
                          "y = aten.cat.default [z,s] -2 -> f32 5 7 4\n"),
            exclusive(x, 7, 4, plus, 0));
  EXPECT_EQ(given("o = aten.ones.default [5,7,1] -> f32 5 7 1\ns = aten.cumprod.default x -1 -> f32 5 7 4\np = "
                  "aten.slice.Tensor s 2 0 3 -> f32 5 7 3\ny = aten.cat.default [o,p] 2 -> f32 5 7 4\n"),
            exclusive(x, 4, 1, times, 1));
}

TEST(Scan, StaysWhereItIsNotTheSame) {
  const auto operators = [](const std::string& text) {
    std::vector<std::string> names;
    for (const GeneralNode& node : simplify(graph_of("input x f32 5 7\n" + text)).nodes) names.push_back(node.base());
    return names;
  };
  const std::string cat = "y = aten.cat.default [z,s] 1 -> f32 5 8\noutput y\n", scan = "s = aten.cumsum.default x ";
  EXPECT_THAT(operators("z = aten.zeros.default [5,1] -> f32 5 1\n" + scan + "1 -> f32 5 7\n" + cat),
              testing::ElementsAre("constant_pad_nd", "cumsum"));
  // Ones before a sum; the other dimension; a part that begins later.
  EXPECT_THAT(operators("z = aten.ones.default [5,1] -> f32 5 1\n" + scan + "1 -> f32 5 7\n" + cat),
              testing::ElementsAre("ones", "cumsum", "cat"));
  EXPECT_THAT(operators("z = aten.zeros.default [5,1] -> f32 5 1\n" + scan + "0 -> f32 5 7\n" + cat),
              testing::ElementsAre("zeros", "cumsum", "cat"));
  EXPECT_THAT(operators(scan + "1 -> f32 5 7\np = aten.slice.Tensor s 1 1 7 -> f32 5 6\noutput p\n"),
              testing::ElementsAre("cumsum", "slice"));
  EXPECT_THAT(operators(scan + "1 -> f32 5 7\np = aten.slice.Tensor s 1 0 6 -> f32 5 6\noutput s p\n"),
              testing::ElementsAre("cumsum", "slice"));
}

TEST(Scan, GivesTheLastOfTheGreatestPositions) {
  const std::vector<double> x = {1, 3, 2, 3, 5, std::nan(""), 9, std::nan("")};
  for (const auto& [op, wanted] : {std::pair("cummax", std::vector<double>{0, 1, 1, 3, 4, 5, 5, 7}),
                                   std::pair("cummin", std::vector<double>{0, 0, 0, 0, 0, 5, 5, 7})}) {
    Case c = parse(fmt::format("input x f32 8\ny = aten.{}.default x 0 -> f32 8\noutput y\n", op));
    Workload& w = c.problem.workloads[0];
    w.exported.nodes[0].results.push_back(spec_of(Dtype::i64, {8}));
    w.exported.outputs = {{"y", 1}};
    w.outputs = {w.exported.nodes[0].results[1]};
    w.core = w.exported;
    const Result<Region> region = lower(*generalise(c.problem, GraphForm::exported), {0});
    ASSERT_TRUE(region) << region.error().message;
    Memory memory{{"x", x}};
    interpret(*region, memory, 0);
    EXPECT_EQ(memory["y#1"], wanted) << op;
  }
}

TEST(Scan, GivesTheGreatestSoFarWhereNobodyAsksForItsPosition) {
  const auto x = numbers(5 * 7);
  const GeneralGraph graph = graph_of("input x f32 5 7\ny = aten.cummax.default x 1 -> f32 5 7\noutput y\n");
  Memory memory{{"x", x}};
  interpret(*lower(graph, {0}), memory, 0);
  EXPECT_EQ(memory["y"], scanned(x, 7, 1, greatest));
}

TEST(Scan, OfWhatAMaskLeavesWithWhatFollowsInOneRegion) {
  const auto x = numbers(6 * 9);
  std::vector<double> keep(54), masked(54);
  for (std::size_t i = 0; i < 54; ++i) {
    keep[i] = i % 3 == 1 ? 1 : 0;
    masked[i] = x[i] * keep[i];
  }
  std::vector<double> expected = scanned(masked, 9, 1, plus);
  for (std::size_t i = 0; i < 54; ++i) expected[i] -= masked[i];
  EXPECT_EQ(given("input x f32 6 9\ninput keep bool 6 9\nm = aten.mul.Tensor x keep -> f32 6 9\n"
                  "s = aten.cumsum.default m 1 -> f32 6 9\ne = aten.sub.Tensor s m -> f32 6 9\noutput e\n",
                  {{"x", x}, {"keep", keep}}, "e"),
            expected);
}

TEST(Scan, BetweenTwoFlipsRunsTheOtherWayAndTurnsNothing) {
  const auto x = numbers(6 * 9);
  const std::string text =
      "input x f32 6 9\nt = aten.flip.default x [1] -> f32 6 9\ns = aten.cumsum.default t 1 -> f32 6 9\n"
      "y = aten.flip.default s [1] -> f32 6 9\noutput y\n";
  EXPECT_EQ(given(text, {{"x", x}}, "y"), scanned(x, 9, 1, plus, true));
  const Region region = *region_of(text);
  EXPECT_FALSE(has_windows(region));
  ASSERT_EQ(region.scans().size(), 1U);
  EXPECT_TRUE(region.code[static_cast<std::size_t>(region.scans()[0])].backward);
}

TEST(Scan, OfAFlipReadsFromTheEnd) {
  const auto x = numbers(6 * 9);
  std::vector<double> turned(54);
  for (std::size_t i = 0; i < 54; ++i) turned[i] = x[i / 9 * 9 + 8 - i % 9];
  EXPECT_EQ(given("input x f32 6 9\nt = aten.flip.default x [-1] -> f32 6 9\ns = aten.cumsum.default t 1 -> f32 6 9\n"
                  "output s\n",
                  {{"x", x}}, "s"),
            scanned(turned, 9, 1, plus));
}

TEST(Scan, AFlipOfBothDimensionsTurnsBoth) {
  const auto x = numbers(6 * 9);
  std::vector<double> turned(54);
  for (std::size_t i = 0; i < 54; ++i) turned[i] = x[53 - i] + 1;
  EXPECT_EQ(given("input x f32 6 9\nt = aten.flip.default x [0,1] -> f32 6 9\ns = aten.add.Tensor t 1 -> f32 6 9\n"
                  "output s\n",
                  {{"x", x}}, "s"),
            turned);
}

TEST(Scan, OfAScanIsOneRegion) {
  const auto x = numbers(6 * 9);
  EXPECT_EQ(given("input x f32 6 9\ns = aten.cumsum.default x 1 -> f32 6 9\nr = aten.cumsum.default s 1 -> f32 6 9\n"
                  "output r\n",
                  {{"x", x}}, "r"),
            scanned(scanned(x, 9, 1, plus), 9, 1, plus));
}

TEST(Scan, KeepsItsAxisApart) {
  // Rows and columns of one tensor would else be one axis.
  const Region region = *region_of("input x f32 5 7 4\ny = aten.cumsum.default x 2 -> f32 5 7 4\noutput y\n");
  ASSERT_EQ(region.axes.size(), 2U);
  EXPECT_EQ(region.scanned, 2U);
  EXPECT_EQ(region.axes[0].extent.values[0], 35);
}

TEST(Scan, RefusesWhatOnePassCannotDo) {
  const auto why = [](const std::string& text) {
    const Result<Region> region = region_of(text);
    return region ? std::string("nothing") : region.error().message;
  };
  EXPECT_EQ(why("input x f32 6 9\ns = aten.cumsum.default x 1 -> f32 6 9\nt = aten.sum.dim_IntList s [1] -> f32 6\n"
                "output t\n"),
            "a scan beside a reduction");
  EXPECT_EQ(why("input x f32 6 9\ns = aten.cumsum.default x 1 -> f32 6 9\nr = aten.cumsum.default s 0 -> f32 6 9\n"
                "output r\n"),
            "scans along different dimensions");
  EXPECT_EQ(why("input x f32 6 9\ns = aten.cumsum.default x 1 -> f32 6 9\nt = aten.flip.default s [1] -> f32 6 9\n"
                "r = aten.add.Tensor s t -> f32 6 9\noutput r\n"),
            "scans in both directions");
  EXPECT_EQ(why("input x i64 6 9\ns = aten.cumsum.default x 1 -> i64 6 9\noutput s\n"), "a scan in anything but f32");
  EXPECT_EQ(why("input x f32 6 9\nf = aten.view.default x [54] -> f32 54\ns = aten.cumsum.default f 0 -> f32 54\n"
                "output s\n"),
            "a scan along a dimension that is several axes");
}

TEST(Scan, EverySchedulesMoveIsWritten) {
  for (const char* text : {"input x f32 3000 5000\ny = aten.cumsum.default x 1 -> f32 3000 5000\noutput y\n",
                           "input x f32 2 500000\ny = aten.cumsum.default x 1 -> f32 2 500000\noutput y\n",
                           "input x f32 40 500 3000\ny = aten.cumprod.default x 1 -> f32 40 500 3000\noutput y\n"}) {
    const Region region = *region_of(text);
    for (const Language language : {Language::cpp, Language::cuda, Language::triton}) {
      CacheFacts machine;
      machine.language = language;
      const Schedule first = default_schedule(region, machine);
      EXPECT_EQ(illegal(region, first, language), "") << text << to_string(language);
      EXPECT_TRUE(emit(language, region, first, "kernel", "BLOCK"));
      const std::vector<GpuMove> moves = scan_moves(region, first, machine);
      EXPECT_GT(moves.size(), 3U);
      for (const GpuMove& move : moves) EXPECT_TRUE(emit(language, region, move.schedule, "kernel", "BLOCK"));
    }
  }
}

TEST(Scan, ProductsAndScansOfScansAreNotCutUp) {
  const auto cut_up = [](const char* text) {
    Schedule s;
    s.sketch = Sketch::split;
    return illegal(*region_of(text), s);
  };
  EXPECT_EQ(cut_up("input x f32 2 500000\ny = aten.cumsum.default x 1 -> f32 2 500000\noutput y\n"), "");
  EXPECT_EQ(cut_up("input x f32 2 500000\ny = aten.cumprod.default x 1 -> f32 2 500000\noutput y\n"),
            "products are not cut up");
  EXPECT_EQ(cut_up("input x f32 2 500000\ns = aten.cumsum.default x 1 -> f32 2 500000\n"
                   "y = aten.cumsum.default s 1 -> f32 2 500000\noutput y\n"),
            "a scan of what is scanned");
}

TEST(Scan, AFlipAloneIsLeftToTheLibrary) {
  const GeneralGraph graph = graph_of("input x f32 6 9\nt = aten.flip.default x [1] -> f32 6 9\noutput t\n");
  EXPECT_TRUE(partition(graph, Fusing::full).groups.empty());
}

}  // namespace
}  // namespace kerf
