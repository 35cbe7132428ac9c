// The real oracle on small problem files (tests/cases/problems). A file whose first line is "# error: TEXT" must fail
// with that text in a user error of one line; "# refused: TEXT" must not be admitted, with that text as the reason.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "evaluate/profile/torch_trace.h"
#include "oracle_fixture.h"

namespace kerf {
namespace {

using namespace testing_oracle;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// One oracle for all tests that do not hurt it: starting one costs seconds.
class OracleTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { shared_ = make_oracle(test_options()); }
  static void TearDownTestSuite() { shared_.reset(); }
  static Oracle& oracle() { return *shared_; }
  static Understood admit(const Problem& problem, int variants = 0) {
    auto understood = oracle().admit(problem, variants);
    EXPECT_TRUE(understood.has_value()) << understood.error().message;
    return understood.value_or(Understood{});
  }
  static Trial draw(const Understood& understood, const std::string& distribution = "own", std::uint64_t seed = 7) {
    auto trial = oracle().draw({.workload = understood.workloads.at(0).id,
                                .distribution = distribution,
                                .seed = seed,
                                .placement = Placement::back});
    EXPECT_TRUE(trial.has_value()) << trial.error().message;
    return std::move(trial).value_or(Trial{});
  }
  static std::unique_ptr<Oracle> shared_;
};

std::unique_ptr<Oracle> OracleTest::shared_;

float* floats(Arena& arena, std::size_t tensor) {
  return reinterpret_cast<float*>(arena.memory.bytes().data() + arena.tensors[tensor].offset);
}

TEST_F(OracleTest, NamesEverythingThatAPlanCanName) {
  const Understood understood = admit(problem_named("row_softmax"));
  const Workload& workload = understood.workloads.at(0);
  std::vector<std::string> names;
  for (const auto& tensor : workload.tensors) names.push_back(tensor.name + ":" + to_string(tensor.role));
  EXPECT_THAT(names, ElementsAre("x:input", "pair.0:input", "pair.1:input", "weight:parameter", "mask:buffer"));
  EXPECT_EQ(workload.find("x")->drawn, "rand");
  EXPECT_EQ(workload.find("pair.0")->drawn, "randn");
  ASSERT_EQ(workload.init.size(), 2U);
  EXPECT_EQ(workload.init[0], std::pair(std::string("dim"), Value{std::int64_t{1}}));
  EXPECT_EQ(workload.init[1], std::pair(std::string("scale"), Value{2.0}));
  EXPECT_EQ(workload.outputs.size(), 2U);
  EXPECT_EQ(workload.outputs[0].shape, (std::vector<std::int64_t>{16, 1000}));
  EXPECT_THAT(understood.module_sizes, Contains(std::pair(std::string("features"), Value{std::int64_t{1000}})));
  EXPECT_THAT(understood.module_sizes, Contains(std::pair(std::string("height"), Value{std::int64_t{24}})));
}

TEST_F(OracleTest, TracesInPlaceOperatorsAsTheirFunctionalTwins) {
  const Understood understood = admit(problem_named("row_softmax"));
  std::vector<std::string> ops;
  for (const auto& node : understood.workloads.at(0).exported.nodes) ops.push_back(node.op);
  EXPECT_THAT(ops, Contains("aten.relu.default"));
  EXPECT_THAT(ops, Not(Contains("aten.relu_.default")));
}

TEST_F(OracleTest, TracesWhatABaselineDoes) {
  const Understood understood = admit(problem_named("row_softmax"));
  const auto text = oracle().trace_baseline(understood.workloads.at(0).id, Baseline::eager);
  ASSERT_TRUE(text) << text.error().message;
  const auto trace = read_torch_trace(*text);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->launches, 0) << "there is no GPU here";
  EXPECT_GT(trace->host_us, 0);
  ASSERT_FALSE(trace->operators.empty());
  EXPECT_TRUE(std::ranges::any_of(trace->operators, [](const TorchTrace::Operator& op) {
    return op.name.find("softmax") != std::string::npos && op.us > 0;
  }));
  const auto unknown = oracle().trace_baseline("never admitted", Baseline::eager);
  ASSERT_FALSE(unknown);
}

TEST_F(OracleTest, TracesTheKernelsThatTorchCompileMakes) {
  const Understood understood = admit(problem_named("row_softmax"));
  const auto text = oracle().trace_baseline(understood.workloads.at(0).id, Baseline::compile);
  ASSERT_TRUE(text) << text.error().message;
  const auto trace = read_torch_trace(*text);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_TRUE(std::ranges::any_of(trace->operators, [](const TorchTrace::Operator& op) {
    return op.name.find("cpp_fused") != std::string::npos && op.name.find("softmax") != std::string::npos && op.us > 0;
  })) << "each of its own, not the graph as one";
  EXPECT_EQ(std::ranges::count(trace->operators, compiled_graph, &TorchTrace::Operator::name), 1);
}

TEST_F(OracleTest, MarksWhatOnlyUpdatesABuffer) {
  const Understood understood = admit(problem_named("batch_norm"));
  int updates = 0;
  for (const auto& node : understood.workloads.at(0).exported.nodes) updates += node.mutates_buffer ? 1 : 0;
  EXPECT_EQ(updates, 1);
}

// Core ATen unrolls a recurrent layer; where that would explode the model is one library call.
TEST_F(OracleTest, UnderstandsAModelThatIsNotDecomposed) {
  const Understood understood = admit(problem_named("gru"));
  EXPECT_TRUE(understood.admission.admitted) << understood.admission.refused;
  std::vector<std::string> ops;
  for (const auto& node : understood.workloads.at(0).exported.nodes) ops.push_back(node.op);
  EXPECT_THAT(ops, Contains("aten.gru.input"));
}

TEST_F(OracleTest, OverridesTheNamedPartOfATupleAlone) {
  Problem problem = problem_named("row_softmax");
  problem.sizes = {{"height", Value{std::int64_t{5}}}, {"rows", Value{std::int64_t{3}}}};
  const Understood understood = admit(problem);
  EXPECT_EQ(understood.workloads.at(0).find("pair.0")->spec.shape, (std::vector<std::int64_t>{5, 32}));
  EXPECT_EQ(understood.workloads.at(0).find("x")->spec.shape, (std::vector<std::int64_t>{3, 1000}));
}

TEST_F(OracleTest, SaysWhichNamesCanBeSet) {
  Problem problem = problem_named("row_softmax");
  problem.sizes = {{"depth", Value{std::int64_t{5}}}};
  const auto understood = oracle().admit(problem, 0);
  ASSERT_FALSE(understood.has_value());
  EXPECT_EQ(understood.error().kind, ErrorKind::user);
  EXPECT_THAT(understood.error().message, HasSubstr("depth is not assigned"));
  EXPECT_THAT(understood.error().message, HasSubstr("features"));
}

TEST_F(OracleTest, FindsHiddenVariantsOfOddSizes) {
  const Understood understood = admit(problem_named("relu_of_rand"), 2);
  ASSERT_EQ(understood.workloads.size(), 3U);
  for (std::size_t i = 1; i < 3; ++i) {
    const Workload& variant = understood.workloads[i];
    EXPECT_NE(variant.id, understood.workloads[0].id);
    EXPECT_EQ(variant.outputs[0].shape[0] % 2, 1) << i;
    EXPECT_FALSE(variant.exported.nodes.empty());
    EXPECT_LT(variant.bytes, understood.workloads[0].bytes);
    auto trial = oracle().draw({.workload = variant.id, .distribution = "own", .seed = 1});
    ASSERT_TRUE(trial.has_value()) << trial.error().message;
    EXPECT_EQ(trial->arena.tensors.at(0).spec.shape, variant.outputs[0].shape);
    oracle().forget(trial->id);
  }
}

TEST_F(OracleTest, JudgesOnInputsThatTellWhereTheFilesOwnAreFooled) {
  const Understood understood = admit(problem_named("relu_of_rand"));
  EXPECT_TRUE(understood.admission.admitted);
  EXPECT_THAT(understood.admission.fooled_by_own_inputs, Contains("a copy of input x"));
  EXPECT_THAT(understood.admission.distributions, Contains("signed"));
  Trial trial = draw(understood, "signed");
  Arena outputs = outputs_of(understood.workloads[0]);
  const auto count = static_cast<std::size_t>(outputs.tensors[0].spec.numel());
  std::memcpy(floats(outputs, 0), floats(trial.arena, 0), count * sizeof(float));
  auto copied = oracle().judge(trial, outputs, 0, false);
  ASSERT_TRUE(copied.has_value()) << copied.error().message;
  EXPECT_FALSE(copied->right);
  for (std::size_t i = 0; i < count; ++i) floats(outputs, 0)[i] = std::max(0.0F, floats(trial.arena, 0)[i]);
  auto right = oracle().judge(trial, outputs, 0, false);
  ASSERT_TRUE(right.has_value());
  EXPECT_TRUE(right->right);
}

TEST_F(OracleTest, DescribesTheWrongElements) {
  const Understood understood = admit(problem_named("relu_of_rand"));
  Trial trial = draw(understood);
  Arena outputs = outputs_of(understood.workloads[0]);
  const auto count = static_cast<std::size_t>(outputs.tensors[0].spec.numel());
  const std::uint64_t sentinel = 0x3f80000140000002ULL;  // finite in both halves
  for (std::size_t i = 0; i < count; ++i) floats(outputs, 0)[i] = std::max(0.0F, floats(trial.arena, 0)[i]);
  for (std::size_t i = 512 * 3 + 500; i < 512 * 4; ++i) {  // the tail of row 3 is left unwritten
    const auto half = static_cast<std::uint32_t>(i % 2 == 0 ? sentinel : sentinel >> 32);
    std::memcpy(&floats(outputs, 0)[i], &half, sizeof half);
  }
  auto judged = oracle().judge(trial, outputs, sentinel, false);
  ASSERT_TRUE(judged.has_value()) << judged.error().message;
  const OutputJudgement& out = judged->outputs.at(0);
  EXPECT_FALSE(out.right);
  EXPECT_EQ(out.wrong, 12);
  EXPECT_EQ(out.unwritten, 12);
  EXPECT_THAT(out.first_wrong, ElementsAre(3, 500));
  EXPECT_THAT(out.box, ElementsAre(std::pair<std::int64_t, std::int64_t>(3, 3),
                                   std::pair<std::int64_t, std::int64_t>(500, 511)));
  floats(outputs, 0)[0] = std::numeric_limits<float>::quiet_NaN();
  judged = oracle().judge(trial, outputs, sentinel, false);
  ASSERT_TRUE(judged.has_value());
  EXPECT_EQ(judged->outputs[0].nonfinite, 1);
  EXPECT_THAT(judged->outputs[0].first_wrong, ElementsAre(0, 0));
}

TEST_F(OracleTest, ComputesTheTruthAnewWhereInputsChanged) {
  const Understood understood = admit(problem_named("relu_of_rand"));
  Trial trial = draw(understood);
  Arena outputs = outputs_of(understood.workloads[0]);
  const auto count = static_cast<std::size_t>(outputs.tensors[0].spec.numel());
  floats(trial.arena, 0)[7] = 3.5F;
  for (std::size_t i = 0; i < count; ++i) floats(outputs, 0)[i] = std::max(0.0F, floats(trial.arena, 0)[i]);
  auto judged = oracle().judge(trial, outputs, 0, true);
  ASSERT_TRUE(judged.has_value());
  EXPECT_TRUE(judged->right);
  floats(trial.arena, 0)[7] = -3.5F;
  judged = oracle().judge(trial, outputs, 0, true);
  ASSERT_TRUE(judged.has_value());
  EXPECT_EQ(judged->outputs.at(0).wrong, 1);
}

TEST_F(OracleTest, PerturbsParametersFromTrialToTrial) {
  const Understood understood = admit(problem_named("row_softmax"));
  Trial a = draw(understood, "own", 1), b = draw(understood, "own", 2), again = draw(understood, "own", 1);
  EXPECT_NE(floats(a.arena, 3)[0], floats(b.arena, 3)[0]);
  EXPECT_EQ(floats(a.arena, 3)[0], floats(again.arena, 3)[0]);
  EXPECT_EQ(floats(a.arena, 0)[0], floats(again.arena, 0)[0]);
  EXPECT_EQ(floats(a.arena, 4)[1], 0) << "masks are kept";
  for (const Trial* trial : {&a, &b, &again}) oracle().forget(trial->id);
}

TEST_F(OracleTest, TimesEagerOnTheTrialsTensors) {
  const Understood understood = admit(problem_named("row_softmax"));
  const Trial trial = draw(understood);
  const auto ready = oracle().prepare_baseline(trial.workload, Baseline::eager, false);
  ASSERT_TRUE(ready.has_value()) << ready.error().message;
  for (const bool cold : {true, false}) {
    const auto us = oracle().time_baseline(trial, Baseline::eager, cold);
    ASSERT_TRUE(us.has_value()) << us.error().message;
    EXPECT_GT(*us, 1.0);
    EXPECT_LT(*us, 1e6);
  }
}

TEST_F(OracleTest, AProblemThatPrintsDoesNotDisturbTheProtocol) {
  EXPECT_TRUE(admit(problem_named("prints")).admission.admitted);
}

TEST_F(OracleTest, AllowsADegenerateProblemWhenAsked) {
  Problem problem = problem_named("always_zero");
  problem.allow_degenerate = true;
  const Understood understood = admit(problem);
  EXPECT_TRUE(understood.admission.admitted);
  EXPECT_TRUE(understood.admission.degenerate);
}

TEST_F(OracleTest, EvalModeSettlesDropout) {
  Problem problem = problem_named("dropout");
  problem.mode = Mode::eval;
  const Understood understood = admit(problem);
  EXPECT_TRUE(understood.admission.admitted) << understood.admission.refused;
}

class BadProblem : public ::testing::TestWithParam<std::string> {};

TEST_P(BadProblem, GivesTheLineThatItsFirstLineNames) {
  static const auto shared = make_oracle(test_options());
  OracleOptions impatient = test_options();  // what never ends is waited for until the limit
  impatient.admit_limit = std::chrono::seconds(3);
  const auto own = GetParam() == "never_ends" ? make_oracle(impatient) : nullptr;
  Oracle& oracle = own ? *own : *shared;
  const Problem problem = problem_named(GetParam());
  const std::string first = problem.source.substr(0, problem.source.find('\n'));
  auto understood = oracle.admit(problem, 0);
  if (first.starts_with("# error: ")) {
    ASSERT_FALSE(understood.has_value());
    EXPECT_EQ(understood.error().kind, ErrorKind::user);
    EXPECT_THAT(understood.error().message, HasSubstr(first.substr(9)));
    EXPECT_THAT(understood.error().message, HasSubstr(GetParam() + ".py"));
    EXPECT_EQ(understood.error().message.find('\n'), std::string::npos);
  } else {
    ASSERT_TRUE(first.starts_with("# refused: ")) << first;
    ASSERT_TRUE(understood.has_value()) << understood.error().message;
    EXPECT_FALSE(understood->admission.admitted);
    EXPECT_THAT(understood->admission.refused, HasSubstr(first.substr(11)));
  }
}

std::vector<std::string> bad_problems() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(KERF_CASES "/problems")) {
    std::ifstream file(entry.path());
    std::string first;
    std::getline(file, first);
    if (first.starts_with("# error: ") || first.starts_with("# refused: ")) names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Problems, BadProblem, ::testing::ValuesIn(bad_problems()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace kerf
