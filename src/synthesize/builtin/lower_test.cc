#include "synthesize/builtin/lower.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <string>
#include <vector>

#include "synthesize/builtin/algebra/layouts.h"
#include "synthesize/builtin/compose.h"
#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;

TEST(Lower, RowsDoNotRunAcrossMemory) {
  // A norm over channels and places reads its rows from where they lie one after another.
  const Case c = parse(
      "input x f32 2 8 5 6\nparameter w f32 8 4 3 3\n"
      "y = aten.conv_transpose2d.input x w -> f32 2 4 7 8\nz = aten.group_norm.default y 2 -> f32 2 4 7 8\noutput z");
  const std::optional<GeneralGraph> graph =
      in_channels_last(*generalise(c.problem, GraphForm::exported), Language::cpp);
  ASSERT_TRUE(graph);
  EXPECT_EQ(partition(*graph, Fusing::full).groups, (std::vector<NodeSet>{{2}, {3}}));
}

TEST(Lower, ComputesWhatTheOperatorsMean) {
  const Case c = parse(rms);
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Region region = *lower(*graph, {0, 1, 2, 3});
  Memory memory{{"x", numbers(60)}};
  interpret(region, memory, 0);
  for (std::size_t b = 0; b < 3; ++b)
    for (std::size_t i = 0; i < 4; ++i) {
      double squares = 0;
      for (std::size_t k = 0; k < 5; ++k) squares += std::pow(memory["x"][b * 20 + k * 4 + i], 2);
      for (std::size_t k = 0; k < 5; ++k)
        EXPECT_NEAR(memory["d"].at(b * 20 + k * 4 + i), memory["x"][b * 20 + k * 4 + i] / std::sqrt(squares / 5),
                    1e-12);
    }
}

TEST(Lower, GivesTheFirstPositionAndNaNBeforeAll) {
  const Case c = parse("input x f32 3 4\na = aten.argmax.default x 1 -> i64 3\noutput a");
  const auto graph = generalise(c.problem, GraphForm::exported);
  Memory memory{{"x", {1, 5, 5, 2, 0, NAN, 9, NAN, -INFINITY, -INFINITY, -INFINITY, -INFINITY}}};
  interpret(*lower(*graph, {0}), memory, 0);
  EXPECT_EQ(memory["a"], (std::vector<double>{1, 1, 0}));
}

TEST(Lower, PutsAxesThatNothingTellsApartTogether) {
  const Case c = parse("input x f32 3 5 4\nr = aten.relu.default x -> f32 3 5 4\noutput r");
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Region region = *lower(*graph, {0});
  ASSERT_EQ(region.axes.size(), 1U);
  EXPECT_EQ(region.axes[0].extent.values[0], 60);
}

TEST(Lower, RefusesATensorPlusItsTranspose) {
  const Case c =
      parse("input x f32 4 4\nt = aten.t.default x -> f32 4 4\na = aten.add.Tensor x t -> f32 4 4\noutput a");
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_FALSE(lower(*graph, {0, 1}));
}

TEST(Lower, RefusesReductionsOverDifferentDimensions) {
  const Case c = parse(
      "input x f32 4 5\na = aten.sum.dim_IntList x [0] -> f32 5\nb = aten.sum.dim_IntList x [1] -> f32 4\noutput a b");
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_FALSE(lower(*graph, {0, 1}));
}

TEST(Lower, RefusesANumberThatIsReducedBesideColumns) {
  const Case c = parse(
      "input x f32 48 96\ninput z f32 48\ns = aten.sum.dim_IntList x [0] -> f32 96\n"
      "t = aten.sum.dim_IntList z [0] -> f32\noutput s t\n");
  const GeneralGraph graph = *generalise(c.problem, GraphForm::exported);
  EXPECT_TRUE(lower(graph, {0}));
  EXPECT_TRUE(lower(graph, {1}));
  EXPECT_FALSE(lower(graph, {0, 1}));
}

TEST(Lower, RefusesResultsThatShareNoLoop) {
  // Each would be stored once for every element of the other one.
  const Case c = parse(
      "input x f32 40 50\ninput y f32 60 50\na = aten.neg.default x -> f32 40 50\nb = aten.exp.default y -> f32 60 50\n"
      "output a b");
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_FALSE(lower(*graph, {0, 1}));
  const Case one_within = parse(
      "input x f32 40 50\ninput y f32 50\na = aten.neg.default x -> f32 40 50\nb = aten.exp.default y -> f32 50\n"
      "s = aten.add.Tensor a b -> f32 40 50\noutput s b");
  EXPECT_TRUE(lower(*generalise(one_within.problem, GraphForm::exported), {0, 1, 2}))
      << "a loop over all has the other";
}

TEST(Properties, ChainsOfPointwiseAndReductionsLowerFuseAndPassLint) {
  EXPECT_TRUE(rc::check("any chain", [] {
    const int rank = *rc::gen::inRange(1, 4);
    std::vector<std::int64_t> shape;
    for (int d = 0; d < rank; ++d) shape.push_back(*rc::gen::inRange(1, 40));
    const auto text_of = [](const std::vector<std::int64_t>& s) {
      std::string t;
      for (const std::int64_t d : s) t += " " + std::to_string(d);
      return t;
    };
    std::string text = "input x f32" + text_of(shape) + "\n", last = "x";
    std::vector<std::int64_t> now = shape;
    const int length = *rc::gen::inRange(1, 7);
    for (int i = 0; i < length; ++i) {
      const std::string name = "n" + std::to_string(i);
      switch (*rc::gen::inRange(0, 5)) {
        case 0:
          text += name + " = aten.relu.default " + last;
          break;
        case 1:
          text += name + " = aten.mul.Tensor " + last + " 0.5";
          break;
        case 2:
          text += name + " = aten.add.Tensor " + last + " x";
          break;  // broadcasts after a reduction
        case 3:
          text += name + " = aten.sigmoid.default " + last;
          break;
        default: {
          const int dim = *rc::gen::inRange(0, rank);
          text += name + " = aten.amax.default " + last + " [" + std::to_string(dim) + "] true";
          now[static_cast<std::size_t>(dim)] = 1;
        }
      }
      if (text.find("aten.add", text.rfind('\n')) != std::string::npos) now = shape;  // the sum has x's shape again
      text += " -> f32" + text_of(now) + "\n";
      last = name;
    }
    const Case c = parse(text + "output " + last);
    const auto graph = generalise(c.problem, GraphForm::exported);
    RC_ASSERT(graph.has_value());
    Memory memory{{"x", numbers(static_cast<std::size_t>(c.problem.workloads[0].tensors[0].spec.numel()))}};
    std::vector<double> expected;
    for (const Fusing fusing : {Fusing::none, Fusing::full}) {
      const Result<Recipe> recipe = make_recipe(*graph, GraphForm::exported, partition(*graph, fusing), CacheFacts{});
      RC_ASSERT(recipe.has_value());
      const Result<Candidate> candidate = write_candidate(c.problem, *graph, *recipe, {});
      RC_ASSERT(candidate.has_value());
      RC_ASSERT(fault(*candidate, c.problem) == "");
      const Result<Recipe> gpu = make_recipe(*graph, GraphForm::exported, partition(*graph, fusing), gpu_facts());
      RC_ASSERT(gpu.has_value());
      const Result<Candidate> kernels = write_candidate(c.problem, *graph, *gpu, {});
      RC_ASSERT(kernels.has_value());
      RC_ASSERT(fault(*kernels, c.problem) == "");
      if (library_calls(*graph, recipe->partition) > 0) continue;
      const auto got = run(*graph, *recipe, memory)[last];
      if (expected.empty()) expected = got;
      RC_ASSERT(got.size() == expected.size());
      for (std::size_t i = 0; i < got.size(); ++i) RC_ASSERT(std::abs(got[i] - expected[i]) < 1e-9);
    }
  }));
}

}  // namespace
}  // namespace kerf
