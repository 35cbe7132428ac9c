// Products of matrices and convolutions as regions, against sums that are written out.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/builtin/products.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using Numbers = std::vector<double>;

Numbers sines(std::size_t n, double phase = 0) {
  Numbers made(n);
  for (std::size_t i = 0; i < n; ++i) made[i] = std::sin(1.7 * static_cast<double>(i) + phase) - 0.3;
  return made;
}

GeneralGraph graph_of(const std::string& text) {
  std::stringstream in(text);
  const Case c = parse(in);
  auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_TRUE(graph) << text;
  return graph ? std::move(*graph) : GeneralGraph{};
}

Result<Region> region_of(const GeneralGraph& graph) {
  std::vector<std::size_t> all;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) all.push_back(n);
  return lower(graph, all);
}

// What the graph gives for `out`, all of its nodes in one region; a product as dots do it unless `direct`.
Numbers given(const std::string& text, Memory memory, const std::string& out, bool direct = false) {
  const Result<Region> region = region_of(graph_of(text));
  EXPECT_TRUE(region) << text << region.error().message;
  if (!region) return {};
  EXPECT_EQ(product_shape(*region).has_value(), !direct) << text;
  interpret(*region, memory, 0);
  return memory[out];
}

void expect_near(const Numbers& got, const Numbers& expected, const std::string& of) {
  ASSERT_EQ(got.size(), expected.size()) << of;
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-12) << of << " at " << i;
}

// a[b, m, k] c[b, k, n]; strides of batches may be 0.
struct Matrices {
  std::size_t batch = 1, m = 1, n = 1, k = 1;
  std::size_t left_batch = 0, left_m = 0, left_k = 1, right_batch = 0, right_k = 0, right_n = 1;
};
Numbers product(const Matrices& x, const Numbers& a, const Numbers& b) {
  Numbers made;
  for (std::size_t z = 0; z < x.batch; ++z)
    for (std::size_t i = 0; i < x.m; ++i)
      for (std::size_t j = 0; j < x.n; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < x.k; ++k)
          sum +=
              a[z * x.left_batch + i * x.left_m + k * x.left_k] * b[z * x.right_batch + k * x.right_k + j * x.right_n];
        made.push_back(sum);
      }
  return made;
}

TEST(Products, OfMatricesInAllLayouts) {
  const Numbers a = sines(4 * 6), b = sines(6 * 5, 1);
  const std::string mm = "p = aten.mm.default {} {} -> f32 4 5\noutput p\n";
  expect_near(
      given("input x f32 4 6\ninput y f32 6 5\n" + fmt::format(fmt::runtime(mm), "x", "y"), {{"x", a}, {"y", b}}, "p"),
      product({.m = 4, .n = 5, .k = 6, .left_m = 6, .right_k = 5}, a, b), "a b");
  expect_near(given("input x f32 6 4\ninput y f32 6 5\nt = aten.t.default x -> f32 4 6\n" +
                        fmt::format(fmt::runtime(mm), "t", "y"),
                    {{"x", a}, {"y", b}}, "p"),
              product({.m = 4, .n = 5, .k = 6, .left_m = 1, .left_k = 4, .right_k = 5}, a, b), "a' b");
  expect_near(given("input x f32 4 6\ninput y f32 5 6\nt = aten.t.default y -> f32 6 5\n" +
                        fmt::format(fmt::runtime(mm), "x", "t"),
                    {{"x", a}, {"y", b}}, "p"),
              product({.m = 4, .n = 5, .k = 6, .left_m = 6, .right_k = 1, .right_n = 6}, a, b), "a b'");
}

TEST(Products, OfBatchesAndOfOneMatrixForAll) {
  const Numbers a = sines(3 * 4 * 6), b = sines(3 * 6 * 5, 1);
  Matrices each{.batch = 3, .m = 4, .n = 5, .k = 6, .left_batch = 24, .left_m = 6, .right_batch = 30, .right_k = 5};
  expect_near(given("input x f32 3 4 6\ninput y f32 3 6 5\np = aten.bmm.default x y -> f32 3 4 5\noutput p\n",
                    {{"x", a}, {"y", b}}, "p"),
              product(each, a, b), "bmm");
  each.right_batch = 0;
  const std::string one = "input x f32 3 4 6\ninput y f32 6 5\np = {} -> f32 3 4 5\noutput p\n";
  expect_near(given(fmt::format(fmt::runtime(one), "aten.matmul.default x y"), {{"x", a}, {"y", b}}, "p"),
              product(each, a, b), "matmul");
  each.left_batch = 0;
  each.right_batch = 30;
  expect_near(given("input x f32 4 6\ninput y f32 3 6 5\np = aten.matmul.default x y -> f32 3 4 5\noutput p\n",
                    {{"x", a}, {"y", b}}, "p"),
              product(each, a, b), "one left matrix");
}

TEST(Products, OfAMatrixWithItself) {
  const Numbers a = sines(4 * 6), b = sines(16);
  expect_near(given("input x f32 4 6\nt = aten.t.default x -> f32 6 4\np = aten.mm.default x t -> f32 4 4\noutput p\n",
                    {{"x", a}}, "p"),
              product({.m = 4, .n = 4, .k = 6, .left_m = 6, .right_k = 1, .right_n = 6}, a, a), "x x'");
  expect_near(given("input x f32 4 4\np = aten.mm.default x x -> f32 4 4\noutput p\n", {{"x", b}}, "p"),
              product({.m = 4, .n = 4, .k = 4, .left_m = 4, .right_k = 4}, b, b), "x x");
}

TEST(Products, WithWhatFollowsAndWhatIsBefore) {
  const Numbers x = sines(4 * 6), w = sines(5 * 6, 1), bias = sines(5, 2), more = sines(20, 3);
  Numbers positive = x;
  for (double& each : positive) each = std::max(each, 0.0);
  Numbers expected = product({.m = 4, .n = 5, .k = 6, .left_m = 6, .right_k = 1, .right_n = 6}, positive, w);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = std::tanh(expected[i] + bias[i % 5]) * 2 + more[i];
  expect_near(given("input x f32 4 6\ninput y f32 4 5\nparameter w f32 5 6\nparameter b f32 5\n"
                    "r = aten.relu.default x -> f32 4 6\nl = aten.linear.default r w b -> f32 4 5\n"
                    "t = aten.tanh.default l -> f32 4 5\nm = aten.mul.Tensor t 2.0 -> f32 4 5\n"
                    "a = aten.add.Tensor m y -> f32 4 5\noutput a\n",
                    {{"x", x}, {"w", w}, {"b", bias}, {"y", more}}, "a"),
              expected, "relu, linear, tanh, scale, residual");
  const Numbers sum = sines(20, 5);
  expected = product({.m = 4, .n = 5, .k = 6, .left_m = 6, .right_k = 5}, x, w);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = 0.5 * expected[i] + 3 * sum[i];
  expect_near(given("input x f32 4 6\ninput w f32 6 5\ninput s f32 4 5\n"
                    "p = aten.addmm.default s x w beta=3 alpha=0.5 -> f32 4 5\noutput p\n",
                    {{"x", x}, {"w", w}, {"s", sum}}, "p"),
              expected, "addmm");
}

TEST(Products, OfEinsum) {
  const Numbers a = sines(2 * 3 * 4 * 6), b = sines(6 * 5, 1);
  expect_near(given("input x f32 2 3 4 6\ninput y f32 6 5\n"
                    "p = aten.einsum.default \"bijl,lk->bijk\" [x,y] -> f32 2 3 4 5\noutput p\n",
                    {{"x", a}, {"y", b}}, "p"),
              product({.m = 24, .n = 5, .k = 6, .left_m = 6, .right_k = 5}, a, b), "bijl,lk->bijk");
}

TEST(Products, OfVectorsAreReductions) {
  const Numbers a = sines(4 * 6), b = sines(6, 1);
  expect_near(given("input x f32 4 6\ninput y f32 6\np = aten.mv.default x y -> f32 4\noutput p\n",
                    {{"x", a}, {"y", b}}, "p", true),
              product({.m = 4, .n = 1, .k = 6, .left_m = 6, .right_k = 1}, a, b), "mv");
}

TEST(Products, HaveRowsColumnsAndWhatIsSummedOver) {
  const Region region =
      *region_of(graph_of("input x f32 7 4 6\ninput y f32 7 6 5\np = aten.bmm.default x y -> f32 7 4 5\noutput p\n"));
  const auto shape = product_shape(region);
  ASSERT_TRUE(shape);
  EXPECT_EQ(region.extent_of(shape->batch).values[0], 7);
  EXPECT_EQ(region.extent_of(shape->rows).values[0], 4);
  EXPECT_EQ(region.extent_of(shape->columns).values[0], 5);
  EXPECT_EQ(region.extent_of(shape->inner).values[0], 6);
  EXPECT_FALSE(region.code[static_cast<std::size_t>(shape->sum)].coarse);
}

TEST(Products, AreNotJoinedToWhatCostsMuchOrIsReduced) {
  for (const char* before : {"t = aten.tanh.default x -> f32 4 6\n", "t = aten.softmax.int x 1 -> f32 4 6\n"}) {
    const std::string text =
        fmt::format("input x f32 4 6\ninput y f32 6 5\n{}p = aten.mm.default t y -> f32 4 5\noutput p\n", before);
    EXPECT_FALSE(region_of(graph_of(text))) << before;
  }
  EXPECT_FALSE(
      region_of(graph_of("input x f32 4 6\ninput y f32 6 5\ns = aten.sum.dim_IntList x [1] -> f32 4\n"
                         "p = aten.mm.default x y -> f32 4 5\noutput p s\n")));
  EXPECT_FALSE(
      region_of(graph_of("input x f32 4 6\ninput y f32 6 5\nr = aten.relu.default x -> f32 4 6\n"
                         "p = aten.mm.default r y -> f32 4 5\noutput p r\n")));
}

TEST(Products, AreLeftToTheLibraryUnlessAskedFor) {
  const GeneralGraph graph = graph_of(
      "input x f32 4 6\ninput y f32 6 5\np = aten.mm.default x y -> f32 4 5\nr = aten.relu.default p -> f32 4 5\n"
      "output r\n");
  EXPECT_THAT(partition(graph, Fusing::full).groups, testing::ElementsAre(NodeSet{1}));
  EXPECT_THAT(partition(graph, Fusing::full, Products::own).groups, testing::ElementsAre(NodeSet{0, 1}));
}

TEST(Products, OfTrianglesNeedNoSumBeyondTheDiagonal) {
  const Numbers a = sines(24), b = sines(30, 1);
  for (const bool lower : {true, false}) {
    const std::string text = fmt::format(
        "input x f32 4 6\ninput y f32 6 5\np = aten.mm.default x y -> f32 4 5\n"
        "t = aten.{}.default p {} -> f32 4 5\noutput t\n",
        lower ? "tril" : "triu", lower ? "1" : "");
    Numbers expected = product({.m = 4, .n = 5, .k = 6, .left_m = 6, .right_k = 5}, a, b);
    for (std::size_t i = 0; i < 20; ++i)
      if (lower ? i % 5 > i / 5 + 1 : i % 5 < i / 5) expected[i] = 0;
    expect_near(given(text, {{"x", a}, {"y", b}}, "t"), expected, text);
    const Region region = *region_of(graph_of(text));
    const std::vector<ResultMask> found = result_masks(region, *product_shape(region));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_TRUE(found[0].wanted);
  }
  const Region chosen_by_a_tensor =
      *region_of(graph_of("input x f32 4 6\ninput y f32 6 5\ninput m bool 4 5\np = aten.mm.default x y -> f32 4 5\n"
                          "t = aten.where.ScalarOther m p 0.0 -> f32 4 5\noutput t\n"));
  EXPECT_TRUE(result_masks(chosen_by_a_tensor, *product_shape(chosen_by_a_tensor)).empty());
}

struct Shape {
  std::size_t channels = 1, out = 1, groups = 1, kernel = 3, stride = 1, padding = 0, dilation = 1;
};

// Of images of 9 by 11, two of them; kernels of `kernel` by 2.
struct Planes {
  static constexpr std::size_t batch = 2, h = 9, w = 11, kw = 2;
  explicit Planes(const Shape& s) : shape(s) {
    oh = (h + 2 * s.padding - s.dilation * (s.kernel - 1) - 1) / s.stride + 1;
    ow = (w + 2 * s.padding - s.dilation * (kw - 1) - 1) / s.stride + 1;
  }
  [[nodiscard]] Numbers convolved(const Numbers& x, const Numbers& weight, const Numbers& bias) const {
    const Shape& s = shape;
    const std::size_t in = s.channels / s.groups, out = s.out / s.groups;
    Numbers made;
    for (std::size_t n = 0; n < batch; ++n)
      for (std::size_t o = 0; o < s.out; ++o)
        for (std::size_t y = 0; y < oh; ++y)
          for (std::size_t z = 0; z < ow; ++z) {
            double sum = bias[o];
            for (std::size_t c = 0; c < in; ++c)
              for (std::size_t a = 0; a < s.kernel; ++a)
                for (std::size_t b = 0; b < kw; ++b) {
                  const std::size_t i = y * s.stride + a * s.dilation, j = z * s.stride + b * s.dilation;
                  if (i < s.padding || i >= h + s.padding || j < s.padding || j >= w + s.padding) continue;
                  sum += x[((n * s.channels + o / out * in + c) * h + i - s.padding) * w + j - s.padding] *
                         weight[((o * in + c) * s.kernel + a) * kw + b];
                }
            made.push_back(sum);
          }
    return made;
  }
  [[nodiscard]] std::string text(const char* follows) const {
    const Shape& s = shape;
    return fmt::format(
        "input x f32 2 {0} 9 11\nparameter w f32 {1} {2} {3} 2\nparameter b f32 {1}\n"
        "c = aten.conv2d.default x w b [{4},{4}] [{5},{5}] [{6},{6}] {7} -> f32 2 {1} {8} {9}\n{10}",
        s.channels, s.out, s.channels / s.groups, s.kernel, s.stride, s.padding, s.dilation, s.groups, oh, ow, follows);
  }
  Shape shape;
  std::size_t oh, ow;
};

TEST(Convolutions, AreSumsOfProductsOverWindows) {
  for (const Shape& s : {Shape{.channels = 3, .out = 4}, Shape{.channels = 3, .out = 4, .stride = 2, .padding = 1},
                         Shape{.channels = 1, .out = 4, .padding = 2, .dilation = 2},
                         Shape{.channels = 6, .out = 4, .groups = 2, .padding = 1},
                         Shape{.channels = 4, .out = 8, .groups = 4}, Shape{.channels = 3, .out = 4, .kernel = 1}}) {
    const Planes planes(s);
    const Numbers x = sines(2 * s.channels * 99), bias = sines(s.out, 2),
                  weight = sines(s.out * s.channels / s.groups * s.kernel * 2, 1);
    const std::string text = planes.text("output c\n");
    expect_near(given(text, {{"x", x}, {"w", weight}, {"b", bias}}, "c"), planes.convolved(x, weight, bias), text);
    const Region region = *region_of(graph_of(text));
    EXPECT_EQ(region.code[static_cast<std::size_t>(product_shape(region)->sum)].coarse,
              s.groups == 1 && s.dilation == 1);
  }
}

TEST(Convolutions, RoundNothingWhereTheProblemIsExact) {
  Understood problem = parse(Planes({.channels = 3, .out = 4}).text("output c\n")).problem;
  for (const bool exact : {false, true}) {
    problem.workloads[0].exact_convolutions = exact;
    const Region region = *region_of(*generalise(problem, GraphForm::exported));
    EXPECT_EQ(region.code[static_cast<std::size_t>(product_shape(region)->sum)].coarse, !exact);
  }
}

TEST(Convolutions, OfSingleChannelsAreWrittenOutOrReduced) {
  for (const Shape& s :
       {Shape{.channels = 3, .out = 3, .groups = 3},
        Shape{.channels = 3, .out = 3, .groups = 3, .stride = 2, .padding = 1},
        Shape{.channels = 3, .out = 3, .groups = 3, .padding = 2, .dilation = 2},
        Shape{.channels = 2, .out = 2, .groups = 2, .kernel = 20, .padding = 10},
        Shape{.channels = 1, .out = 1, .groups = 1}, Shape{.channels = 4, .out = 1, .groups = 1, .padding = 1},
        Shape{.channels = 6, .out = 3, .groups = 3, .padding = 1}}) {
    const Planes planes(s);
    const Numbers x = sines(2 * s.channels * 99), bias = sines(s.out, 2),
                  weight = sines(s.out * s.channels / s.groups * s.kernel * 2, 1);
    Numbers expected = planes.convolved(x, weight, bias);
    for (double& each : expected) each = std::max(each, 0.0);
    const std::string text = planes.text(
        fmt::format("r = aten.relu.default c -> f32 2 {} {} {}\noutput r\n", s.out, planes.oh, planes.ow).c_str());
    expect_near(given(text, {{"x", x}, {"w", weight}, {"b", bias}}, "r", true), expected, text);
    const bool written_out = s.channels == s.groups && s.kernel * 2 <= 32;
    EXPECT_EQ(region_of(graph_of(text))->reduced == 0, written_out) << text;
  }
}

TEST(Convolutions, GatherWhatTransposedOnesScatter) {
  constexpr std::size_t h = 5, l = 7, kh = 3, kw = 2;
  for (const Shape& s :
       {Shape{.channels = 3, .out = 4}, Shape{.channels = 3, .out = 4, .padding = 1, .dilation = 2},
        Shape{.channels = 4, .out = 6, .groups = 2}, Shape{.channels = 3, .out = 3, .groups = 3, .padding = 1}}) {
    const std::size_t oh = h + s.dilation * (kh - 1) - 2 * s.padding, ol = l + s.dilation * (kw - 1) - 2 * s.padding,
                      in = s.channels / s.groups, out = s.out / s.groups;
    const Numbers x = sines(2 * s.channels * h * l), weight = sines(s.channels * out * kh * kw, 1);
    Numbers expected(2 * s.out * oh * ol, 0);
    for (std::size_t n = 0; n < 2; ++n)
      for (std::size_t c = 0; c < s.channels; ++c)
        for (std::size_t i = 0; i < h; ++i)
          for (std::size_t j = 0; j < l; ++j)
            for (std::size_t o = 0; o < out; ++o)
              for (std::size_t a = 0; a < kh; ++a)
                for (std::size_t b = 0; b < kw; ++b) {
                  const std::size_t y = i + a * s.dilation, z = j + b * s.dilation;
                  if (y < s.padding || y >= oh + s.padding || z < s.padding || z >= ol + s.padding) continue;
                  expected[((n * s.out + c / in * out + o) * oh + y - s.padding) * ol + z - s.padding] +=
                      x[((n * s.channels + c) * h + i) * l + j] * weight[((c * out + o) * kh + a) * kw + b];
                }
    const std::string text = fmt::format(
        "input x f32 2 {} 5 7\nparameter w f32 {} {} 3 2\n"
        "c = aten.conv_transpose2d.input x w none [1,1] [{},{}] [0,0] {} [{},{}] -> f32 2 {} {} {}\noutput c\n",
        s.channels, s.channels, out, s.padding, s.padding, s.groups, s.dilation, s.dilation, s.out, oh, ol);
    expect_near(given(text, {{"x", x}, {"w", weight}}, "c", out == 1), expected, text);
  }
}

}  // namespace
}  // namespace kerf
