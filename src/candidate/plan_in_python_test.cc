#include "candidate/plan_in_python.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "candidate/case_reader.h"

namespace kerf {
namespace {

PlanArgument text(const char* of) { return {.is = Located{of, {}}}; }
PlanArgument value(Value of) { return {.is = std::move(of)}; }

class PlanInPythonTest : public testing::Test {
 protected:
  static Workload workload() {
    CandidateCase read;
    EXPECT_TRUE(
        read_case("//: input x f32[6, 8]\n//: parameter layer.weight f32[8]\n//: output f32[6, 8]\n"
                  "//: init hidden.size 8\n",
                  read));
    return read.workload;
  }
  static Plan plan() {
    Plan made;
    made.tune.emplace_back(Located{"tile", {}}, std::vector<Value>{Value{std::int64_t{8}}});
    made.loops.emplace_back(Located{"t", {}}, PlanArgument{.is = Value{std::int64_t{4}}});
    made.scratch.push_back({.name = "sums"});
    made.steps.push_back({.out = {Located{"_", {}}, Located{"kept", {}}}});
    return made;
  }

  PlanInPython python{plan(), workload()};
};

TEST_F(PlanInPythonTest, ExpressionsArePythonButForNamesAndFunctions) {
  EXPECT_EQ(python.translate("cdiv(x.shape[0], tile) * 2"), "_cdiv(x.shape[0], tile) * 2");
  EXPECT_EQ(python.translate("numel(x) + min(t, 3)"), "_numel(x) + min(t, 3)");
  EXPECT_EQ(python.translate("true and not false"), "True and not False");
  EXPECT_EQ(python.translate("1e-05 * f32(2)"), "1e-05 * _f32(2)");
}

TEST_F(PlanInPythonTest, StridesAreCallsInPyTorch) {
  EXPECT_EQ(python.translate("x.stride[1]"), "x.stride()[1]");
  EXPECT_EQ(python.translate("x.dtype"), "_dtype(x)");
}

TEST_F(PlanInPythonTest, NamesWithDotsAreOneVariable) {
  EXPECT_EQ(python.translate("layer.weight.shape[0]"), "layer_weight.shape[0]");
  EXPECT_EQ(python.translate("init.hidden.size + 1"), "init_hidden_size + 1");
}

TEST_F(PlanInPythonTest, TextInQuotesIsLeftAlone) { EXPECT_EQ(python.translate("'x' == \"tile\""), "'x' == \"tile\""); }

TEST_F(PlanInPythonTest, RemembersWhatWasUsed) {
  (void)python.translate("x.shape[0] * tile");
  EXPECT_TRUE(python.used("x"));
  EXPECT_TRUE(python.used("tile"));
  EXPECT_FALSE(python.used("t"));
  EXPECT_EQ(python.name("t"), "t");
  EXPECT_FALSE(python.used("t")) << "who asks for a name has not used it";
}

TEST_F(PlanInPythonTest, OnlyOutputsAndScratchAreThereBeforeAStepGivesThem) {
  EXPECT_TRUE(python.is_target("out"));
  EXPECT_TRUE(python.is_target("sums"));
  EXPECT_FALSE(python.is_target("kept"));
  EXPECT_FALSE(python.is_target("x"));
}

TEST_F(PlanInPythonTest, ALaunchIsGivenItsThreadTensorsAndNumbers) {
  EXPECT_EQ(python.launch_argument(text("thread")), "_kerf_thread");
  EXPECT_EQ(python.launch_argument(text("x")), "x");
  EXPECT_EQ(python.launch_argument(text("x.shape[0]")), "x.shape[0]");
  EXPECT_EQ(python.launch_argument(value({std::int64_t{3}})), "3");
}

TEST_F(PlanInPythonTest, ACallIsGivenDtypesFormatsAndWordsOfItsOperator) {
  EXPECT_EQ(python.call_argument(text("kept")), "kept");
  EXPECT_EQ(python.call_argument(text("bf16")), "_torch.bfloat16");
  EXPECT_EQ(python.call_argument(text("x.dtype")), "x.dtype");
  EXPECT_EQ(python.call_argument(text("channels_last")), "_torch.channels_last");
  EXPECT_EQ(python.call_argument(text("it's tanh")), R"("it's tanh")") << "no expression: a word";
  EXPECT_EQ(python.call_argument({.is = PlanArgumentList{text("x"), value({true}), text("none")}}), "[x, True, None]");
}

// Names that a plan may give and Python, or we, would read as something else.
std::string variable(const char* plan_name) {
  Plan plan;
  plan.scratch.push_back({.name = plan_name});
  return PlanInPython(plan, {}).name(plan_name);
}

TEST(NamesInPython, AreNeitherPythonsNorOursNorNumbers) {
  EXPECT_EQ(variable("lambda"), "lambda_");
  EXPECT_EQ(variable("range"), "range_") << "loops call it";
  EXPECT_EQ(variable("_torch"), "torch") << "ours begin with an underscore";
  EXPECT_EQ(variable("__"), "t");
  EXPECT_EQ(variable("_1"), "t1");
  EXPECT_EQ(variable("__2nd"), "t2nd");
}

TEST(NamesInPython, AreNotAlikeWhereTheirPlansNamesAreNot) {
  Plan plan;
  for (const char* name : {"a.b", "a_b", "_a_b"}) plan.scratch.push_back({.name = name});
  const PlanInPython python(plan, {});
  EXPECT_EQ(python.name("a.b"), "a_b");
  EXPECT_EQ(python.name("a_b"), "a_b_");
  EXPECT_EQ(python.name("_a_b"), "a_b__");
}

}  // namespace
}  // namespace kerf
