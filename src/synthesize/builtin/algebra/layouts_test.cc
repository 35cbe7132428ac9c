#include "synthesize/builtin/algebra/layouts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "synthesize/builtin/algebra/bias.h"
#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/builtin/turned.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

TEST(Layouts, ConvolutionsAreBroughtBackBehindThem) {
  const Case c = parse(
      "input x f32 2 8 5 6\nparameter w f32 8 4 3 3\n"
      "y = aten.conv_transpose2d.input x w -> f32 2 4 7 8\nz = aten.relu.default y -> f32 2 4 7 8\noutput z");
  const std::optional<GeneralGraph> graph =
      in_channels_last(*generalise(c.problem, GraphForm::exported), Language::cpp);
  ASSERT_TRUE(graph);
  std::vector<std::string> names;
  for (const GeneralNode& node : graph->nodes) names.push_back(node.name);
  EXPECT_EQ(names, (std::vector<std::string>{"y_weight", "y_last", "y", "z"}));
  EXPECT_EQ(graph->nodes[0].results[0].stride[0], (std::vector<std::int64_t>{36, 1, 12, 4}));
  EXPECT_EQ(graph->nodes[1].results[0].stride[0], (std::vector<std::int64_t>{224, 1, 32, 4}));
  EXPECT_TRUE(graph->nodes[2].results[0].contiguous());
  // What comes back is what the kernel behind it means.
  const Partition p = partition(*graph, Fusing::full);
  ASSERT_EQ(p.groups, (std::vector<NodeSet>{{2, 3}}));
  const Region region = *lower(*graph, p.groups[0]);
  ASSERT_TRUE(turned(region));
  Memory memory{{"y_last", numbers(448)}};
  interpret(region, memory, 0);
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t k = 0; k < 4; ++k)
      for (std::size_t i = 0; i < 56; ++i)
        EXPECT_EQ(memory["z"].at(n * 224 + k * 56 + i), std::max(0.0, memory["y_last"][n * 224 + i * 4 + k]));
}

TEST(Layouts, ABiasIsAddedByTheKernelBehind) {
  const auto names = [](const std::string& text, Language language) {
    std::vector<std::string> found;
    for (const GeneralNode& node :
         with_biases_behind(*generalise(parse(text).problem, GraphForm::exported), language).nodes)
      found.push_back(node.base());
    return found;
  };
  using testing::ElementsAre;
  const std::string linear =
      "input x f32 4 8\nparameter w f32 6 8\nparameter b f32 6\ny = aten.linear.default x w b -> f32 4 6\n";
  EXPECT_THAT(names(linear + "z = aten.relu.default y -> f32 4 6\noutput z", Language::cpp),
              ElementsAre("linear", "add", "relu"));
  EXPECT_THAT(names(linear + "z = aten.relu.default y -> f32 4 6\noutput z", Language::cuda),
              ElementsAre("linear", "relu"));
  EXPECT_THAT(names(linear + "output y", Language::cpp), ElementsAre("linear"));
  const std::string convolution =
      "input x f32 2 8 5 6\nparameter w f32 4 8 3 3\nparameter b f32 4\n"
      "y = aten.conv2d.default x w b -> f32 2 4 3 4\n";
  EXPECT_THAT(names(convolution + "z = aten.relu.default y -> f32 2 4 3 4\noutput z", Language::cuda),
              ElementsAre("conv2d", "view", "add", "relu"));
  EXPECT_THAT(names(convolution + "z = aten.relu.default y -> f32 2 4 3 4\noutput z y", Language::cuda),
              ElementsAre("conv2d", "relu"));
  // Channel by channel.
  const Case c = parse(convolution + "output y");
  GeneralGraph graph = *generalise(c.problem, GraphForm::exported);
  ASSERT_TRUE(add_bias_behind(graph, 0));
  Memory memory{{"y_product", numbers(96)}, {"b", {1, 2, 3, 4}}};
  interpret(*lower(graph, {1, 2}), memory, 0);
  for (std::size_t i = 0; i < 96; ++i)
    EXPECT_EQ(memory["y"].at(i), memory["y_product"][i] + static_cast<double>(i / 12 % 4 + 1));
}

TEST(Layouts, LinearLayersOfFewRowsAreTurned) {
  using testing::ElementsAre;
  const auto names = [](const std::string& text) {
    std::vector<std::string> found;
    for (const GeneralNode& node : with_few_rows_turned(*generalise(parse(text).problem, GraphForm::exported)).nodes)
      found.push_back(node.base());
    return found;
  };
  const std::string weight = "parameter w f32 512 512\nparameter b f32 512\n";
  EXPECT_THAT(names("input x f32 8 512\n" + weight + "y = aten.linear.default x w b -> f32 8 512\noutput y"),
              ElementsAre("t", "mm", "t", "clone", "add"));
  EXPECT_THAT(names("input x f32 64 512\n" + weight + "y = aten.linear.default x w b -> f32 64 512\noutput y"),
              ElementsAre("linear"));
  EXPECT_THAT(names("input x f32 8 64\nparameter w f32 32 64\ny = aten.linear.default x w -> f32 8 32\noutput y"),
              ElementsAre("linear"));
  const Case c = parse("input x f32 8 512\n" + weight + "y = aten.linear.default x w b -> f32 8 512\noutput y");
  const GeneralGraph graph = with_few_rows_turned(*generalise(c.problem, GraphForm::exported));
  Memory memory{{"y_product_turned", numbers(4096)}, {"b", numbers(512)}};
  interpret(*lower(graph, {2, 3, 4}), memory, 0);
  for (std::size_t i = 0; i < 8; ++i)
    for (std::size_t j = 0; j < 512; ++j)
      EXPECT_EQ(memory["y"].at(i * 512 + j), memory["y_product_turned"][j * 8 + i] + memory["b"][j]);
}

TEST(Layouts, BetweenConvolutionsNothingIsTurned) {
  const Case c = parse(
      "input x f32 2 16 9 10\nparameter v f32 24 16 3 3\nparameter w f32 8 24 1 1\n"
      "y = aten.conv2d.default x v -> f32 2 24 7 8\nr = aten.relu.default y -> f32 2 24 7 8\n"
      "z = aten.conv2d.default r w -> f32 2 8 7 8\noutput z");
  const std::optional<GeneralGraph> graph =
      in_channels_last(*generalise(c.problem, GraphForm::exported), Language::cpp);
  ASSERT_TRUE(graph);
  std::vector<std::string> names;
  for (const GeneralNode& node : graph->nodes) names.push_back(node.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"y_input", "y_image", "y_last", "y", "r", "z_input", "z_image", "z_last", "z"}));
  EXPECT_EQ(graph->nodes[1].results[0].shape[0], (std::vector<std::int64_t>{2, 16, 9, 10}));
  EXPECT_EQ(graph->nodes[1].results[0].stride[0], (std::vector<std::int64_t>{1440, 1, 160, 16}));
  const Partition p = partition(*graph, Fusing::full);
  ASSERT_EQ(p.groups, (std::vector<NodeSet>{{0}, {3, 4, 5}, {8}}));
  // Images are turned on their way in and out, and run through in between.
  EXPECT_TRUE(turned(*lower(*graph, p.groups[0])));
  EXPECT_FALSE(turned(*lower(*graph, p.groups[1])));
  EXPECT_EQ(lower(*graph, p.groups[1])->axes.size(), 1U);
  EXPECT_TRUE(turned(*lower(*graph, p.groups[2])));
  Memory memory{{"x", numbers(2880)}};
  interpret(*lower(*graph, p.groups[0]), memory, 0);
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t k = 0; k < 16; ++k)
      for (std::size_t i = 0; i < 90; ++i)
        EXPECT_EQ(memory["y_input"].at((n * 90 + i) * 16 + k), memory["x"][(n * 16 + k) * 90 + i]);
}

TEST(Layouts, KernelsOnAGpuReadConvolutionsByTheirPlaces) {
  const Case c = parse(
      "input x f32 2 16 5 6\nparameter w f32 16 40 3 3\n"
      "y = aten.conv_transpose2d.input x w -> f32 2 40 7 8\nz = aten.relu.default y -> f32 2 40 7 8\noutput z");
  const std::optional<GeneralGraph> graph =
      in_channels_last(*generalise(c.problem, GraphForm::exported), Language::cuda);
  ASSERT_TRUE(graph);
  std::vector<std::string> names;
  for (const GeneralNode& node : graph->nodes) names.push_back(node.name);
  EXPECT_EQ(names, (std::vector<std::string>{"y_input", "y_image", "y_last", "y_places", "y_laid", "y", "z"}));
  const GeneralTensor& places = graph->nodes[3].results[0];
  EXPECT_EQ(places.shape[0], (std::vector<std::int64_t>{2, 7, 8, 40}));
  EXPECT_TRUE(places.contiguous());
  EXPECT_FALSE(lowers(*graph, graph->nodes[3]));
  const Partition p = partition(*graph, Fusing::full);
  ASSERT_EQ(p.groups, (std::vector<NodeSet>{{0}, {4, 5, 6}}));
  const Region region = *lower(*graph, p.groups[1]);
  const std::optional<Turned> lies = turned_by_tiles(region);
  ASSERT_TRUE(lies);
  EXPECT_EQ(lies->axis, 1);
  EXPECT_FALSE(lies->windows);
  // 40 channels in lines of 32, 56 places.
  const TurnedTile tile = turned_tile(region, *lies, 2048);
  EXPECT_EQ(tile.height, 32);
  EXPECT_EQ(tile.breadth, 64);
  Memory memory{{"y_places", numbers(4480)}};
  interpret(region, memory, 0);
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t k = 0; k < 40; ++k)
      for (std::size_t i = 0; i < 56; ++i)
        EXPECT_EQ(memory["z"].at((n * 40 + k) * 56 + i), std::max(0.0, memory["y_places"][(n * 56 + i) * 40 + k]));
}

TEST(Layouts, WindowsThatMoveOverPlacesAreComputedInTheirOrder) {
  const Case c = parse(
      "input x f32 2 7 8 40\ny = aten.permute.default x [0,3,1,2] -> f32 2 40 7 8\n"
      "z = aten.max_pool2d.default y [2,2] -> f32 2 40 3 4\noutput z");
  const GeneralGraph graph = *generalise(c.problem, GraphForm::exported);
  const Result<Region> region = lower(graph, {0, 1});
  ASSERT_TRUE(region) << region.error().message;
  EXPECT_FALSE(turned(*region));
  const std::optional<Turned> lies = turned_by_tiles(*region);
  ASSERT_TRUE(lies);
  EXPECT_EQ(lies->axis, 1);
  EXPECT_TRUE(lies->windows);
  // Twelve places behind one another need no more than a line of 16.
  const TurnedTile tile = turned_tile(*region, *lies, 2048);
  EXPECT_EQ(tile.breadth, 16);
  EXPECT_EQ(tile.height, 64);
}

TEST(Layouts, WhatStridesDoNotTellStaysAsItIs) {
  const auto last = [](const std::string& text) {
    return in_channels_last(*generalise(parse(text).problem, GraphForm::exported), Language::cpp).has_value();
  };
  EXPECT_TRUE(
      last("input x f32 2 8 5 6\nparameter w f32 4 8 3 3\n"
           "y = aten.conv2d.default x w -> f32 2 4 3 4\noutput y"));
  EXPECT_FALSE(
      last("input x f32 2 8 5 6\nparameter w f32 4 8 1 1\n"
           "y = aten.conv2d.default x w -> f32 2 4 5 6\noutput y"));
  EXPECT_FALSE(
      last("input x f32 2 8 5 6\nparameter w f32 8 1 3 3\n"
           "y = aten.conv2d.default x w none [1,1] [0,0] [1,1] 8 -> f32 2 8 3 4\noutput y"));
  EXPECT_FALSE(
      last("input x f32 2 8 5 6\nparameter w f32 8 2 3 3\n"
           "y = aten.conv_transpose2d.input x w none [1,1] [0,0] [0,0] 2 -> f32 2 4 7 8\noutput y"));
  EXPECT_FALSE(
      last("input x f32 2 8 6\nparameter w f32 4 8 3\n"
           "y = aten.conv1d.default x w -> f32 2 4 4\noutput y"));
}

}  // namespace
}  // namespace kerf
