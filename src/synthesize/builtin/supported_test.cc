#include "synthesize/builtin/supported.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "candidate/expression.h"
#include "synthesize/builtin/lowering.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

// Of a graph with an intermediate result `a`, in two workloads that differ in their rows.
struct Two {
  Case parsed = with_rows("6");
  GeneralGraph graph;
  TensorNames names;
  Two() : graph(understood()), names(parsed.problem.workloads.at(0), graph) {}

  static Case with_rows(const std::string& n) {
    return parse("input x f32 " + n + " 8\na = aten.exp.default x -> f32 " + n + " 8\nb = aten.neg.default a -> f32 " +
                 n + " 8\noutput b");
  }
  GeneralGraph understood() {
    parsed.problem.workloads.push_back(with_rows("5").problem.workloads[0]);
    return *generalise(parsed.problem, GraphForm::exported);
  }
  [[nodiscard]] std::string said(const std::vector<Requirement>& requirements) const {
    return supported(parsed.problem, graph, requirements, names);
  }
};

const std::string rows_of_x = placeholder({"x", 0}) + ".shape[0]", rows_of_a = placeholder({"a", 0}) + ".shape[0]";

TEST(Supported, IsNothingWhereNothingIsReliedOn) { EXPECT_EQ(Two().said({}), ""); }

TEST(Supported, SaysWhatIsReliedOnOfInputs) {
  EXPECT_EQ(Two().said({{.text = rows_of_x + " < 7", .holds = {true, true}}}), "x.shape[0] < 7");
}

// Plans cannot ask for the size of what no step has made.
TEST(Supported, AdmitsByTheShapesOfInputsWhereIntermediateResultsTell) {
  EXPECT_EQ(Two().said({{.text = rows_of_a + " < 7", .holds = {true, true}}}),
            "(x.shape[0] == 6 and x.shape[1] == 8 or x.shape[0] == 5 and x.shape[1] == 8)");
  EXPECT_EQ(Two().said({{.text = rows_of_a + " > 5", .holds = {true, false}}}),
            "(x.shape[0] == 6 and x.shape[1] == 8)");
}

TEST(Supported, AdmitsByShapesAloneWhereTheWordsWouldBeTooMany) {
  std::vector<Requirement> many;
  for (int n = 1000; many.size() * 10 < max_expression_bytes; ++n)
    many.push_back({.text = rows_of_x + " < " + std::to_string(n), .holds = {true, true}});
  EXPECT_EQ(Two().said(many), "(x.shape[0] == 6 and x.shape[1] == 8 or x.shape[0] == 5 and x.shape[1] == 8)");
}

}  // namespace
}  // namespace kerf
