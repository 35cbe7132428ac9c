// Rewrites of graphs, over graphs as text: what becomes what, and what stays as it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>

#include "synthesize/builtin/algebra/algebra.h"
#include "synthesize/builtin/compose.h"
#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/moves.h"
#include "synthesize/graph_text.h"
#include "synthesize/identity.h"

namespace kerf {
namespace {

std::vector<std::string> simplified(const std::string& behind) {
  const Case c = parse(
      "input x f32 64 96\ninput y f32 64 48\nparameter w f32 48 96\nparameter b f32 48\n"
      "linear = aten.linear.default x w b -> f32 64 48\n" +
      behind);
  auto graph = generalise(c.problem, GraphForm::exported);
  std::vector<std::string> names;
  if (graph)
    for (const GeneralNode& node : simplify(std::move(*graph)).nodes) names.push_back(node.base());
  return names;
}

TEST(Algebra, AReducedLinearLayerNeedsNoProduct) {
  using testing::ElementsAre;
  EXPECT_THAT(simplified("s = aten.sum.dim_IntList linear [-1] -> f32 64\noutput s\n"),
              ElementsAre("sum", "mul", "sum", "sum", "add"));
  EXPECT_THAT(
      simplified("a = aten.add.Tensor b linear -> f32 64 48\nm = aten.mean.dim a [1] true -> f32 64 1\noutput m\n"),
      ElementsAre("mean", "mul", "sum", "add", "mean", "add"));
}

TEST(Algebra, ALinearLayerStaysWhereItsOutputsAreNeeded) {
  using testing::ElementsAre;
  EXPECT_THAT(simplified("m = aten.mean.dim linear [0] -> f32 48\noutput m\n"), ElementsAre("linear", "mean"));
  EXPECT_THAT(simplified("m = aten.mean.dim linear [1] -> f32 64\noutput m linear\n"), ElementsAre("linear", "mean"));
  EXPECT_THAT(simplified("r = aten.relu.default linear -> f32 64 48\nm = aten.mean.dim r [1] -> f32 64\noutput m\n"),
              ElementsAre("linear", "relu", "mean"));
  EXPECT_THAT(simplified("a = aten.add.Tensor linear y -> f32 64 48\nm = aten.mean.dim a [1] -> f32 64\noutput m\n"),
              ElementsAre("linear", "add", "mean"));
  EXPECT_THAT(simplified("a = aten.sub.Tensor b linear -> f32 64 48\nm = aten.mean.dim a [1] -> f32 64\noutput m\n"),
              ElementsAre("linear", "sub", "mean"));
}

// Operators, in order, of a whole graph.
std::vector<std::string> operators(const std::string& text) {
  const Case c = parse(text);
  auto graph = generalise(c.problem, GraphForm::exported);
  std::vector<std::string> names;
  if (graph)
    for (const GeneralNode& node : simplify(std::move(*graph)).nodes) names.push_back(node.base());
  return names;
}

TEST(Algebra, ANormIsFoldedWhereItsPassIsSaved) {
  using testing::ElementsAre;
  const std::string norm =
      "input x f32 8 4 20 20\nparameter w f32 6 4 3 3\nparameter v f32 5 6 1 1\nparameter g f32 6\nparameter b f32 6\n"
      "parameter m f32 6\nparameter s f32 6\nc = aten.conv2d.default x w -> f32 8 6 18 18\n"
      "n = aten.batch_norm.default c g b m s ";
  const std::string evaluated = norm + "false 0.1 1e-05 true -> f32 8 6 18 18\n";
  EXPECT_THAT(operators(evaluated + "y = aten.conv2d.default n v -> f32 8 5 18 18\noutput y\n"),
              ElementsAre("add", "rsqrt", "mul", "view", "mul", "neg", "mul", "add", "conv2d", "conv2d"));
  // A kernel that comes anyway takes it in; statistics of the batch are not known before.
  EXPECT_THAT(operators(evaluated + "y = aten.relu.default n -> f32 8 6 18 18\noutput y\n"),
              ElementsAre("conv2d", "batch_norm", "relu"));
  EXPECT_THAT(operators(evaluated + "output n c\n"), ElementsAre("conv2d", "batch_norm"));
  EXPECT_THAT(operators(norm + "true 0.1 1e-05 true -> f32 8 6 18 18\noutput n\n"),
              ElementsAre("conv2d", "batch_norm"));
}

TEST(Algebra, WhatIsComputedTwiceIsComputedOnce) {
  using testing::ElementsAre;
  EXPECT_THAT(operators("input x f32 8 8\na = aten.exp.default x -> f32 8 8\nb = aten.exp.default x -> f32 8 8\n"
                        "c = aten.mul.Tensor a 2.0 -> f32 8 8\nd = aten.mul.Tensor b 2.0 -> f32 8 8\n"
                        "e = aten.add.Tensor c d -> f32 8 8\noutput e\n"),
              ElementsAre("exp", "mul", "add"));
  // Other arguments, and what is random.
  EXPECT_THAT(operators("input x f32 8 8\na = aten.mul.Tensor x 2.0 -> f32 8 8\nb = aten.mul.Tensor x 2 -> f32 8 8\n"
                        "e = aten.add.Tensor a b -> f32 8 8\noutput e\n"),
              ElementsAre("mul", "mul", "add"));
  // Masks, which each kernel computes anew.
  EXPECT_THAT(operators("input x f32 8 8\na = aten.gt.Scalar x 0.0 -> bool 8 8\nb = aten.gt.Scalar x 0.0 -> bool 8 8\n"
                        "e = aten.logical_and.default a b -> bool 8 8\noutput e\n"),
              ElementsAre("gt", "gt", "logical_and"));
  EXPECT_THAT(operators("input x f32 8 8\na = aten.rand_like.default x -> f32 8 8\n"
                        "b = aten.rand_like.default x -> f32 8 8\ne = aten.add.Tensor a b -> f32 8 8\noutput e\n"),
              ElementsAre("rand_like", "rand_like", "add"));
}

TEST(Algebra, ALogarithmOfASoftmaxIsOneOperator) {
  using testing::ElementsAre;
  const std::string softmax =
      "input x f32 8 64\ns = aten.softmax.int x 1 -> f32 8 64\nl = aten.log.default s -> f32 8 64\n";
  EXPECT_THAT(operators(softmax + "output l\n"), ElementsAre("log_softmax"));
  EXPECT_THAT(operators(softmax + "output l s\n"), ElementsAre("softmax", "log"));
}

// The result `y` of a graph whose nodes are computed one after the other.
std::vector<double> computed(const GeneralGraph& graph, Memory memory) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Result<Region> region = lower(graph, {n});
    EXPECT_TRUE(region) << graph.nodes[n].op << ": " << region.error().message;
    if (region) interpret(*region, memory, 0);
  }
  return memory["y"];
}

TEST(Algebra, AReducedProductThatIsScaledAndShiftedNeedsNoProduct) {
  using testing::ElementsAre;
  const std::string given = "input x f32 3 5\ninput w f32 5 4\ninput v f32 4\np = aten.matmul.default x w -> f32 3 4\n";
  for (const std::string& text :
       {given + "y = aten.sum.dim_IntList p [1] -> f32 3\noutput y\n",
        given + "d = aten.div.Tensor p 2.0 -> f32 3 4\ny = aten.sum.dim_IntList d [-1] true -> f32 3 1\noutput y\n",
        given + "a = aten.add.Tensor p v -> f32 3 4\nd = aten.div.Tensor a 2.0 -> f32 3 4\n"
                "e = aten.sub.Tensor d v -> f32 3 4\nm = aten.mul.Tensor e 3.0 -> f32 3 4\n"
                "y = aten.mean.dim m [1] true -> f32 3 1\noutput y\n"}) {
    const Case c = parse(text);
    const GeneralGraph before = *generalise(c.problem, GraphForm::exported), after = simplify(before);
    EXPECT_EQ(after.position("p"), std::nullopt) << text;
    const Memory memory{{"x", numbers(15)}, {"w", numbers(20)}, {"v", {1, -2, 0.5, 7}}};
    const std::vector<double> wanted = computed(before, memory), got = computed(after, memory);
    ASSERT_EQ(got.size(), 3U);
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted.at(i), 1e-12) << text;
  }
  // What is scaled by a tensor stays, and so does what is needed before it is scaled.
  EXPECT_THAT(
      operators(given + "m = aten.mul.Tensor p v -> f32 3 4\ny = aten.sum.dim_IntList m [1] -> f32 3\noutput y\n"),
      ElementsAre("matmul", "mul", "sum"));
  EXPECT_THAT(
      operators(given + "m = aten.mul.Tensor p 2.0 -> f32 3 4\ny = aten.sum.dim_IntList m [1] -> f32 3\noutput y p\n"),
      ElementsAre("matmul", "mul", "sum"));
}

TEST(Algebra, ADiagonalMatrixScales) {
  using testing::ElementsAre;
  const std::string given = "input v f32 6\ninput m f32 6 9\ninput n f32 9 6\nd = aten.diag.default v -> f32 6 6\n";
  EXPECT_THAT(operators(given + "p = aten.matmul.default d m -> f32 6 9\noutput p\n"), ElementsAre("unsqueeze", "mul"));
  EXPECT_THAT(operators(given + "p = aten.mm.default n d -> f32 9 6\noutput p\n"), ElementsAre("mul"));
  EXPECT_THAT(operators(given + "p = aten.mm.default n d -> f32 9 6\noutput p d\n"), ElementsAre("diag", "mm"));
  // By rows and by columns, as the products are.
  for (const bool left : {true, false}) {
    const Case c = parse(given + (left ? "p = aten.matmul.default d m -> f32 6 9\noutput p\n"
                                       : "p = aten.mm.default n d -> f32 9 6\noutput p\n"));
    const GeneralGraph graph = simplify(*generalise(c.problem, GraphForm::exported));
    Memory memory{{"v", numbers(6)}, {left ? "m" : "n", numbers(54)}};
    std::vector<std::size_t> all(graph.nodes.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    interpret(*lower(graph, all), memory, 0);
    for (std::size_t i = 0; i < 54; ++i)
      EXPECT_EQ(memory["p"].at(i), memory[left ? "m" : "n"][i] * memory["v"][left ? i / 9 : i % 6]);
  }
}

TEST(Algebra, AttentionThatIsWrittenOutIsTheLibrarys) {
  using testing::ElementsAre;
  const std::string heads =
      "input q f32 2 4 16 8\ninput k f32 2 4 24 8\ninput v f32 2 4 24 8\n"
      "kt = aten.transpose.int k -2 -1 -> f32 2 4 8 24\ns = aten.matmul.default q kt -> f32 2 4 16 24\n"
      "d = aten.div.Tensor s 2.5 -> f32 2 4 16 24\np = aten.softmax.int d -1 -> f32 2 4 16 24\n";
  const std::string product = "o = aten.matmul.default p v -> f32 2 4 16 8\n";
  EXPECT_THAT(operators(heads + product + "output o\n"), ElementsAre("scaled_dot_product_attention"));
  EXPECT_THAT(operators(heads + product + "output o p\n"),
              ElementsAre("transpose", "matmul", "div", "softmax", "matmul"));
  const Case c = parse(heads + product + "output o\n");
  const GeneralGraph graph = simplify(*generalise(c.problem, GraphForm::exported));
  ASSERT_EQ(graph.nodes.size(), 1U);
  EXPECT_EQ(std::get<double>(std::get<Constant>(graph.nodes[0].kwargs.at(0).second.is).values[0].is), 0.4);
  EXPECT_EQ(graph.nodes[0].results[0].stride[0], (std::vector<std::int64_t>{512, 8, 32, 1}));
  // Batches and heads in one dimension, a scaled query.
  const std::string flat =
      "input x f32 8 16 8\ninput k f32 8 16 8\ninput v f32 8 16 8\nq = aten.mul.Tensor x 0.5 -> f32 8 16 8\n"
      "kt = aten.transpose.int k 1 2 -> f32 8 8 16\ns = aten.bmm.default q kt -> f32 8 16 16\n";
  const std::string rest = "o = aten.bmm.default p v -> f32 8 16 8\noutput o\n";
  EXPECT_THAT(operators(flat + "p = aten.softmax.int s -1 -> f32 8 16 16\n" + rest),
              ElementsAre("unsqueeze", "unsqueeze", "unsqueeze", "scaled_dot_product_attention", "squeeze"));
  // Not over keys, or no softmax at all.
  EXPECT_THAT(operators(flat + "p = aten.softmax.int s 1 -> f32 8 16 16\n" + rest),
              ElementsAre("mul", "transpose", "bmm", "softmax", "bmm"));
  EXPECT_THAT(operators(flat + "p = aten.relu.default s -> f32 8 16 16\n" + rest),
              ElementsAre("mul", "transpose", "bmm", "relu", "bmm"));
}

// A convolution of images, element by element.
struct Images {
  std::size_t count, channels, height, width;
  std::vector<double> values;
  [[nodiscard]] double at(std::size_t n, std::size_t c, std::int64_t y, std::int64_t x) const {
    if (y < 0 || x < 0 || y >= static_cast<std::int64_t>(height) || x >= static_cast<std::int64_t>(width)) return 0;
    return values.at(((n * channels + c) * height + static_cast<std::size_t>(y)) * width + static_cast<std::size_t>(x));
  }
};
Images convolve(const Images& x, const Images& w, std::array<std::size_t, 2> step, std::int64_t padding) {
  const auto places = [&](std::size_t size, std::size_t window, std::size_t by) {
    return (size + 2 * static_cast<std::size_t>(padding) - window) / by + 1;
  };
  Images made{x.count, w.count, places(x.height, w.height, step[0]), places(x.width, w.width, step[1]), {}};
  for (std::size_t n = 0; n < made.count; ++n)
    for (std::size_t k = 0; k < made.channels; ++k)
      for (std::size_t i = 0; i < made.height; ++i)
        for (std::size_t j = 0; j < made.width; ++j) {
          double sum = 0;
          for (std::size_t c = 0; c < x.channels; ++c)
            for (std::size_t u = 0; u < w.height; ++u)
              for (std::size_t v = 0; v < w.width; ++v)
                sum += w.at(k, c, static_cast<std::int64_t>(u), static_cast<std::int64_t>(v)) *
                       x.at(n, c, static_cast<std::int64_t>(i * step[0] + u) - padding,
                            static_cast<std::int64_t>(j * step[1] + v) - padding);
          made.values.push_back(sum);
        }
  return made;
}

TEST(Algebra, AnAverageOfAConvolutionIsOneInLargerSteps) {
  const Case c = parse(
      "input x f32 4 3 20 22\nparameter w f32 5 3 3 3\nparameter b f32 5\n"
      "y = aten.conv2d.default x w b [1,1] [1,1] -> f32 4 5 20 22\n"
      "z = aten.avg_pool2d.default y [4,2] [4,3] -> f32 4 5 5 7\noutput z\n");
  const GeneralGraph graph = simplify(*generalise(c.problem, GraphForm::exported));
  ASSERT_EQ(graph.nodes.size(), 3U);
  EXPECT_EQ(graph.nodes[2].op, "aten.conv2d.default");
  EXPECT_EQ(graph.nodes[2].name, "z");
  const Images x{4, 3, 20, 22, numbers(5280)}, w{5, 3, 3, 3, numbers(135)};
  // The weight with zeros around it, averaged; then in steps of the pooling.
  Images padded{5, 3, 9, 5, {}};
  for (std::size_t k = 0; k < 15; ++k)
    for (std::int64_t i = 0; i < 9; ++i)
      for (std::int64_t j = 0; j < 5; ++j) padded.values.push_back(w.at(k / 3, k % 3, i - 3, j - 1));
  EXPECT_EQ(graph.nodes[0].results[0].shape[0], (std::vector<std::int64_t>{5, 3, 9, 5}));
  Memory memory{{"z_padded", padded.values}};
  interpret(*lower(graph, {1}), memory, 0);
  const Images made = convolve(x, {5, 3, 6, 4, memory["z_weight"]}, {4, 3}, 1);
  const Images all = convolve(x, w, {1, 1}, 1);
  ASSERT_EQ(made.height, 5U);
  ASSERT_EQ(made.width, 7U);
  for (std::size_t n = 0; n < 4; ++n)
    for (std::size_t k = 0; k < 5; ++k)
      for (std::int64_t i = 0; i < 5; ++i)
        for (std::int64_t j = 0; j < 7; ++j) {
          double mean = 0;
          for (std::int64_t u = 0; u < 4; ++u)
            for (std::int64_t v = 0; v < 2; ++v) mean += all.at(n, k, 4 * i + u, 3 * j + v) / 8;
          EXPECT_NEAR(made.at(n, k, i, j), mean, 1e-9);
        }
}

TEST(Algebra, AConvolutionIsAveragedOnlyWhereThatCostsLess) {
  using testing::ElementsAre;
  const auto made = [](const std::string& convolution, const std::string& pool) {
    return operators("input x f32 4 8 20 20\nparameter w f32 5 8 3 3\nparameter m f32 5 8 1 1\n" + convolution + pool);
  };
  const std::string points = "y = aten.conv2d.default x m -> f32 4 5 20 20\n";
  const std::string pool = "z = aten.avg_pool2d.default y [2,2] -> f32 4 5 10 10\noutput z\n";
  EXPECT_THAT(made(points, pool), ElementsAre("avg_pool2d", "conv2d"));
  EXPECT_THAT(made(points, "z = aten.avg_pool2d.default y [2,2] -> f32 4 5 10 10\noutput z y\n"),
              ElementsAre("conv2d", "avg_pool2d"));
  const std::string same = "y = aten.conv2d.default x w none [1,1] [1,1] -> f32 4 5 20 20\n";
  EXPECT_THAT(made(same, pool), ElementsAre("constant_pad_nd", "avg_pool2d", "conv2d"));
  EXPECT_THAT(made("y = aten.convolution.default x w none [1,1] [1,1] [1,1] false [0,0] 1 -> f32 4 5 20 20\n", pool),
              ElementsAre("constant_pad_nd", "avg_pool2d", "convolution"));
  EXPECT_THAT(made("y = aten.convolution.default x w none [1,1] [1,1] [1,1] true [0,0] 1 -> f32 4 5 20 20\n", pool),
              ElementsAre("convolution", "avg_pool2d"));
  // Windows that overlap much, borders that are padded, one that counts others.
  EXPECT_THAT(made(same, "z = aten.avg_pool2d.default y [2,2] [1,1] -> f32 4 5 19 19\noutput z\n"),
              ElementsAre("conv2d", "avg_pool2d"));
  EXPECT_THAT(made(same, "z = aten.avg_pool2d.default y [2,2] [2,2] [1,1] -> f32 4 5 11 11\noutput z\n"),
              ElementsAre("conv2d", "avg_pool2d"));
  EXPECT_THAT(made(same, "z = aten.max_pool2d.default y [2,2] -> f32 4 5 10 10\noutput z\n"),
              ElementsAre("conv2d", "max_pool2d"));
}

TEST(Algebra, LargeWindowsArePooledOneDimensionAfterTheOther) {
  using testing::ElementsAre;
  const std::string text =
      "input x f32 2 3 24 28\nz = aten.avg_pool2d.default x [7,6] [5,4] [3,2] true false -> f32 2 3 6 8\noutput z\n";
  EXPECT_THAT(operators(text), ElementsAre("avg_pool2d", "avg_pool2d"));
  EXPECT_THAT(operators("input x f32 2 3 24 28\nz = aten.avg_pool2d.default x [5,6] -> f32 2 3 4 4\noutput z\n"),
              ElementsAre("avg_pool2d"));
  EXPECT_THAT(operators("input x f32 2 3 24 28\nz = aten.avg_pool2d.default x [24,28] -> f32 2 3 1 1\noutput z\n"),
              ElementsAre("avg_pool2d"));
  const Case c = parse(text);
  const GeneralGraph whole = *generalise(c.problem, GraphForm::exported);
  const GeneralGraph graph = simplify(whole);
  Memory one{{"x", numbers(4032)}}, two = one;
  interpret(*lower(whole, {0}), one, 0);
  interpret(*lower(graph, {0}), two, 0);
  interpret(*lower(graph, {1}), two, 0);
  ASSERT_EQ(two["z"].size(), 288U);
  for (std::size_t i = 0; i < 288; ++i) EXPECT_NEAR(two["z"][i], one["z"].at(i), 1e-9);
  // In kernels of their own: in one, each window would be written out in the other's.
  EXPECT_EQ(partition(graph, Fusing::full).groups.size(), 2U);
}

}  // namespace
}  // namespace kerf
