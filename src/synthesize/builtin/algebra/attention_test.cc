// Attention that is written out, in the many ways that it is: what becomes the library's call, with which mask, and
// what stays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "synthesize/builtin/algebra/algebra.h"
#include "synthesize/builtin/algebra/contraction.h"
#include "synthesize/builtin/algebra/positions.h"
#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/graph_text.h"
#include "synthesize/identity.h"

namespace kerf {
namespace {

using testing::ElementsAre;
constexpr double infinity = std::numeric_limits<double>::infinity();

GeneralGraph rewritten(const std::string& text) {
  return simplify(*generalise(parse(text).problem, GraphForm::exported));
}
std::vector<std::string> operators(const GeneralGraph& graph) {
  std::vector<std::string> names;
  for (const GeneralNode& node : graph.nodes) names.push_back(node.base());
  return names;
}
const GeneralNode* call(const GeneralGraph& graph) {
  for (const GeneralNode& node : graph.nodes)
    if (node.base() == "scaled_dot_product_attention") return &node;
  return nullptr;
}
// What a keyword of the call says, of a number or a flag.
std::optional<double> keyword(const GeneralNode& node, const std::string& key) {
  for (const auto& [name, argument] : node.kwargs)
    if (name == key) return literal(argument);
  return std::nullopt;
}

// All that kernels are written for, the library's results being in memory.
void compute(const GeneralGraph& graph, Memory& memory) {
  std::vector<NodeSet> groups = partition(graph, Fusing::full).groups;
  std::ranges::sort(groups, {}, [](const NodeSet& group) { return group.back(); });
  for (const NodeSet& group : groups) interpret(*lower(graph, group), memory, 0);
}

// Queries, keys and values of two batches and four heads, 16 queries and 24 keys; what is done to the scores `s` comes
// in between and gives `m`.
std::string with_scores(const std::string& between, const std::string& outputs = "output o\n") {
  return "input q f32 2 4 16 8\ninput k f32 2 4 24 8\ninput v f32 2 4 24 8\ninput bias f32 4 16 24\n"
         "input keep f32 16 24\ninput pad bool 2 1 1 24\ninput heat f32 4 1 1\n"
         "kt = aten.transpose.int k -2 -1 -> f32 2 4 8 24\ns = aten.matmul.default q kt -> f32 2 4 16 24\n" +
         between +
         "p = aten.softmax.int m -1 -> f32 2 4 16 24\nd = aten.dropout.default p 0.1 false -> f32 2 4 16 24\n" +
         "o = aten.matmul.default d v -> f32 2 4 16 8\n" + outputs;
}

TEST(Attention, AMaskThatPositionsTellIsCausal) {
  const std::string ones = "one = aten.ones.default [16,24] -> f32 16 24\n";
  const std::string fill = "m = aten.masked_fill.Scalar s c -inf -> f32 2 4 16 24\n";
  const std::string above = ones + "t = aten.triu.default one 1 -> f32 16 24\n";
  const std::string below = ones + "t = aten.tril.default one -> f32 16 24\n";
  const std::string ranges = "a = aten.arange.default 16 -> i64 16\nb = aten.arange.default 24 -> i64 24\n";
  const std::string added = "m = aten.add.Tensor s c -> f32 2 4 16 24\n";
  const std::string equal = "c = aten.eq.Scalar t 0 -> bool 16 24\n";
  const std::string cast = "c = aten.to.dtype t -> bool 16 24\n";
  const std::string seen = "u = aten.unsqueeze.default t 0 -> f32 1 16 24\nc = aten.gt.Scalar u 0.5 -> bool 1 16 24\n";
  const std::string infinite =
      "f = aten.full.default [16,24] -inf -> f32 16 24\nc = aten.triu.default f 1 -> f32 16 24\n";
  const std::string large =
      "n = aten.rsub.Scalar t 1.0 -> f32 16 24\nc = aten.mul.Tensor n -1000000000.0 -> f32 16 24\n";
  const std::string compared =
      "i = aten.unsqueeze.default a 1 -> i64 16 1\nj = aten.unsqueeze.default b 0 -> i64 1 24\n"
      "c = aten.ge.Tensor i j -> bool 16 24\nm = aten.where.ScalarOther c s -inf -> f32 2 4 16 24\n";
  const std::string apart =
      "i = aten.view.default a [16,1] -> i64 16 1\nd0 = aten.sub.Tensor b i -> i64 16 24\n"
      "c = aten.gt.Scalar d0 0 -> bool 16 24\n";
  for (const std::string& mask : {below + equal + fill, above + cast + fill, above + seen + fill, infinite + added,
                                  below + large + added, ranges + compared, ranges + apart + fill}) {
    const GeneralGraph graph = rewritten(with_scores(mask));
    ASSERT_THAT(operators(graph), ElementsAre("scaled_dot_product_attention")) << mask;
    EXPECT_EQ(keyword(graph.nodes[0], "is_causal"), 1) << mask;
    EXPECT_EQ(keyword(graph.nodes[0], "scale"), 1) << mask;
    EXPECT_EQ(graph.nodes[0].args.size(), 3U) << mask;
  }
}

TEST(Attention, PatternsAreWhatTheirNodesCompute) {
  // A square mask that is written as PyTorch's tutorials write it, with rows and columns swapped.
  const GeneralGraph graph = *generalise(
      parse("input x f32 5 5\none = aten.ones.default [5,5] -> f32 5 5\nt = aten.triu.default one -> f32 5 5\n"
            "e = aten.eq.Scalar t 1 -> bool 5 5\nr = aten.transpose.int e 0 1 -> bool 5 5\n"
            "f = aten.to.dtype r -> f32 5 5\nz = aten.eq.Scalar f 0 -> bool 5 5\n"
            "h = aten.masked_fill.Scalar f z -inf -> f32 5 5\ny = aten.eq.Scalar h 1 -> bool 5 5\n"
            "g = aten.masked_fill.Scalar h y 0.0 -> f32 5 5\na = aten.add.Tensor x g -> f32 5 5\n"
            "low = aten.tril.default one -1 -> f32 5 5\nb = aten.add.Tensor a low -> f32 5 5\n"
            "c = aten.tril.default x -> f32 5 5\nd = aten.add.Tensor b c -> f32 5 5\noutput d\n")
          .problem,
      GraphForm::exported);
  const auto triangle = [&](const char* name) {
    const auto found = pattern(graph, {name, 0});
    const auto* is = found ? std::get_if<Triangle>(&*found) : nullptr;
    return is ? std::optional(*is) : std::nullopt;
  };
  ASSERT_TRUE(triangle("g"));
  EXPECT_EQ(triangle("g")->within, 0);
  EXPECT_EQ(triangle("g")->beyond, -infinity);
  EXPECT_EQ(triangle("g")->diagonal, 0);
  ASSERT_TRUE(triangle("low"));
  EXPECT_EQ(triangle("low")->within, 1);
  EXPECT_EQ(triangle("low")->diagonal, -1);
  // What is drawn is not known.
  EXPECT_FALSE(pattern(graph, {"c", 0}));
  EXPECT_FALSE(pattern(graph, {"a", 0}));
}

TEST(Attention, OtherMasksAreHandedOver) {
  // What a tensor holds is not known: a row may have no key at all.
  const GeneralGraph graph =
      rewritten(with_scores("c = aten.eq.Scalar keep 0 -> bool 16 24\nx = aten.mul.Tensor s 0.25 -> f32 2 4 16 24\n"
                            "m = aten.masked_fill.Scalar x c -inf -> f32 2 4 16 24\n"));
  EXPECT_THAT(operators(graph), ElementsAre("eq", "where", "scaled_dot_product_attention", "amax", "sub", "add"));
  ASSERT_TRUE(call(graph));
  EXPECT_EQ(call(graph)->args.size(), 4U);
  EXPECT_EQ(keyword(*call(graph), "scale"), 0.25);
  // The bias is 0 where a key stays; where none does, the row has no value.
  Memory memory{{"keep", std::vector<double>(384, 1)}, {"o_attention", numbers(1024)}};
  for (std::size_t j = 0; j < 24; ++j) memory["keep"][3 * 24 + j] = 0;
  memory["keep"][30] = 0;
  compute(graph, memory);
  EXPECT_EQ(memory["o_bias0"].at(29), 0);
  EXPECT_EQ(memory["o_bias0"].at(30), -infinity);
  // The library's result has places, then heads: 16 rows of 4 heads of 8.
  for (std::size_t i = 0; i < 16; ++i)
    for (std::size_t h = 0; h < 4; ++h) {
      const double value = memory["o"].at((h * 16 + i) * 8), was = memory["o_attention"].at((i * 4 + h) * 8);
      EXPECT_TRUE(i == 3 ? std::isnan(value) : value == was) << i << " " << h;
    }
}

TEST(Attention, RowsThatAreFilledWithALargeNumberWeighAlike) {
  const GeneralGraph graph =
      rewritten(with_scores("m = aten.masked_fill.Scalar s pad -1000000000.0 -> f32 2 4 16 24\n"));
  EXPECT_THAT(operators(graph), ElementsAre("where", "scaled_dot_product_attention", "amax", "add", "sign", "neg",
                                            "relu", "mean", "addcmul"));
  Memory memory{{"pad", std::vector<double>(48, 0)}, {"o_attention", numbers(1024)}, {"v", numbers(1536)}};
  for (std::size_t j = 24; j < 48; ++j) memory["pad"][j] = 1;  // the second batch is all padding
  std::fill(memory["o_attention"].begin() + 512, memory["o_attention"].end(), 0);
  compute(graph, memory);
  for (std::size_t h = 0; h < 4; ++h) {
    double mean = 0;
    for (std::size_t j = 0; j < 24; ++j) mean += memory["v"].at(((4 + h) * 24 + j) * 8) / 24;
    EXPECT_NEAR(memory["o"].at((4 + h) * 128), mean, 1e-12);
    EXPECT_EQ(memory["o"].at(h * 128), memory["o_attention"].at(h * 8));
  }
  // Nothing may be added to such rows, and a small number is no mask.
  EXPECT_FALSE(
      call(rewritten(with_scores("x = aten.masked_fill.Scalar s pad -1000000000.0 -> f32 2 4 16 24\n"
                                 "m = aten.add.Tensor x bias -> f32 2 4 16 24\n"))));
  EXPECT_FALSE(call(rewritten(with_scores("m = aten.masked_fill.Scalar s pad -10.0 -> f32 2 4 16 24\n"))));
  EXPECT_FALSE(call(rewritten(with_scores("m = aten.masked_fill.Scalar s pad 0 -> f32 2 4 16 24\n"))));
}

TEST(Attention, BiasesAreScaledAsTheScoresAre) {
  const GeneralGraph graph =
      rewritten(with_scores("a = aten.mul.Tensor s heat -> f32 2 4 16 24\nb = aten.add.Tensor a bias -> f32 2 4 16 24\n"
                            "m = aten.div.Tensor b 4.0 -> f32 2 4 16 24\n"));
  EXPECT_THAT(operators(graph), ElementsAre("mul", "mul", "unsqueeze", "scaled_dot_product_attention"));
  EXPECT_EQ(keyword(*call(graph), "scale"), 0.25);
  Memory memory{{"q", numbers(1024)}, {"heat", numbers(4)}, {"bias", numbers(1536)}};
  compute(graph, memory);
  EXPECT_EQ(memory["o_query_scaled"].at(130), memory["q"][130] * memory["heat"][1]);
  EXPECT_EQ(memory["o_mask"].at(77), memory["bias"][77] / 4);
  // What is drawn is finite: no row is looked after. Numbers that differ within a row of scores stay.
  EXPECT_FALSE(call(rewritten(with_scores("m = aten.mul.Tensor s bias -> f32 2 4 16 24\n"))));
}

TEST(Attention, LayoutsOfHeadsAreBroughtInOrder) {
  // Places before heads, as a linear layer gives them.
  const GeneralGraph graph = rewritten(
      "input q f32 2 16 4 8\ninput k f32 2 24 4 8\ninput v f32 2 24 4 8\n"
      "s = aten.einsum.default \"bqhd,bkhd->bhqk\" [q,k] -> f32 2 4 16 24\np = aten.softmax.int s -1 -> f32 2 4 16 24\n"
      "o = aten.einsum.default \"bhqk,bkhd->bqhd\" [p,v] -> f32 2 16 4 8\nr = aten.relu.default o -> f32 2 16 4 8\n"
      "output r\n");
  EXPECT_THAT(operators(graph),
              ElementsAre("permute", "permute", "permute", "scaled_dot_product_attention", "permute", "relu"));
  EXPECT_EQ(call(graph)->results[0].shape[0], (std::vector<std::int64_t>{2, 4, 16, 8}));
  const GeneralNode& turned = graph.nodes[4];
  EXPECT_EQ(turned.name, "o");
  EXPECT_EQ(turned.results[0].shape[0], (std::vector<std::int64_t>{2, 16, 4, 8}));
  EXPECT_TRUE(turned.results[0].contiguous());
}

TEST(Attention, RowsAreCopiedWhereTheyDoNotLieInMemory) {
  // Channels before places, as a convolution gives them; what follows counts on the layout that was there.
  const GeneralGraph graph = rewritten(
      "input q f32 2 8 16\ninput k f32 2 8 16\ninput v f32 2 8 16\nqt = aten.permute.default q [0,2,1] -> f32 2 16 8\n"
      "s = aten.bmm.default qt k -> f32 2 16 16\np = aten.softmax.int s -1 -> f32 2 16 16\n"
      "vt = aten.permute.default v [0,2,1] -> f32 2 16 8\no = aten.bmm.default p vt -> f32 2 16 8\n"
      "r = aten.relu.default o -> f32 2 16 8\noutput r\n");
  EXPECT_THAT(operators(graph),
              ElementsAre("permute", "clone", "permute", "clone", "permute", "clone", "unsqueeze", "unsqueeze",
                          "unsqueeze", "scaled_dot_product_attention", "squeeze", "clone", "relu"));
  for (const GeneralNode& node : graph.nodes)
    if (node.base() == "clone") {
      EXPECT_TRUE(node.results[0].contiguous());
    }
}

TEST(Attention, ABatchOfProductsThatAddsIsOneWithABias) {
  const GeneralGraph graph = rewritten(
      "input q f32 8 16 8\ninput k f32 8 16 8\ninput v f32 8 16 8\ninput mask f32 8 16 16\n"
      "kt = aten.transpose.int k 1 2 -> f32 8 8 16\n"
      "s = aten.baddbmm.default mask q kt beta=1 alpha=0.5 -> f32 8 16 16\np = aten.softmax.int s -1 -> f32 8 16 16\n"
      "o = aten.bmm.default p v -> f32 8 16 8\noutput o\n");
  EXPECT_THAT(operators(graph), ElementsAre("unsqueeze", "unsqueeze", "unsqueeze", "unsqueeze",
                                            "scaled_dot_product_attention", "squeeze"));
  EXPECT_EQ(keyword(*call(graph), "scale"), 0.5);
  EXPECT_EQ(call(graph)->args.size(), 4U);
}

TEST(Attention, WhatTheLibrarysKernelsDoNotTakeStays) {
  // Values of another width, odd widths, scores that are needed, heads that are broadcast.
  EXPECT_FALSE(
      call(rewritten("input q f32 8 16 8\ninput k f32 8 8 16\ninput v f32 8 16 4\n"
                     "s = aten.bmm.default q k -> f32 8 16 16\np = aten.softmax.int s -1 -> f32 8 16 16\n"
                     "o = aten.bmm.default p v -> f32 8 16 4\noutput o\n")));
  EXPECT_FALSE(
      call(rewritten("input q f32 8 16 7\ninput k f32 8 7 16\ninput v f32 8 16 7\n"
                     "s = aten.bmm.default q k -> f32 8 16 16\np = aten.softmax.int s -1 -> f32 8 16 16\n"
                     "o = aten.bmm.default p v -> f32 8 16 7\noutput o\n")));
  EXPECT_FALSE(call(rewritten(with_scores("m = aten.add.Tensor s bias -> f32 2 4 16 24\n", "output o m\n"))));
  EXPECT_FALSE(call(rewritten(with_scores("m = aten.add.Tensor s s -> f32 2 4 16 24\n"))));
  EXPECT_FALSE(call(rewritten(with_scores("m = aten.tanh.default s -> f32 2 4 16 24\n"))));
}

}  // namespace
}  // namespace kerf
