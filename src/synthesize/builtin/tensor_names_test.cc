#include "synthesize/builtin/tensor_names.h"

#include <gtest/gtest.h>

#include <string>

#include "synthesize/builtin/lowering.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

struct Named {
  Case parsed;
  GeneralGraph graph;
  TensorNames names;
  explicit Named(const std::string& text)
      : parsed(parse(text)),
        graph(*generalise(parsed.problem, GraphForm::exported)),
        names(parsed.problem.workloads.at(0), graph) {}
};

TEST(TensorNames, AreThoseOfTheGraphAsFarAsPlansHaveThem) {
  const Named of("input x f32 4\na.1 = aten.exp.default x -> f32 4\nb = aten.neg.default a.1 -> f32 4\noutput b");
  EXPECT_EQ(of.names.of({"x", 0}), "x");
  EXPECT_EQ(of.names.of({"a.1", 0}), "a_1") << "an identifier";
  EXPECT_EQ(of.names.of({"b", 0}), "out") << "plans call outputs so";
}

TEST(TensorNames, OfFurtherResultsAreNumbered) {
  Case c = parse("input x f32 4\na = aten.split.Tensor x 2 -> f32 2\nb = aten.neg.default a -> f32 2\noutput b");
  GraphNode& split = c.problem.workloads[0].exported.nodes[0];
  split.results.push_back(split.results[0]);
  const TensorNames names(c.problem.workloads[0], *generalise(c.problem, GraphForm::exported));
  EXPECT_EQ(names.of({"a", 0}), "a");
  EXPECT_EQ(names.of({"a", 1}), "a_1");
}

TEST(TensorNames, AreNoWordsOfPlans) {
  const Named of("input x f32 4\nmax = aten.exp.default x -> f32 4\nb = aten.neg.default max -> f32 4\noutput b");
  EXPECT_EQ(of.names.of({"max", 0}), "max_v2");
}

TEST(TensorNames, AreGivenOnce) {
  Named of("input x f32 4\na = aten.exp.default x -> f32 4\nb = aten.neg.default a -> f32 4\noutput b");
  for (const char* taken : {"x", "a", "out", "threads"}) EXPECT_FALSE(of.names.take(taken)) << taken;
  EXPECT_TRUE(of.names.take("BLOCK"));
  EXPECT_FALSE(of.names.take("BLOCK"));
  EXPECT_EQ(of.names.kernel("a"), "a_kernel");
  EXPECT_EQ(of.names.kernel("a"), "a_kernel_");
  EXPECT_EQ(of.names.kernel("nothing of the graph"), "kernel_kernel");
}

TEST(TensorNames, StandWherePlaceholdersDid) {
  const Named of("input x f32 4\na = aten.exp.default x -> f32 4\nb = aten.neg.default a -> f32 4\noutput b");
  EXPECT_EQ(of.names.resolve("2 * " + placeholder({"b", 0}) + ".shape[0] + " + placeholder({"x", 0}) + ".shape[1]"),
            "2 * out.shape[0] + x.shape[1]");
  EXPECT_EQ(of.names.resolve("cdiv(4, 2)"), "cdiv(4, 2)");
}

}  // namespace
}  // namespace kerf
