// Poolings as regions, against windows that are looked at one by one.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/general.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

struct Windows {
  std::int64_t kernel = 2, stride = 2, padding = 0, dilation = 1;
  bool ceil = false;
};

std::int64_t count(const Windows& w, std::int64_t in) {
  const double room =
      static_cast<double>(in + 2 * w.padding - w.dilation * (w.kernel - 1) - 1) / static_cast<double>(w.stride);
  std::int64_t n = static_cast<std::int64_t>(w.ceil ? std::ceil(room) : std::floor(room)) + 1;
  if (w.ceil && (n - 1) * w.stride >= in + w.padding) --n;
  return n;
}

// What the graph gives for `out`, all of its nodes in one region.
std::vector<double> given(const std::string& text, Memory memory, const std::string& out) {
  std::stringstream in(text);
  const Case c = parse(in);
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_TRUE(graph) << text;
  if (!graph) return {};
  std::vector<std::size_t> all;
  for (std::size_t n = 0; n < graph->nodes.size(); ++n) all.push_back(n);
  const Result<Region> region = lower(*graph, all);
  EXPECT_TRUE(region) << text << region.error().message;
  if (region) interpret(*region, memory, 0);
  return memory[out];
}

const Windows shapes[] = {{2, 2, 0, 1, false}, {3, 2, 1, 1, false}, {3, 1, 1, 1, false}, {3, 2, 1, 1, true},
                          {2, 3, 1, 1, true},  {3, 2, 0, 2, false}, {4, 1, 2, 3, false}, {7, 3, 2, 1, true}};

TEST(Pooling, TakesTheLargestOfEachWindow) {
  constexpr std::int64_t h = 13, l = 17;
  for (const Windows& w : shapes) {
    const std::int64_t oh = count(w, h), ol = count(w, l);
    const auto x = numbers(static_cast<std::size_t>(3 * h * l));
    // Of tanh, too, which is computed again where windows do not overlap, and has no value outside.
    for (const bool computed : {false, true}) {
      const std::string text = fmt::format(
          "input x f32 3 {0} {1}\nr = aten.{11} x -> f32 3 {0} {1}\n"
          "p = aten.max_pool2d.default {12} [{2},{2}] [{3},{3}] [{4},{4}] [{5},{5}] {6} -> f32 3 {7} {8}\noutput "
          "p{9}{10}\n",
          h, l, w.kernel, w.stride, w.padding, w.dilation, w.ceil, oh, ol, "", "", "relu.default",
          computed ? "r" : "x");
      const std::vector<double> got = given(text, {{"x", x}}, "p");
      ASSERT_EQ(got.size(), static_cast<std::size_t>(3 * oh * ol));
      for (std::int64_t c = 0; c < 3; ++c)
        for (std::int64_t i = 0; i < oh; ++i)
          for (std::int64_t j = 0; j < ol; ++j) {
            double best = -std::numeric_limits<double>::infinity();
            for (std::int64_t a = 0; a < w.kernel; ++a)
              for (std::int64_t b = 0; b < w.kernel; ++b) {
                const std::int64_t y = i * w.stride - w.padding + a * w.dilation,
                                   z = j * w.stride - w.padding + b * w.dilation;
                if (y < 0 || y >= h || z < 0 || z >= l) continue;
                const double v = x[static_cast<std::size_t>((c * h + y) * l + z)];
                best = std::max(best, computed ? std::max(v, 0.0) : v);
              }
            EXPECT_EQ(got[static_cast<std::size_t>((c * oh + i) * ol + j)], best) << text;
          }
    }
  }
}

TEST(Pooling, AveragesWhatCounts) {
  constexpr std::int64_t l = 19;
  for (const Windows& w : shapes)
    for (const bool padded : {false, true}) {
      if (w.dilation != 1) continue;
      const std::int64_t n = count(w, l);
      const auto x = numbers(static_cast<std::size_t>(2 * l));
      const std::vector<double> got = given(
          fmt::format("input x f32 2 {}\np = aten.avg_pool1d.default x [{}] [{}] [{}] {} {} -> f32 2 {}\noutput p\n", l,
                      w.kernel, w.stride, w.padding, w.ceil, padded, n),
          {{"x", x}}, "p");
      ASSERT_EQ(got.size(), static_cast<std::size_t>(2 * n));
      for (std::int64_t c = 0; c < 2; ++c)
        for (std::int64_t i = 0; i < n; ++i) {
          const std::int64_t begin = i * w.stride - w.padding, end = std::min(begin + w.kernel, l + w.padding);
          double sum = 0;
          for (std::int64_t k = std::max<std::int64_t>(begin, 0); k < std::min(end, l); ++k)
            sum += x[static_cast<std::size_t>(c * l + k)];
          const std::int64_t counted = padded ? end - begin : std::min(end, l) - std::max<std::int64_t>(begin, 0);
          EXPECT_NEAR(got[static_cast<std::size_t>(c * n + i)], sum / static_cast<double>(counted), 1e-12);
        }
    }
}

TEST(Pooling, OfPoolingsAndWhatFollowsIsOneRegion) {
  const auto x = numbers(64);
  const std::vector<double> got = given(
      "input x f32 1 1 8 8\na = aten.max_pool2d.default x [3,3] [2,2] [1,1] -> f32 1 1 4 4\n"
      "b = aten.avg_pool2d.default a [2,2] [2,2] [1,1] -> f32 1 1 3 3\n"
      "s = aten.sum.dim_IntList b [1,2,3] -> f32 1\noutput s\n",
      {{"x", x}}, "s");
  double sum = 0;  // each of the first pooling's results is in one window of the second
  for (std::int64_t i = 0; i < 4; ++i)
    for (std::int64_t j = 0; j < 4; ++j) {
      double best = -1e9;
      for (std::int64_t y = std::max<std::int64_t>(2 * i - 1, 0); y <= 2 * i + 1; ++y)
        for (std::int64_t z = std::max<std::int64_t>(2 * j - 1, 0); z <= 2 * j + 1; ++z)
          best = std::max(best, x[static_cast<std::size_t>(8 * y + z)]);
      sum += best / 4;
    }
  ASSERT_EQ(got.size(), 1U);
  EXPECT_NEAR(got[0], sum, 1e-12);
}

TEST(Pooling, OfEverythingIsAReduction) {
  std::stringstream in("input x f32 4 6 5 5\np = aten.adaptive_avg_pool2d.default x [1,1] -> f32 4 6 1 1\noutput p\n");
  const Case c = parse(in);
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Region region = *lower(*graph, {0});
  EXPECT_EQ(region.axes.size(), 2U);
  EXPECT_EQ(region.waves, 1);
  EXPECT_FALSE(has_windows(region));
}

TEST(Pooling, DoesNotComputeTwiceWhatCostsMuch) {
  std::stringstream in(
      "input x f32 4 40\nt = aten.tanh.default x -> f32 4 40\n"
      "p = aten.max_pool1d.default t [3] [1] [1] -> f32 4 40\noutput p\n");
  const Case c = parse(in);
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_FALSE(lower(*graph, {0, 1}));
  EXPECT_TRUE(lower(*graph, {1}));
}

TEST(Pooling, SaysWhereTheLargestAre) {
  std::stringstream in(
      "input x f32 1 1 3 4\npool = aten.max_pool2d_with_indices.default x [2,2] [1,2] [1,0] -> f32 1 1 4 2\noutput "
      "pool\n");
  Case c = parse(in);
  Workload& workload = c.problem.workloads.at(0);
  workload.exported.nodes.at(0).results.push_back(spec_of(Dtype::i64, {1, 1, 4, 2}));
  workload.exported.outputs.push_back({"pool", 1});
  workload.outputs.push_back(spec_of(Dtype::i64, {1, 1, 4, 2}));
  const auto graph = generalise(c.problem, GraphForm::exported);
  ASSERT_TRUE(graph);
  const Result<Region> region = lower(*graph, {0});
  ASSERT_TRUE(region) << region.error().message;
  constexpr double none = -std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  Memory memory{{"x", {none, none, 1, 2, none, none, 2, 2, nan, 5, nan, nan}}};
  interpret(*region, memory, 0);
  // Of several the first, of NaN the last, and of elements that nothing is below the first that is there.
  EXPECT_EQ(memory["pool#1"], (std::vector<double>{0, 3, 0, 3, 8, 11, 8, 11}));
}

TEST(Pooling, SaysWhereTheLargestOfEqualPartsAre) {
  Case c = parse("input x f32 1 6\npool = aten.adaptive_max_pool1d.default x [2] -> f32 1 2\noutput pool\n");
  Workload& workload = c.problem.workloads.at(0);
  workload.exported.nodes.at(0).results.push_back(spec_of(Dtype::i64, {1, 2}));
  workload.exported.outputs.push_back({"pool", 1});
  workload.outputs.push_back(spec_of(Dtype::i64, {1, 2}));
  const auto graph = generalise(c.problem, GraphForm::exported);
  ASSERT_TRUE(graph);
  const Result<Region> region = lower(*graph, {0});
  ASSERT_TRUE(region) << region.error().message;
  Memory memory{{"x", {1, 3, 2, 5, 5, 4}}};
  interpret(*region, memory, 0);
  EXPECT_EQ(memory["pool"], (std::vector<double>{3, 5}));
  EXPECT_EQ(memory["pool#1"], (std::vector<double>{1, 3}));
}

TEST(Pooling, TakesWindowsOfDifferentSizes) {
  for (const std::int64_t in : {5, 7, 13, 40})
    for (const std::int64_t out : {2, 3, 5, 7}) {
      const std::vector<double> x = numbers(static_cast<std::size_t>(2 * in));
      for (const bool max : {false, true}) {
        const std::string text =
            fmt::format("input x f32 2 {}\np = aten.adaptive_{}_pool1d.default x [{}] -> f32 2 {}{}\noutput p\n", in,
                        max ? "max" : "avg", out, out, max ? fmt::format(" | i64 2 {}", out) : "");
        const std::vector<double> got = given(text, {{"x", x}}, "p");
        for (std::int64_t row = 0; row < 2; ++row)
          for (std::int64_t o = 0; o < out; ++o) {
            const std::int64_t begin = o * in / out, end = ((o + 1) * in + out - 1) / out;
            double total = 0, top = -std::numeric_limits<double>::infinity();
            for (std::int64_t k = begin; k < end; ++k) {
              total += x[static_cast<std::size_t>(row * in + k)];
              top = std::max(top, x[static_cast<std::size_t>(row * in + k)]);
            }
            EXPECT_NEAR(got.at(static_cast<std::size_t>(row * out + o)),
                        max ? top : total / static_cast<double>(end - begin), 1e-12)
                << text;
          }
      }
    }
}

}  // namespace
}  // namespace kerf
