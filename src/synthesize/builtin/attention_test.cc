// Attention as regions: what is one, and what it gives beside sums that are written out.
#include "synthesize/builtin/attention.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/moves.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using Numbers = std::vector<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();

Numbers sines(std::size_t n, double phase) {
  Numbers made(n);
  for (std::size_t i = 0; i < n; ++i) made[i] = std::sin(1.7 * static_cast<double>(i) + phase) - 0.3;
  return made;
}

GeneralGraph graph_of(const std::string& text) {
  std::stringstream in(text);
  return *generalise(parse(in).problem, GraphForm::exported);
}
Result<Region> region_of(const std::string& text) {
  const GeneralGraph graph = graph_of(text);
  NodeSet all;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) all.push_back(n);
  return lower(graph, all);
}

constexpr std::size_t heads = 2, rows = 5, columns = 7, inner = 3, width = 3;
const std::string operands = "input q f32 2 5 3\ninput k f32 2 7 3\ninput v f32 2 7 3\ninput b f32 5 7\n";
const Numbers q = sines(heads * rows * inner, 0), k = sines(heads * columns * inner, 1),
              v = sines(heads * columns * width, 2);

// sum_j f(q k', i, j) v; of a softmax f is what is before it.
template <class F>
Numbers attended(bool softmax, F f) {
  Numbers made;
  for (std::size_t h = 0; h < heads; ++h)
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t e = 0; e < width; ++e) {
        double total = 0, sum = 0;
        for (std::size_t j = 0; j < columns; ++j) {
          double s = 0;
          for (std::size_t d = 0; d < inner; ++d) s += q[(h * rows + i) * inner + d] * k[(h * columns + j) * inner + d];
          const double weight = softmax ? std::exp(f(s, i, j)) : f(s, i, j);
          total += weight;
          sum += weight * v[(h * columns + j) * width + e];
        }
        made.push_back(softmax ? (total == 0 ? 0 : sum / total) : sum);
      }
  return made;
}

void expect_gives(const std::string& text, Memory memory, const Numbers& expected) {
  const Result<Region> region = region_of(text);
  ASSERT_TRUE(region) << text << region.error().message;
  EXPECT_TRUE(attention_shape(*region)) << text;
  interpret(*region, memory, 0);
  const Numbers& got = memory["o"];
  ASSERT_EQ(got.size(), expected.size()) << text;
  for (std::size_t n = 0; n < got.size(); ++n) EXPECT_NEAR(got[n], expected[n], 1e-12) << text << " at " << n;
}

TEST(Attention, OfTheLibrarysCallInAllItsWords) {
  const Memory memory = {{"q", q}, {"k", k}, {"v", v}, {"b", sines(rows * columns, 3)}};
  const auto call = [&](const std::string& more) {
    return operands + "o = aten.scaled_dot_product_attention.default q k v " + more + "-> f32 2 5 3\noutput o\n";
  };
  const double scale = 1 / std::sqrt(3.0);
  expect_gives(call(""), memory, attended(true, [&](double s, auto, auto) { return s * scale; }));
  expect_gives(call("scale=0.5 "), memory, attended(true, [](double s, auto, auto) { return s * 0.5; }));
  expect_gives(call("b "), memory, attended(true, [&](double s, std::size_t i, std::size_t j) {
                 return s * scale + memory.at("b")[i * columns + j];
               }));
  expect_gives(call("none 0.0 true "), memory,
               attended(true, [&](double s, std::size_t i, std::size_t j) { return j <= i ? s * scale : -infinity; }));
}

TEST(Attention, ARowThatSeesNothingIsZero) {
  Numbers seen(rows * columns, 1);
  for (std::size_t j = 0; j < columns; ++j) seen[2 * columns + j] = 0;
  expect_gives(
      "input q f32 2 5 3\ninput k f32 2 7 3\ninput v f32 2 7 3\ninput b bool 5 7\n"
      "o = aten.scaled_dot_product_attention.default q k v b scale=1.0 -> f32 2 5 3\noutput o\n",
      {{"q", q}, {"k", k}, {"v", v}, {"b", seen}},
      attended(true, [](double s, std::size_t i, auto) { return i == 2 ? -infinity : s; }));
}

const std::string chain = "t = aten.transpose.int k -2 -1 -> f32 2 3 7\ns = aten.bmm.default q t -> f32 2 5 7\n";

TEST(Attention, WithoutASoftmaxIsWhateverIsDoneToScores) {
  expect_gives(operands + chain +
                   "a = aten.add.Tensor s b -> f32 2 5 7\nr = aten.relu.default a -> f32 2 5 7\n"
                   "p = aten.bmm.default r v -> f32 2 5 3\no = aten.mul.Tensor p 2 -> f32 2 5 3\noutput o\n",
               {{"q", q}, {"k", k}, {"v", v}, {"b", Numbers(rows * columns, 0.25)}},
               attended(false, [](double s, auto, auto) { return 2 * std::max(s + 0.25, 0.0); }));
}

// Queries, keys and values are parts of one product's rows, cut up into heads.
TEST(Attention, OfPartsOfOneTensor) {
  const auto part = [](const std::string& name, int from) {
    return fmt::format(
        "{0}s = aten.slice.Tensor x 2 {1} {2} -> f32 2 5 6\n{0}v = aten.view.default {0}s [2,5,2,3] -> f32 2 5 2 3\n"
        "{0} = aten.transpose.int {0}v 1 2 -> f32 2 2 5 3\n",
        name, from, from + 6);
  };
  const std::string text = "input x f32 2 5 18\n" + part("q", 0) + part("k", 6) + part("v", 12) +
                           "t = aten.transpose.int k -2 -1 -> f32 2 2 3 5\n"
                           "s = aten.matmul.default q t -> f32 2 2 5 5\nr = aten.relu.default s -> f32 2 2 5 5\n"
                           "o = aten.matmul.default r v -> f32 2 2 5 3\noutput o\n";
  const Numbers x = sines(2 * 5 * 18, 0);
  const auto of = [&](std::size_t which, std::size_t b, std::size_t h, std::size_t i, std::size_t d) {
    return x[(b * 5 + i) * 18 + which * 6 + h * 3 + d];
  };
  Numbers expected;
  for (std::size_t b = 0; b < 2; ++b)
    for (std::size_t h = 0; h < 2; ++h)
      for (std::size_t i = 0; i < 5; ++i)
        for (std::size_t e = 0; e < 3; ++e) {
          double sum = 0;
          for (std::size_t j = 0; j < 5; ++j) {
            double score = 0;
            for (std::size_t d = 0; d < 3; ++d) score += of(0, b, h, i, d) * of(1, b, h, j, d);
            sum += std::max(score, 0.0) * of(2, b, h, j, e);
          }
          expected.push_back(sum);
        }
  expect_gives(text, {{"x", x}}, expected);
}

TEST(Attention, KnowsWhereNothingWeighs) {
  const auto diagonal = [](const std::string& text) {
    const Result<Region> region = region_of(operands + text);
    EXPECT_TRUE(region) << text;
    return region && attention_shape(*region) ? attention_shape(*region)->diagonal : std::nullopt;
  };
  const std::string causal =
      "o = aten.scaled_dot_product_attention.default q k v none 0.0 true -> f32 2 5 3\noutput o\n";
  EXPECT_EQ(diagonal(causal), 0);
  EXPECT_EQ(diagonal("o = aten.scaled_dot_product_attention.default q k v b -> f32 2 5 3\noutput o\n"), std::nullopt);
  EXPECT_EQ(
      diagonal(chain + "l = aten.tril.default s 1 -> f32 2 5 7\no = aten.bmm.default l v -> f32 2 5 3\noutput o\n"), 1);
}

TEST(Attention, KnowsWhatHides) {
  const auto hidden = [](const std::string& text) -> std::string {
    const Result<Region> region = region_of(operands + "input keep bool 5 7\n" + text);
    EXPECT_TRUE(region) << text;
    const auto shape = region ? attention_shape(*region) : std::nullopt;
    if (!shape || !shape->hidden) return "nothing";
    return region->code[static_cast<std::size_t>(shape->hidden->value)].name + (shape->hidden->is ? "" : " not");
  };
  const std::string call = "o = aten.scaled_dot_product_attention.default q k v ";
  EXPECT_EQ(hidden(call + "-> f32 2 5 3\noutput o\n"), "nothing");
  EXPECT_EQ(hidden(call + "b -> f32 2 5 3\noutput o\n"), "b");
  EXPECT_EQ(hidden(call + "keep -> f32 2 5 3\noutput o\n"), "keep not");
  const std::string fill = chain + "m = aten.masked_fill.Scalar s keep {} -> f32 2 5 7\n";
  const std::string relu = "r = aten.relu.default m -> f32 2 5 7\n", product = " v -> f32 2 5 3\noutput o\n";
  EXPECT_EQ(hidden(fmt::format(fmt::runtime(fill), "-inf") + relu + "o = aten.bmm.default r" + product), "keep");
  EXPECT_EQ(hidden(fmt::format(fmt::runtime(fill), "0.0") + "o = aten.bmm.default m" + product), "keep");
  // What is filled in weighs.
  EXPECT_EQ(hidden(fmt::format(fmt::runtime(fill), "-1.0") + "o = aten.bmm.default m" + product), "nothing");
}

TEST(Attention, WhatElseNeedsScoresNeedsThemInMemory) {
  EXPECT_FALSE(region_of(operands + chain +
                         "r = aten.relu.default s -> f32 2 5 7\no = aten.bmm.default r v -> f32 2 5 3\noutput r o\n"));
  // Other sums than one over the columns of scores.
  EXPECT_FALSE(region_of(operands + chain +
                         "m = aten.amax.default s [-1] true -> f32 2 5 1\nd = aten.sub.Tensor s m -> f32 2 5 7\n"
                         "o = aten.bmm.default d v -> f32 2 5 3\noutput o\n"));
  EXPECT_FALSE(region_of(operands + chain + "o = aten.softmax.int s -1 -> f32 2 5 7\noutput o\n"));
}

TEST(Attention, IsAKernelWhereOtherProductsAreCalls) {
  const GeneralGraph graph = graph_of(operands +
                                      "parameter w f32 3 3\nx = aten.matmul.default q w -> f32 2 5 3\n"
                                      "a = aten.scaled_dot_product_attention.default x k v -> f32 2 5 3\n"
                                      "o = aten.matmul.default a w -> f32 2 5 3\noutput o\n");
  EXPECT_THAT(partition(graph, Fusing::full, Products::library).groups, testing::IsEmpty());
  EXPECT_THAT(partition(graph, Fusing::full, Products::attention).groups, testing::ElementsAre(NodeSet{1}));
  EXPECT_THAT(partition(graph, Fusing::full, Products::matrices).groups,
              testing::ElementsAre(NodeSet{0}, NodeSet{1}, NodeSet{2}));
}

TEST(Attention, MovesLeadThereAndBack) {
  CacheFacts machine;
  machine.language = Language::triton;
  const GeneralGraph graph =
      graph_of(operands + "o = aten.scaled_dot_product_attention.default q k v -> f32 2 5 3\noutput o\n");
  const auto named = [&](const Recipe& recipe, const std::string& name) {
    std::vector<Recipe> found;
    for (Move& move : moves(graph, recipe, machine))
      if (move.name == name) found.push_back(std::move(move.result));
    return found;
  };
  const Recipe calls = *make_recipe(graph, GraphForm::exported, {}, machine);
  const std::vector<Recipe> own = named(calls, "product");
  ASSERT_EQ(own.size(), 1U);
  EXPECT_EQ(own[0].schedules.at(0).sketch, Sketch::attention);
  EXPECT_EQ(named(own[0], "library").size(), 1U);
  for (const char* move : {"tile", "warps", "stages", "factors"}) EXPECT_FALSE(named(own[0], move).empty()) << move;
  for (const char* move : {"tile", "warps", "stages", "factors"})
    for (const Recipe& recipe : named(own[0], move))
      EXPECT_EQ(illegal(*lower(graph, {0}), recipe.schedules[0], Language::triton), "") << move;
}

}  // namespace
}  // namespace kerf
