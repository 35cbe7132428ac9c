// Parts that are put side by side again and again: where each is written once, and that it means the same.
#include "synthesize/builtin/algebra/appended.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/algebra.h"
#include "synthesize/builtin/forms.h"
#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/builtin/places.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using testing::ElementsAre;

// What is put side by side with all that was before, each time a function of it: 2 images of 4 and `layers` times 3
// channels. Sums over channels stand for what a layer makes of them.
std::string dense(int layers, const std::string& first = "s = aten.tanh.default x -> f32 2 4 5 6\n") {
  std::string text = "input x f32 2 4 5 6\nparameter w f32 1 3 1 1\n" + first, list = "s", last = "s";
  for (int n = 1; n <= layers; ++n) {
    text += fmt::format(
        "m{0} = aten.mean.dim {1} [1] true -> f32 2 1 5 6\nf{0} = aten.mul.Tensor m{0} w -> f32 2 3 5 6\n", n, last);
    list += fmt::format(",f{}", n);
    last = fmt::format("c{}", n);
    text += fmt::format("{} = aten.cat.default [{}] 1 -> f32 2 {} 5 6\n", last, list, 4 + 3 * n);
  }
  return text + fmt::format("y = aten.sum.dim_IntList {} [2,3] -> f32 2 {}\noutput y\n", last, 4 + 3 * layers);
}

GeneralGraph whole(const std::string& text) { return simplify(*generalise(parse(text).problem, GraphForm::exported)); }
std::vector<std::string> operators(const GeneralGraph& graph) {
  std::vector<std::string> names;
  for (const GeneralNode& node : graph.nodes)
    if (!is_trivial(node)) names.push_back(node.base());
  return names;
}
std::size_t appends(const GeneralGraph& graph) {
  return static_cast<std::size_t>(
      std::ranges::count_if(graph.nodes, [](const GeneralNode& n) { return n.op == appended_operator; }));
}
Memory computed(const GeneralGraph& graph, Memory memory) {
  const std::vector<NodeSet> groups = partition(graph, Fusing::full).groups;
  const std::vector<Unit> units = *units_in_order(graph, groups);
  for (const Unit& unit : units) {
    if (unit.group) {
      interpret(*lower(graph, groups[*unit.group]), memory, 0);
    } else {
      EXPECT_TRUE(is_trivial(graph.nodes[unit.node])) << graph.nodes[unit.node].op << " is left to the library";
    }
  }
  return memory;
}

TEST(Appended, EachPartIsWrittenOnceAndMeansTheSame) {
  for (const bool by_places : {false, true}) {
    const GeneralGraph before = whole(dense(5)), after = with_parts_appended(before, by_places);
    EXPECT_EQ(appends(after), 6U);
    EXPECT_THAT(operators(after), testing::Not(testing::Contains("cat")));
    const Memory given = {{"x", numbers(240)}, {"w", {1, -2, 3}}};
    const Memory one = computed(before, given), two = computed(after, given);
    ASSERT_EQ(two.at("y").size(), 38U);
    for (std::size_t i = 0; i < 38; ++i) ASSERT_NEAR(one.at("y")[i], two.at("y")[i], 1e-12) << i;
  }
}

TEST(Appended, AllLiesInTheMemoryOfTheFirst) {
  const GeneralGraph graph = with_parts_appended(whole(dense(4)), false);
  std::vector<std::string> stored;
  for (const NodeSet& group : partition(graph, Fusing::full).groups) {
    const Region region = *lower(graph, group);
    for (const RegionStore& store : region.stores)
      if (store.access.tensor.name.starts_with("c4_")) {
        EXPECT_EQ(store.access.tensor.name, "c4_0");
        std::vector<std::int64_t> shape;
        for (const Extent& each : store.shape) shape.push_back(each.values[0]);
        EXPECT_THAT(shape, ElementsAre(2, 16, 5, 6)) << "whichever part it is";
        stored.push_back(std::to_string(store.access.windows.at(0).shift.values[0]));
        EXPECT_EQ(store.access.elements.at(0), stored.back() == "0" ? 240 : 180) << "only the part is moved";
      }
  }
  EXPECT_THAT(stored, ElementsAre("0", "4", "7", "10", "13"));
}

TEST(Appended, AKernelThatHasAPartPutsItInItsPlace) {
  const GeneralGraph graph = with_parts_appended(whole(dense(3)), false);
  for (const NodeSet& group : partition(graph, Fusing::full).groups)
    for (const TensorRef& ref : escaping(graph, group))
      EXPECT_TRUE(ref.name == "y" || ref.name.starts_with("c3_") || graph.tensor(ref)->numel() == 60) << ref.name;
}

TEST(Appended, NoKernelReadsWhatItAppends) {
  const GeneralGraph graph = with_parts_appended(whole(dense(3)), false);
  for (const NodeSet& group : partition(graph, Fusing::full).groups) {
    const Region region = *lower(graph, group);
    for (const RegionStore& store : region.stores)
      for (const Instruction& i : region.code)
        EXPECT_FALSE(i.form == Instruction::Form::load && i.access.tensor == store.access.tensor) << region.name;
  }
}

TEST(Appended, CatsOfCatsAreTheSame) {
  // Each adds one part to what the last one gave.
  std::string text = "input x f32 2 4 5\nparameter w f32 1 3 1\ns = aten.tanh.default x -> f32 2 4 5\n", last = "s";
  for (int n = 1; n <= 3; ++n) {
    text += fmt::format("m{0} = aten.mean.dim {1} [1] true -> f32 2 1 5\nf{0} = aten.mul.Tensor m{0} w -> f32 2 3 5\n",
                        n, last);
    text += fmt::format("c{0} = aten.cat.default [{1},f{0}] 1 -> f32 2 {2} 5\n", n, last, 4 + 3 * n);
    last = fmt::format("c{}", n);
  }
  const GeneralGraph before = whole(text + "y = aten.exp.default c3 -> f32 2 13 5\noutput y\n"),
                     after = with_parts_appended(before, true);
  EXPECT_EQ(appends(after), 4U);
  const Memory given = {{"x", numbers(40)}, {"w", {1, -2, 3}}};
  const Memory one = computed(before, given), two = computed(after, given);
  for (std::size_t i = 0; i < 130; ++i) ASSERT_NEAR(one.at("y")[i], two.at("y")[i], 1e-12) << i;
}

TEST(Appended, FewCatsOutputsAndOtherPartsStay) {
  EXPECT_EQ(appends(with_parts_appended(whole(dense(2)), false)), 0U) << "two cats";
  std::string given_back = dense(3);
  given_back.replace(given_back.find("output y"), 8, "output y c2");
  EXPECT_EQ(appends(with_parts_appended(whole(given_back), false)), 0U) << "one of them is an output";
  const std::string apart =
      "input x f32 2 3\ninput z f32 2 3\na = aten.cat.default [x,z] 1 -> f32 2 6\n"
      "b = aten.cat.default [z,x,z] 1 -> f32 2 9\nc = aten.cat.default [x,x,z,z] 1 -> f32 2 12\n"
      "e = aten.sum.dim_IntList a [1] -> f32 2\nf = aten.sum.dim_IntList b [1] -> f32 2\n"
      "g = aten.sum.dim_IntList c [1] -> f32 2\noutput e f g\n";
  EXPECT_EQ(appends(with_parts_appended(whole(apart), false)), 0U) << "none begins as the one before";
}

TEST(Appended, IsForGpusAlone) {
  const Understood problem = parse(dense(4)).problem;
  for (const Language language : {Language::cpp, Language::cuda, Language::triton})
    EXPECT_EQ(appends(graph_in(problem, GraphForm::exported, language)->graph), language == Language::cpp ? 0U : 5U);
}

}  // namespace
}  // namespace kerf
