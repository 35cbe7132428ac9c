#include "synthesize/builtin/call_extents.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "synthesize/graph_text.h"

namespace kerf {
namespace {

GeneralGraph graph_of(const std::string& text) {
  std::istringstream lines(text);
  return *generalise(parse(lines).problem, GraphForm::exported);
}

// Sizes of what nothing computes are known; "none" where there is no expression for the dimension.
std::string extent_of(const GeneralGraph& graph, const std::string& name, std::size_t dim) {
  const auto known = [&](const TensorRef& ref, std::size_t d) -> std::optional<Extent> {
    if (graph.node(ref.name)) return std::nullopt;
    return Extent{.text = fmt::format("{}.shape[{}]", ref.name, d), .values = {graph.tensor(ref)->shape[0].at(d)}};
  };
  const auto found = extent_of_result(graph, {name, 0}, dim, known);
  return found ? found->text : "none";
}

TEST(CallExtents, AreThoseOfAConvolutionsFormula) {
  const GeneralGraph graph = graph_of(
      "input x f32 2 3 11 20\nparameter w f32 8 3 3 5\n"
      "y = aten.conv2d.default x w None [2,1] [1,2] [1,2] -> f32 2 8 6 16\noutput y\n");
  EXPECT_EQ(extent_of(graph, "y", 0), "x.shape[0]");
  EXPECT_EQ(extent_of(graph, "y", 1), "none") << "channels are what shapes of weights say";
  EXPECT_EQ(extent_of(graph, "y", 2), "(x.shape[2] - w.shape[2] + 2) // (2) + 1");
  EXPECT_NE(extent_of(graph, "y", 3), "none");
}

TEST(CallExtents, AreThoseOfATransposedOnesFormulaAndOfViewsOfIt) {
  const GeneralGraph graph = graph_of(
      "input x f32 2 3 10 20\nparameter w f32 3 8 5 5\n"
      "y = aten.conv_transpose2d.input x w None [2,2] [1,1] [1,1] -> f32 2 8 22 42\n"
      "z = aten.movedim.int y 1 -1 -> f32 2 22 42 8\n"
      "p = aten.permute.default z [0,3,1,2] -> f32 2 8 22 42\noutput p\n");
  const std::string rows = extent_of(graph, "y", 2);
  EXPECT_EQ(rows, "(x.shape[2] - 1) * 2 + w.shape[2] - 1");
  EXPECT_EQ(extent_of(graph, "z", 1), rows);
  EXPECT_EQ(extent_of(graph, "p", 2), rows);
  EXPECT_EQ(extent_of(graph, "z", 3), "none");
}

TEST(CallExtents, AFormulaThatIsWrongIsNone) {
  const GeneralGraph graph = graph_of(
      "input x f32 2 3 11 20\nparameter w f32 8 3 3 5\n"
      "y = aten.conv2d.default x w None [2,1] [1,2] -> f32 2 8 7 20\noutput y\n");
  EXPECT_EQ(extent_of(graph, "y", 2), "none");
}

}  // namespace
}  // namespace kerf
