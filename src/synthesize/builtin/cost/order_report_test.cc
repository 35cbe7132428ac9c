// What is told of the cost model's orders, over recipes whose times are made up.
#include "synthesize/builtin/cost/order_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "synthesize/builtin/forms.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

nlohmann::json target_of(const std::string& machine) {
  return {{"machine", {{"identity", machine}, {"cores", 2}}}, {"threads", 2}};
}

std::shared_ptr<const Understood> softmax_problem(const std::string& id) {
  auto made = std::make_shared<Understood>(
      parse("input x f32 512 2048\ny = aten.softmax.int x 1 -> f32 512 2048\noutput y").problem);
  made->problem.id = id;
  return made;
}

// Recipes of the problem that differ in how often loops are unrolled, named by it; their log times.
MeasuredRecipes session_of(const std::string& id, const std::vector<std::pair<int, double>>& unrolled,
                           const std::string& machine = "this one", double deviation = 0.01) {
  MeasuredRecipes made{.session = "s",
                       .problem = softmax_problem(id),
                       .target = target_of(machine),
                       .language = Language::cpp,
                       .recipes = {}};
  const auto formed = graph_in(*made.problem, GraphForm::exported, Language::cpp);
  Recipe recipe = *make_recipe(formed->graph, GraphForm::exported, partition(formed->graph, Fusing::full),
                               machine_facts(made.target));
  for (const auto& [unroll, log_seconds] : unrolled) {
    recipe.schedules.at(0).unroll = unroll;
    made.recipes.push_back({.candidate = "unroll " + std::to_string(unroll),
                            .recipe = to_json(recipe, formed->graph),
                            .time = {.log_seconds = log_seconds,
                                     .deviation = deviation,
                                     .seconds = 1e-3 * std::exp(log_seconds),
                                     .steps_us = {}}});
  }
  return made;
}

// One kernel each, guessed and measured as given.
RecipePool pool_of(const std::string& problem, const std::vector<double>& guessed, const std::vector<double>& measured,
                   const std::string& machine = "this one") {
  RecipePool made{.problem = problem, .machine = machine, .language = "cpp"};
  for (std::size_t i = 0; i < guessed.size(); ++i) {
    UnitCost kernel{
        .operators = "relu", .schedule = std::to_string(i), .seconds = usual_seconds * std::exp(guessed[i])};
    kernel.features[0] = guessed[i];
    kernel.features[5] = static_cast<double>(i);
    made.recipes.push_back({.cost = {.units = {kernel}}, .seconds = {usual_seconds * std::exp(measured[i])}});
    made.measured.push_back(measured[i]);
    made.deviations.push_back(0.01);
  }
  return made;
}

std::vector<std::string> candidates_of(const RecipePool& pool) {
  std::vector<std::string> names;
  for (const CountedRecipe& each : pool.recipes) names.push_back(each.measured->candidate);
  return names;
}

TEST(RecipePools, ARecipeOfSeveralSessionsHasTheMeanOfItsTimes) {
  const std::vector sessions = {session_of("p/1", {{1, 0.5}, {2, 0.1}}), session_of("p/1", {{2, 0.3}, {4, -1}})};
  const auto pools = pools_of(sessions);
  ASSERT_THAT(pools, SizeIs(1));
  EXPECT_EQ(pools[0].problem, "p/1");
  EXPECT_EQ(pools[0].machine, "this one");
  EXPECT_EQ(pools[0].language, "cpp");
  EXPECT_THAT(candidates_of(pools[0]), ElementsAre("unroll 1", "unroll 2", "unroll 4")) << "as they first came";
  EXPECT_THAT(pools[0].measured, ElementsAre(DoubleEq(0.5), DoubleEq(0.2), DoubleEq(-1)));
  // One recipe twice, 0.2 apart: a deviation of 0.1 * sqrt(2) of a single time, by one degree of freedom.
  EXPECT_NEAR(pools[0].between, 0.1 * std::sqrt(2.0), 1e-12);
  EXPECT_THAT(pools[0].deviations, ElementsAre(DoubleNear(0.1 * std::sqrt(2.0), 1e-12), DoubleNear(0.1, 1e-12),
                                               DoubleNear(0.1 * std::sqrt(2.0), 1e-12)));
}

TEST(RecipePools, WhereEachWasMeasuredOnceIntervalsAreAllThatIsKnown) {
  const std::vector sessions = {session_of("p/1", {{1, 0}, {2, 1}}, "this one", 0.03)};
  const auto pools = pools_of(sessions);
  ASSERT_THAT(pools, SizeIs(1));
  EXPECT_EQ(pools[0].between, 0);
  EXPECT_THAT(pools[0].deviations, ElementsAre(0.03, 0.03));
}

TEST(RecipePools, MachinesAndProblemsAreApartAndOneRecipeIsNoPool) {
  const std::vector sessions = {session_of("p/1", {{1, 0}, {2, 1}}), session_of("p/1", {{1, 0}, {2, 1}}, "another"),
                                session_of("p/2", {{1, 0}, {2, 1}}), session_of("p/3", {{1, 0}})};
  std::vector<std::string> names;
  for (const RecipePool& each : pools_of(sessions)) names.push_back(each.problem + " on " + each.machine);
  EXPECT_THAT(names, ElementsAre("p/1 on another", "p/1 on this one", "p/2 on this one"));
}

TEST(RecipePools, RecipesThatDoNotLowerAnyMoreAreLeftOut) {
  std::vector sessions = {session_of("p/1", {{1, 0}, {2, 1}, {4, 2}})};
  sessions[0].recipes[1].recipe["groups"] = "of an older format";
  const auto pools = pools_of(sessions);
  ASSERT_THAT(pools, SizeIs(1));
  EXPECT_THAT(candidates_of(pools[0]), ElementsAre("unroll 1", "unroll 4"));
  EXPECT_THAT(pools_of({}), IsEmpty());
}

TEST(OrderReport, WithoutOtherProblemsTheFormulasOrderAlone) {
  const std::vector all = {pool_of("p/1", {1, 2, 3, 4}, {0.1, 0.4, 0.2, 0.9})};
  const OrderReport report = order_report(all[0], all, 0.03);
  EXPECT_EQ(report.pool, &all[0]);
  EXPECT_EQ(report.taught_by, 0);
  EXPECT_DOUBLE_EQ(report.by_formulas.spearman, 0.8);
  EXPECT_DOUBLE_EQ(report.by_corrected.spearman, 0.8);
  EXPECT_EQ(report.until_within.good, 1U);
  EXPECT_EQ(report.until_within.formulas, 1);
  EXPECT_DOUBLE_EQ(report.until_within.random, 2.5) << "one good one among four: (4 + 1) / (1 + 1)";
  EXPECT_THAT(report.by_formulas.regret_1, DoubleNear(0, 1e-12));
}

TEST(OrderReport, CountsMeasurementsUntilOneIsGoodEnough) {
  std::vector all = {pool_of("p/1", {1, 2, 3, 4}, {0.9, 0.5, 0.02, 0})};
  EXPECT_EQ(order_report(all[0], all, 0.03).until_within.formulas, 3) << "the third is within 3 % of the best";
  EXPECT_EQ(order_report(all[0], all, 0.01).until_within.formulas, 4);
  EXPECT_THAT(order_report(all[0], all, 0.03).by_formulas.regret_1, DoubleNear(std::exp(0.9) - 1, 1e-12));
  EXPECT_EQ(order_report(all[0], all, 0.01).until_as_good.formulas, 3) << "0.02 apart, with deviations of 0.01 each";
  all[0].deviations.assign(4, 0.3);
  EXPECT_EQ(order_report(all[0], all, 0.01).until_as_good.formulas, 2);
}

TEST(OrderReport, OtherProblemsOfTheSameMachineAndLanguageTeach) {
  std::vector all = {pool_of("p/1", {1, 1, 1}, {3, 2, 1}), pool_of("p/2", {1, 1, 1}, {6, 4, 2}),
                     pool_of("p/3", {1, 1, 1}, {1, 2, 3}, "another"), pool_of("p/1", {1, 1}, {1, 2})};
  all.push_back(pool_of("p/4", {1, 1, 1}, {1, 2, 3}));
  all.back().language = "triton";
  const OrderReport report = order_report(all[0], all, 0.03);
  EXPECT_EQ(report.taught_by, 1) << "p/2: neither itself at other sizes, nor other machines or languages";
  EXPECT_DOUBLE_EQ(report.by_formulas.spearman, 0) << "guessed alike";
  EXPECT_DOUBLE_EQ(report.by_corrected.spearman, 1) << "the feature that made p/2 faster is looked at";
}

TEST(OrderReport, LearningEndsWhereTheBestIs) {
  const std::vector all = {pool_of("p/1", {1, 2, 3, 4, 5}, {5, 4, 3, 2, 1})};
  const OrderReport report = order_report(all[0], all, 0.03);
  EXPECT_EQ(report.until_within.formulas, 5);
  EXPECT_GE(report.until_within.learning, 2) << "the first is the one that the formulas like best";
  EXPECT_LE(report.until_within.learning, 5);
}

TEST(OverRandom, IsTheMedianOfProblemsAndTheQuotientOfSums) {
  const std::vector<MeasurementsUntil> problems = {
      {.good = 1, .random = 2, .formulas = 1, .corrected = 2, .learning = 4},
      {.good = 1, .random = 10, .formulas = 1, .corrected = 5, .learning = 10},
      {.good = 2, .random = 4, .formulas = 4, .corrected = 1, .learning = 2}};
  const OrdersOverRandom over = over_random(problems);
  EXPECT_DOUBLE_EQ(over.formulas.median, 0.5);
  EXPECT_DOUBLE_EQ(over.formulas.together, 6.0 / 16);
  EXPECT_DOUBLE_EQ(over.corrected.median, 0.5);
  EXPECT_DOUBLE_EQ(over.corrected.together, 0.5);
  EXPECT_DOUBLE_EQ(over.learning.median, 1);
  EXPECT_DOUBLE_EQ(over.oracle.median, 0.25);
  EXPECT_DOUBLE_EQ(over.oracle.together, 3.0 / 16);
  EXPECT_EQ(over_random({}).formulas.together, 0);
}

}  // namespace
}  // namespace kerf
