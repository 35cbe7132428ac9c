// Which operators become one kernel, and which must not.
#include "synthesize/builtin/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

GeneralGraph graph_of(const std::string& text) {
  auto graph = generalise(parse(text).problem, GraphForm::exported);
  EXPECT_TRUE(graph);
  return *std::move(graph);
}

NodeSet all_of(const GeneralGraph& graph) {
  NodeSet nodes(graph.nodes.size());
  std::iota(nodes.begin(), nodes.end(), 0U);
  return nodes;
}

TEST(Partition, SetsOfNodesUniteInOrder) {
  EXPECT_EQ(unite({1, 4}, {0, 4, 7}), (NodeSet{0, 1, 4, 7}));
  EXPECT_EQ(unite({}, {}), NodeSet{});
}

TEST(Partition, NeverLeavesAGroupAndComesBack) {
  // mm needs r, and a needs both: r and a cannot be one kernel.
  const GeneralGraph graph = graph_of(R"(input x f32 4 4
r = aten.relu.default x -> f32 4 4
m = aten.mm.default r x -> f32 4 4
a = aten.add.Tensor m r -> f32 4 4
output a)");
  EXPECT_TRUE(orderable(graph, partition(graph, Fusing::full)));
  EXPECT_FALSE(orderable(graph, {.groups = {{0, 2}}}));
  EXPECT_TRUE(orderable(graph, {.groups = {{0, 1, 2}}}));
  EXPECT_FALSE(legal(graph, Partition{}, {0, 2}));
  EXPECT_TRUE(legal(graph, Partition{}, {0}));
  EXPECT_FALSE(legal(graph, Partition{}, {}));
}

TEST(Partition, TwoGroupsDoNotWaitForEachOther) {
  const GeneralGraph graph = graph_of(R"(input x f32 4
input y f32 4
a = aten.relu.default x -> f32 4
b = aten.relu.default y -> f32 4
c = aten.add.Tensor a b -> f32 4
d = aten.mul.Tensor a b -> f32 4
output c d)");
  EXPECT_FALSE(orderable(graph, {.groups = {{0, 2}, {1, 3}}})) << "c needs b, d needs a";
  EXPECT_FALSE(legal(graph, {.groups = {{1, 3}}}, {0, 2}));
  EXPECT_TRUE(legal(graph, {.groups = {{1, 2}}}, {0, 2})) << "it takes the place of the group that it meets";
}

// What a product reads in another layout is laid out by a copy, in a kernel of its own: where the copy and who reads it
// were one kernel, the reader would take its elements from where they had lain before.
TEST(Partition, ACopyIntoAnotherLayoutIsNotInAKernelWithItsReaders) {
  const GeneralGraph graph = graph_of(R"(input x f32 64 32
t = aten.permute_copy.default x [1,0] -> f32 32 64
y = aten.relu.default t -> f32 32 64
output y)");
  EXPECT_FALSE(legal(graph, Partition{}, {0, 1}));
  EXPECT_FALSE(legal(graph, Partition{}, {0, 1}, true));
  EXPECT_THAT(partition(graph, Fusing::full).groups, ElementsAre(NodeSet{0}, NodeSet{1}));
}

TEST(Partition, ACopyIntoAnotherLayoutMayEndAKernel) {
  const GeneralGraph graph = graph_of(R"(input x f32 64 32
r = aten.relu.default x -> f32 64 32
t = aten.permute_copy.default r [1,0] -> f32 32 64
output t)");
  EXPECT_TRUE(legal(graph, Partition{}, {0, 1}));
  EXPECT_THAT(partition(graph, Fusing::full).groups, ElementsAre(NodeSet{0, 1}));
}

TEST(Partition, ACopyIntoAnotherLayoutIsNotUndoneThroughAView) {
  const GeneralGraph graph = graph_of(R"(input x f32 64 32
t = aten.permute_copy.default x [1,0] -> f32 32 64
v = aten.view.default t [2048] -> f32 2048
y = aten.relu.default v -> f32 2048
output y)");
  EXPECT_FALSE(legal(graph, Partition{}, {0, 1, 2}));
  EXPECT_FALSE(legal(graph, Partition{}, {0, 2})) << "which would leave and come back";
  EXPECT_TRUE(legal(graph, Partition{}, {1, 2}));
}

TEST(Partition, AViewInAnotherOrderIsNoCopyAndIsReadThrough) {
  const GeneralGraph graph = graph_of(R"(input x f32 64 32
t = aten.permute.default x [1,0] -> f32 32 64
y = aten.relu.default t -> f32 32 64
output y)");
  EXPECT_TRUE(legal(graph, Partition{}, {0, 1}));
}

TEST(Partition, HasGroupsOfOneWhereNothingIsFused) {
  const GeneralGraph graph = graph_of(R"(input x f32 64
a = aten.relu.default x -> f32 64
b = aten.neg.default a -> f32 64
output b)");
  EXPECT_THAT(partition(graph, Fusing::full).groups, ElementsAre(NodeSet{0, 1}));
  EXPECT_THAT(partition(graph, Fusing::none).groups, ElementsAre(NodeSet{0}, NodeSet{1}));
}

TEST(Partition, LeavesViewsToTheLibraryAndCountsNoCallForThem) {
  const GeneralGraph graph = graph_of(R"(input x f32 8 8
v = aten.view.default x [64] -> f32 64
output v)");
  const Partition none = partition(graph, Fusing::full);
  EXPECT_THAT(none.groups, IsEmpty());
  EXPECT_EQ(library_calls(graph, none), 0U);
}

TEST(Partition, CountsTheOperatorsThatAreNotGenerated) {
  const GeneralGraph graph = graph_of(R"(input x f32 4 4
r = aten.relu.default x -> f32 4 4
m = aten.mm.default r x -> f32 4 4
output m)");
  EXPECT_EQ(library_calls(graph, {}), 2U);
  EXPECT_EQ(library_calls(graph, {.groups = {{0}}}), 1U);
  EXPECT_EQ(library_calls(graph, {.groups = {{0}, {1}}}), 0U);
}

TEST(Partition, GroupsEndWhereTheyWouldOnlyCostCompileTime) {
  std::string text = "input x f32 64\nn0 = aten.relu.default x -> f32 64\n";
  for (int i = 1; i < 60; ++i)
    text += "n" + std::to_string(i) + " = aten.neg.default n" + std::to_string(i - 1) + " -> f32 64\n";
  const GeneralGraph graph = graph_of(text + "output n59");
  EXPECT_FALSE(legal(graph, Partition{}, all_of(graph)));
  const Partition cut = partition(graph, Fusing::full);
  ASSERT_EQ(cut.groups.size(), 2U);
  EXPECT_EQ(cut.groups[0].size(), 48U);
  EXPECT_EQ(unite(cut.groups[0], cut.groups[1]), all_of(graph)) << "nothing is left to the library";
}

TEST(Partition, ARepetitionIsWrittenOutByTheLibraryOrNotAtAll) {
  const GeneralGraph alone = graph_of(R"(input x f32 4 6
r = aten.repeat_interleave.self_int x 2 0 -> f32 8 6
e = aten.exp.default r -> f32 8 6
output e)");
  EXPECT_THAT(partition(alone, Fusing::full).groups, ElementsAre(NodeSet{1}));
  const GeneralGraph met = graph_of(R"(input x f32 4 6
input y f32 8 6
r = aten.repeat_interleave.self_int x 2 0 -> f32 8 6
e = aten.mul.Tensor r y -> f32 8 6
output e)");
  EXPECT_THAT(partition(met, Fusing::full).groups, ElementsAre(NodeSet{0, 1}));
}

TEST(Partition, WhatIsComputedAgainForEveryRowIsAKernelOfItsOwn) {
  // exp of 256 numbers, for each of 4,096 rows: 1,048,576 of them in one kernel.
  const auto wide = [](const std::string& op) {
    return graph_of("input x f32 4096 256\ninput w f32 256\ne = aten." + op +
                    ".default w -> f32 256\ny = aten.mul.Tensor x e -> f32 4096 256\noutput y");
  };
  EXPECT_FALSE(legal(wide("exp"), Partition{}, {0, 1}, true));
  EXPECT_THAT(partition(wide("exp"), Fusing::full).groups, ElementsAre(NodeSet{0}, NodeSet{1}));
  EXPECT_TRUE(legal(wide("neg"), Partition{}, {0, 1}, true)) << "which costs nothing";
}

}  // namespace
}  // namespace kerf
