// The cost model: formulas against numbers worked out by hand, what has to hold of all of them, and what a search makes
// of it.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "candidate/plan.h"
#include "synthesize/builtin/builtin.h"
#include "synthesize/builtin/cost/formulas.h"
#include "synthesize/builtin/cost/gpu_formulas.h"
#include "synthesize/builtin/cost/recipe_cost.h"
#include "synthesize/builtin/forms.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

constexpr double mib = 1 << 20;

Region region_of(const std::string& text) {
  const Case c = parse(text);
  const Result<GeneralGraph> graph = generalise(c.problem, GraphForm::exported);
  NodeSet all(graph->nodes.size());
  std::iota(all.begin(), all.end(), 0);
  Result<Region> region = lower(*graph, all);
  EXPECT_TRUE(region) << region.error().message;
  return *std::move(region);
}

Region relu(std::int64_t rows) {
  return region_of(fmt::format("input x f32 {0} 1024\ny = aten.relu.default x -> f32 {0} 1024\noutput y", rows));
}
Region softmax(std::int64_t columns) {
  return region_of(fmt::format("input x f32 64 {0}\ny = aten.softmax.int x 1 -> f32 64 {0}\noutput y", columns));
}

MachineModel machine(std::int64_t threads = 2) {
  MachineModel made;
  made.caches = {
      .language = Language::cpp, .threads = threads, .l1_bytes = 32 << 10, .l2_bytes = 1 << 20, .l3_bytes = 32 << 20};
  return made;
}

Schedule rows_schedule() {
  Schedule s;
  s.sketch = Sketch::rows;
  s.block = {16384};
  return s;
}

TEST(Formulas, OfAPointwiseKernelAreOneReadAndOneWrite) {
  Schedule s;
  s.block = {32768};
  s.streaming = true;
  const Work around = work_of(relu(1024), s, machine());
  EXPECT_EQ(around.launches, 1);
  EXPECT_EQ(around.tasks, 32);
  EXPECT_EQ(around.uneven, 1);
  EXPECT_EQ(around.read, 4 * mib);
  EXPECT_EQ(around.streamed, 4 * mib);
  EXPECT_EQ(around.written, 0);
  EXPECT_EQ(around.operations, 65536 * 3);  // a load, a maximum, a store for 16 elements
  EXPECT_EQ(around.functions, 0);
  EXPECT_EQ(around.again_l1 + around.again_l2 + around.again_l3 + around.again_memory, 0);
  s.streaming = false;
  const Work through = work_of(relu(1024), s, machine());
  EXPECT_EQ(through.written, 4 * mib);
  EXPECT_EQ(through.streamed, 0);
}

TEST(Formulas, OfRowsCountWhatLaterPassesReadAgainAndFromWhere) {
  // A maximum, a sum of exponentials, a pass that stores; each reads the row.
  const Work in_l1 = work_of(softmax(4096), rows_schedule(), machine());
  EXPECT_EQ(in_l1.read, mib);
  EXPECT_EQ(in_l1.again_l1, 2 * mib);
  EXPECT_EQ(in_l1.tasks, 16);  // 16,384 elements are four rows
  const Work in_l2 = work_of(softmax(65536), rows_schedule(), machine());
  EXPECT_EQ(in_l2.again_l2, 32 * mib);
  EXPECT_EQ(in_l2.again_l1, 0);
  const Work in_memory = work_of(softmax(1 << 23), rows_schedule(), machine());
  EXPECT_EQ(in_memory.again_memory, 2 * 2048 * mib);
}

TEST(Formulas, WhatIsKeptIsNotComputedAgain) {
  Schedule s = rows_schedule();
  const Work twice = work_of(softmax(2048), s, machine());
  s.keep = true;
  const Work once = work_of(softmax(2048), s, machine());
  const double rounds = 64 * 2048 / 16.0;
  EXPECT_EQ(twice.functions - once.functions, rounds * cost(Op::exp));
  EXPECT_EQ(once.again_l1, twice.again_l1);  // the exponential instead of the row
  s.keep = false;
  s.joint = true;
  const std::vector<CountedPass> passes = counted_passes(softmax(2048), s);
  EXPECT_EQ(passes.size(), 2U);
}

TEST(Formulas, FewAccumulatorsWait) {
  const Region sum = region_of("input x f32 64 4096\ny = aten.sum.dim_IntList x [1] -> f32 64\noutput y");
  Schedule s = rows_schedule();
  s.accumulators = 1;
  // An addition takes four cycles, and there are a load and an addition to do meanwhile.
  EXPECT_EQ(work_of(sum, s, machine()).waiting, 64.0 * 256 * 2);
  s.accumulators = 2;
  EXPECT_EQ(work_of(sum, s, machine()).waiting, 0);
}

TEST(Formulas, TasksAreDealtOut) {
  EXPECT_EQ(unevenness(4, 2), 1);
  EXPECT_DOUBLE_EQ(unevenness(3, 2), 4.0 / 3);
  EXPECT_EQ(unevenness(1, 8), 8);
  EXPECT_EQ(unevenness(1, 1), 1);
}

TEST(Formulas, OfPassesThatAreSplitHaveALaunchEach) {
  Schedule s;
  s.sketch = Sketch::split;
  s.block = {1024};
  const Work work = work_of(softmax(4096), s, machine());
  EXPECT_EQ(work.launches, 3);
  EXPECT_EQ(work.tasks, 3 * 64 * 4);
}

TEST(Formulas, OfAnSmCountWhatItsRegistersHold) {
  MachineModel gpu = machine_model({{"gpu", {{"sms", 132}}}}, Language::cuda);
  EXPECT_EQ(occupancy_of(32, 256, gpu), 1);
  EXPECT_EQ(occupancy_of(64, 256, gpu), 0.5);    // 65,536 registers are four blocks of 256 threads with 64 each
  EXPECT_EQ(occupancy_of(255, 1024, gpu), 0.5);  // one block, whatever it takes
  Schedule s;
  s.block = {256};
  s.width = 4;
  s.unroll = 2;
  const Work work = work_of(relu(16384), s, gpu);
  EXPECT_EQ(work.tasks, 16384.0 * 1024 / (256 * 8));
  EXPECT_EQ(work.read, 64 * mib);
  EXPECT_EQ(work.occupancy, 1);
  EXPECT_EQ(work.in_flight, 2048 * 8 * 4);  // 2,048 threads, eight floats each
  EXPECT_EQ(gpu_memory_efficiency(work), 1);
}

RC_GTEST_PROP(FormulasProperty, MoreBytesNeverTakeLess, ()) {
  const auto rows = *rc::gen::inRange<std::int64_t>(1, 4096);
  const auto more = rows + *rc::gen::inRange<std::int64_t>(1, 4096);
  Schedule s;
  s.block = {*rc::gen::element<std::int64_t>(1024, 8192, 32768)};
  s.streaming = *rc::gen::arbitrary<bool>();
  const auto seconds = [&](std::int64_t n) {
    Work work = work_of(relu(n), s, machine());
    work.uneven = 1;  // more tasks may be dealt out more evenly
    return seconds_of(work, {.memory = work.read}, machine());
  };
  RC_ASSERT(seconds(rows) < seconds(more));
}

RC_GTEST_PROP(FormulasProperty, AFasterMachineIsNeverSlower, ()) {
  const Region region = softmax(*rc::gen::element<std::int64_t>(256, 4096, 65536));
  MachineModel slow = machine();
  MachineModel fast = slow;
  const auto times = 1 + 0.1 * *rc::gen::inRange(0, 40);
  switch (*rc::gen::inRange(0, 3)) {
    case 0:
      fast.memory_read *= times;
      break;
    case 1:
      fast.vectors *= times;
      break;
    default:
      fast.l2_read *= times;
  }
  Schedule s = rows_schedule();
  s.keep = *rc::gen::arbitrary<bool>();
  const Work work = work_of(region, s, slow);
  const Traffic traffic{.memory = work.read};
  RC_ASSERT(seconds_of(work_of(region, s, fast), traffic, fast) <= seconds_of(work, traffic, slow));
}

// --- recipes --------------------------------------------------------------------------------------------------------

const char* const chain = R"(input x f32 4096 1024
a = aten.exp.default x -> f32 4096 1024
b = aten.add.Tensor a x -> f32 4096 1024
c = aten.tanh.default b -> f32 4096 1024
output c)";

const char* const norm = R"(input x f32 2048 1024
input y f32 2048 1024
a = aten.add.Tensor x y -> f32 2048 1024
m = aten.mean.dim a [1] true -> f32 2048 1
d = aten.sub.Tensor a m -> f32 2048 1024
q = aten.pow.Tensor_Scalar d 2 -> f32 2048 1024
v = aten.mean.dim q [1] true -> f32 2048 1
r = aten.rsqrt.default v -> f32 2048 1
n = aten.mul.Tensor d r -> f32 2048 1024
z = aten.tanh.default n -> f32 2048 1024
output z)";

const char* const mixed = R"(input x f32 64 256
parameter w f32 128 256
h = aten.linear.default x w -> f32 64 128
v = aten.view.default h [32, 256] -> f32 32 256
s = aten.softmax.int v 1 -> f32 32 256
r = aten.relu.default s -> f32 32 256
output r)";

struct ChainTest : testing::Test {
  GeneralGraph graph = *generalise(parse(chain).problem, GraphForm::exported);
  MachineModel model = machine();
  RecipeCosts costs{graph, model};
  [[nodiscard]] Recipe recipe(std::vector<NodeSet> groups) const {
    return *make_recipe(graph, GraphForm::exported, {.groups = std::move(groups)}, model.caches);
  }
};

TEST_F(ChainTest, WhatIsFusedIsGuessedToBeFaster) {
  const double fused = costs.of(recipe({{0, 1, 2}}))->seconds();
  const double apart = costs.of(recipe({{0}, {1}, {2}}))->seconds();
  EXPECT_LT(fused, apart);
  EXPECT_LT(apart, 4 * fused);
}

TEST_F(ChainTest, TheOrderOfGroupsDoesNotMatter) {
  const auto one = costs.of(recipe({{0}, {1, 2}})), other = costs.of(recipe({{1, 2}, {0}}));
  EXPECT_EQ(one->seconds(), other->seconds());
  for (std::size_t u = 0; u < 2; ++u) {
    EXPECT_EQ(one->units.at(u).operators, other->units.at(u).operators);
    EXPECT_EQ(one->units.at(u).features, other->units.at(u).features);
  }
}

TEST_F(ChainTest, WhatACacheHoldsUntilItIsReadCostsLess) {
  model.caches.l3_bytes = 1 << 30;
  RecipeCosts large(graph, model);
  MachineModel other = model;
  other.caches.l3_bytes = 2 << 20;
  RecipeCosts small(graph, other);
  Recipe r = recipe({{0}, {1, 2}});
  for (Schedule& s : r.schedules) s.streaming = false;
  EXPECT_LT(large.of(r)->seconds(), small.of(r)->seconds());
}

TEST_F(ChainTest, OfBlocksThatAreTunedTheFastestCounts) {
  Recipe r = recipe({{0, 1, 2}});
  const auto seconds = [&](std::vector<std::int64_t> block) {
    r.schedules[0].block = std::move(block);
    return costs.of(r)->seconds();
  };
  EXPECT_EQ(seconds({64, 4096}), std::min(seconds({64}), seconds({4096})));
  EXPECT_NE(seconds({64}), seconds({4096}));
}

// What was measured of a step is known to be of its unit because both are in the same order.
TEST(Recipes, HaveTheStepsOfTheirPlans) {
  for (const char* const text : {chain, norm, mixed}) {
    SynthesisRequest request;
    request.problem = std::make_shared<Understood>(parse(text).problem);
    const MachineModel model = machine_model({}, Language::cpp);
    for (request.seed = 0; request.seed < 30; ++request.seed) {
      std::optional<Proposal> got;
      make_random_synthesizer()->propose(request,
                                         [&](Result<std::optional<Proposal>> reply) { got = *std::move(reply); });
      ASSERT_TRUE(got);
      const auto formed = graph_in(*request.problem, form_of(got->recipe), Language::cpp);
      const auto cost = RecipeCosts(formed->graph, model).of(*recipe_from_json(got->recipe, formed->graph));
      const auto source = read_source(got->candidate);
      ASSERT_TRUE(cost && source) << got->candidate.text;
      std::size_t at = 0;
      for (const UnitCost& unit : cost->units) {
        for (std::size_t i = 0; i < unit.steps; ++i, ++at)
          EXPECT_EQ(source->plan.steps.at(at).kind == Step::Kind::call, unit.is_call()) << got->candidate.text;
      }
      EXPECT_EQ(at, source->plan.steps.size());
    }
  }
}

// --- in the synthesizer ---------------------------------------------------------------------------------------------

// A search that always builds on its best, where the formulas are the truth up to a law of one more feature. Returns
// the log times in the order in which they were measured.
std::vector<double> climb(std::optional<Correction> costs, std::uint64_t seed, int steps) {
  const auto problem = std::make_shared<Understood>(parse(norm).problem);
  const auto builtin = make_builtin_synthesizer(std::move(costs));
  const MachineModel model = machine_model({}, Language::cpp);
  const auto formed = graph_in(*problem, GraphForm::exported, Language::cpp);
  RecipeCosts truth(formed->graph, model);
  SynthesisRequest request;
  request.problem = problem;
  request.memory = MemoryOperator::inherit;
  std::vector<double> measured;
  // A kernel an operator, in small tasks that store through the caches.
  Recipe worst = *make_recipe(formed->graph, GraphForm::exported, partition(formed->graph, Fusing::none), model.caches);
  for (Schedule& s : worst.schedules) {
    s.block = {64};
    s.streaming = false;
  }
  Recalled best{.recipe = to_json(worst, formed->graph), .log_speedup = std::log(1e-2 / truth.of(worst)->seconds())};
  for (int i = 0; i < steps; ++i) {
    request.seed = seed * 1000 + static_cast<std::uint64_t>(i);
    request.ancestors = {best};
    std::optional<Proposal> got;
    builtin->propose(request, [&](Result<std::optional<Proposal>> reply) { got = *std::move(reply); });
    if (!got) break;
    request.tried.push_back(got->candidate.id());
    const double seconds = truth.of(*recipe_from_json(got->recipe, formed->graph))->seconds();
    measured.push_back(std::log(seconds));
    Evaluation evaluation;
    evaluation.verdict = Verdict::measured;
    evaluation.receipt.emplace();
    evaluation.receipt->time_us = {seconds * 1e6, seconds * 1e6, seconds * 1e6, 9};
    evaluation.receipt->speedup["eager"] = {1e-2 / seconds, 1e-2 / seconds, 1e-2 / seconds};
    builtin->learn(request, *got, evaluation);
    const double log_speedup = std::log(1e-2 / seconds);
    if (log_speedup > best.log_speedup)
      best = Recalled{.node = i,
                      .candidate = got->candidate,
                      .evaluation = evaluation,
                      .recipe = got->recipe,
                      .rationale = got->rationale,
                      .log_speedup = log_speedup};
  }
  return measured;
}

TEST(Guided, SearchFindsWhatTheModelKnowsInFewerSteps) {
  double guided = 0, unguided = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const std::vector<double> with = climb(Correction(), seed, 24), without = climb(std::nullopt, seed, 24);
    const double least = *std::ranges::min_element(without) + 0.01;
    const auto steps = [&](const std::vector<double>& times) {
      const auto found = std::ranges::find_if(times, [&](double t) { return t <= least; });
      return static_cast<double>(found - times.begin() + 1);
    };
    guided += steps(with);
    unguided += steps(without);
  }
  EXPECT_LT(guided, 0.8 * unguided);
}

TEST(Guided, TheSameRequestsGiveTheSameReplies) {
  EXPECT_EQ(climb(Correction(), 3, 12), climb(Correction(), 3, 12));
  EXPECT_EQ(climb(std::nullopt, 3, 12), climb(std::nullopt, 3, 12));
}

}  // namespace
}  // namespace kerf
