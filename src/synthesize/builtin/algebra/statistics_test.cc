// Norms over long rows, in steps: where they become that, what is computed twice, and that they mean the same.
#include "synthesize/builtin/algebra/statistics.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "synthesize/builtin/algebra/algebra.h"
#include "synthesize/builtin/algebra/layouts.h"
#include "synthesize/builtin/forms.h"
#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using testing::ElementsAre;

GeneralGraph whole(const std::string& text) { return simplify(*generalise(parse(text).problem, GraphForm::exported)); }
std::vector<std::string> operators(const GeneralGraph& graph) {
  std::vector<std::string> names;
  for (const GeneralNode& node : graph.nodes) names.push_back(node.base());
  return names;
}
std::vector<double> numbers_from(std::size_t n, double offset) {
  std::vector<double> made(n);
  for (std::size_t i = 0; i < n; ++i) made[i] = offset + std::sin(static_cast<double>(i) * 1.7);
  return made;
}

// All that kernels are written for, one after another.
Memory computed(const GeneralGraph& graph, Memory memory) {
  const std::vector<NodeSet> groups = partition(graph, Fusing::full).groups;
  const std::vector<Unit> units = *units_in_order(graph, groups);
  for (const Unit& unit : units)
    if (unit.group) interpret(*lower(graph, groups[*unit.group]), memory, 0);
  return memory;
}

constexpr LongRows short_ones{.held = 16, .large = 64, .programs = 8};

void expect_same(const std::string& text, const Memory& given) {
  const GeneralGraph before = whole(text), after = with_statistics_apart(before, short_ones);
  ASSERT_NE(operators(before), operators(after));
  const Memory one = computed(before, given), two = computed(after, given);
  const std::string output = before.outputs.at(0).name;
  ASSERT_EQ(one.at(output).size(), two.at(output).size());
  for (std::size_t i = 0; i < one.at(output).size(); ++i) ASSERT_NEAR(one.at(output)[i], two.at(output)[i], 1e-9) << i;
}

const char* group = "input x f32 2 6 5 7\nparameter w f32 6\nparameter b f32 6\n";
Memory of_group() { return {{"x", numbers_from(420, 3)}, {"w", numbers_from(6, 1)}, {"b", numbers_from(6, 0)}}; }

TEST(Statistics, AGroupNormInStepsIsTheSame) {
  for (const int groups : {1, 2, 3})
    expect_same(group + fmt::format("n = aten.group_norm.default x {} w b 1e-05 -> f32 2 6 5 7\noutput n\n", groups),
                of_group());
}

TEST(Statistics, ABatchNormInStepsIsTheSame) {
  expect_same(
      "input x f32 2 6 5 7\nparameter w f32 6\nparameter b f32 6\nparameter m f32 6\nparameter v f32 6\n"
      "n = aten.batch_norm.default x w b m v true 0.1 1e-05 true -> f32 2 6 5 7\n"
      "y = aten.tanh.default n -> f32 2 6 5 7\noutput y\n",
      of_group());
}

TEST(Statistics, WhatIsNormalisedIsComputedForEachPass) {
  const std::string text =
      group + std::string(
                  "s = aten.sigmoid.default x -> f32 2 6 5 7\np = aten.mul.Tensor s x -> f32 2 6 5 7\n"
                  "n = aten.group_norm.default p 2 w b 1e-05 -> f32 2 6 5 7\n"
                  "y = aten.relu.default n -> f32 2 6 5 7\noutput y\n");
  const GeneralGraph graph = with_statistics_apart(whole(text), short_ones);
  EXPECT_THAT(operators(graph), ElementsAre("sigmoid", "mul", "sigmoid", "mul", "kerf.moments", "kerf.joined_moments",
                                            "kerf.scale_and_shift", "kerf.scaled", "relu"));
  // Nothing of the size of x is stored but the result: moments, what scales and shifts, and the pass that does.
  const Partition parts = partition(graph, Fusing::full);
  EXPECT_EQ(parts.groups.size(), 3U);
  for (const NodeSet& nodes : parts.groups)
    for (const TensorRef& ref : escaping(graph, nodes))
      EXPECT_TRUE(ref.name == "y" || graph.tensor(ref)->numel() <= 60) << ref.name;
  expect_same(text, of_group());
}

TEST(Statistics, WhatIsMadeOfTwoTensorsIsStored) {
  const GeneralGraph graph = with_statistics_apart(
      whole(group + std::string("input z f32 2 6 5 7\np = aten.add.Tensor x z -> f32 2 6 5 7\n"
                                "n = aten.group_norm.default p 2 w b 1e-05 -> f32 2 6 5 7\noutput n\n")),
      short_ones);
  EXPECT_THAT(operators(graph),
              ElementsAre("add", "kerf.moments", "kerf.joined_moments", "kerf.scale_and_shift", "kerf.scaled"));
}

TEST(Statistics, ShortRowsStayWhole) {
  const GeneralGraph graph =
      whole(group + std::string("n = aten.group_norm.default x 2 w b 1e-05 -> f32 2 6 5 7\noutput n\n"));
  EXPECT_THAT(operators(with_statistics_apart(graph)), ElementsAre("group_norm"));
  EXPECT_THAT(operators(with_statistics_apart(graph, {.held = 105, .large = 64, .programs = 8})),
              ElementsAre("group_norm"));
}

TEST(Statistics, ChannelsAreReadAsTheyLie) {
  GeneralGraph graph =
      *in_channels_last(whole("input x f32 4 3 34 34\nparameter k f32 16 3 3 3\nparameter c f32 16\nparameter w f32 "
                              "16\nparameter b f32 16\n"
                              "conv = aten.conv2d.default x k c -> f32 4 16 32 32\n"
                              "n = aten.group_norm.default conv 4 w b 1e-05 -> f32 4 16 32 32\noutput n\n"),
                        Language::triton);
  graph = with_statistics_apart(std::move(graph), {.held = 64, .large = 64, .programs = 64});
  // The copy that brings the result back is part of both passes.
  std::size_t reading = 0;
  for (const NodeSet& nodes : partition(graph, Fusing::full, Products::library, Language::triton).groups) {
    const Region region = *lower(graph, nodes);
    const bool reads = std::ranges::any_of(region.code, [](const Instruction& i) {
      return i.form == Instruction::Form::load && i.access.tensor.name.ends_with("_places");
    });
    if (!reads) continue;
    ++reading;
    const bool across = region.reduced != 0 && region.is_reduced(static_cast<int>(region.axes.size()) - 1);
    EXPECT_FALSE(across) << "sums run across memory";
  }
  EXPECT_EQ(reading, 2U);
}

TEST(Statistics, BehindOneConvolutionNothingElseOfItsSizeIsStored) {
  const Understood problem =
      parse(
          "input x f32 8 3 258 258\nparameter k f32 16 3 3 3\nparameter w f32 16\nparameter b f32 16\n"
          "conv = aten.conv2d.default x k -> f32 8 16 256 256\ns = aten.sigmoid.default conv -> f32 8 16 256 256\n"
          "n = aten.group_norm.default s 4 w b 1e-05 -> f32 8 16 256 256\noutput n\n")
          .problem;
  const auto formed = graph_in(problem, GraphForm::channels_last, Language::triton);
  ASSERT_TRUE(formed);
  for (const NodeSet& nodes : partition(formed->graph, Fusing::full, Products::library, Language::triton).groups)
    for (const TensorRef& ref : escaping(formed->graph, nodes))
      EXPECT_TRUE(ref.name == "n" || formed->graph.tensor(ref)->numel() < 1 << 20) << ref.name;
}

}  // namespace
}  // namespace kerf
