// What is told of the cost model's orders, over recipes whose times are made up.
#include "app/cost_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "synthesize/builtin/forms.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

nlohmann::json target(const std::string& machine) {
  return {{"machine", {{"identity", machine}, {"cores", 2}}}, {"threads", 2}};
}

std::shared_ptr<const Understood> softmax(const std::string& id) {
  auto made = std::make_shared<Understood>(
      parse("input x f32 512 2048\ny = aten.softmax.int x 1 -> f32 512 2048\noutput y").problem);
  made->problem.id = id;
  return made;
}

// Recipes of the problem that differ in how often loops are unrolled, named by it; their log times.
MeasuredRecipes session(const std::string& id, const std::vector<std::pair<int, double>>& unrolled,
                        const std::string& machine = "this one") {
  MeasuredRecipes made{
      .session = "s", .problem = softmax(id), .target = target(machine), .language = Language::cpp, .recipes = {}};
  const auto formed = graph_in(*made.problem, GraphForm::exported, Language::cpp);
  Recipe recipe = *make_recipe(formed->graph, GraphForm::exported, partition(formed->graph, Fusing::full),
                               machine_facts(made.target));
  for (const auto& [unroll, log_seconds] : unrolled) {
    recipe.schedules.at(0).unroll = unroll;
    made.recipes.push_back({.candidate = "unroll " + std::to_string(unroll),
                            .recipe = to_json(recipe, formed->graph),
                            .log_seconds = log_seconds});
  }
  return made;
}

// Recipes that differ in the first feature alone, the formulas' own sum; measured as given.
RecipePool pool(const std::string& problem, const std::vector<double>& formulas, const std::vector<double>& measured,
                const std::string& machine = "this one") {
  RecipePool made{.problem = problem, .machine = machine, .language = "cpp"};
  for (std::size_t i = 0; i < formulas.size(); ++i) {
    made.candidates.push_back(std::to_string(i));
    Features features = {};
    features[0] = formulas[i];
    made.observations.push_back({.features = features, .log_seconds = measured[i]});
  }
  made.formulas = formulas;
  made.measured = measured;
  return made;
}

TEST(RecipePools, ARecipeOfSeveralSessionsHasTheMeanOfItsTimes) {
  const auto pools = pools_of({session("p/1", {{1, 0.5}, {2, 0.1}}), session("p/1", {{2, 0.3}, {4, -1}})});
  ASSERT_THAT(pools, SizeIs(1));
  EXPECT_EQ(pools[0].problem, "p/1");
  EXPECT_EQ(pools[0].machine, "this one");
  EXPECT_EQ(pools[0].language, "cpp");
  EXPECT_THAT(pools[0].candidates, ElementsAre("unroll 1", "unroll 2", "unroll 4")) << "as they first came";
  EXPECT_THAT(pools[0].measured, ElementsAre(DoubleEq(0.5), DoubleEq(0.2), DoubleEq(-1)));
  EXPECT_THAT(pools[0].formulas, SizeIs(3));
  EXPECT_EQ(pools[0].observations[1].log_seconds, pools[0].measured[1]);
}

TEST(RecipePools, MachinesAndProblemsAreApartAndOneRecipeIsNoPool) {
  const auto pools = pools_of({session("p/1", {{1, 0}, {2, 1}}), session("p/1", {{1, 0}, {2, 1}}, "another"),
                               session("p/2", {{1, 0}, {2, 1}}), session("p/3", {{1, 0}})});
  std::vector<std::string> names;
  for (const RecipePool& each : pools) names.push_back(each.problem + " on " + each.machine);
  EXPECT_THAT(names, ElementsAre("p/1 on another", "p/1 on this one", "p/2 on this one"));
}

TEST(RecipePools, RecipesThatDoNotLowerAnyMoreAreLeftOut) {
  MeasuredRecipes old = session("p/1", {{1, 0}, {2, 1}, {4, 2}});
  old.recipes[1].recipe["groups"] = "of an older format";
  const auto pools = pools_of({old});
  ASSERT_THAT(pools, SizeIs(1));
  EXPECT_THAT(pools[0].candidates, ElementsAre("unroll 1", "unroll 4"));
  EXPECT_THAT(pools_of({}), IsEmpty());
}

TEST(PoolReport, WithoutOtherProblemsTheFormulasOrderAlone) {
  const std::vector<RecipePool> all = {pool("p/1", {1, 2, 3, 4}, {0.1, 0.4, 0.2, 0.9})};
  const PoolReport report = report_on(all[0], all, 0.03);
  EXPECT_EQ(report.pool, &all[0]);
  EXPECT_EQ(report.taught_by, 0);
  EXPECT_DOUBLE_EQ(report.by_formulas.spearman, 0.8);
  EXPECT_DOUBLE_EQ(report.by_others.spearman, 0.8);
  EXPECT_EQ(report.by_formulas.measurements, 1);
  EXPECT_THAT(report.by_formulas.regret_1, DoubleNear(0, 1e-12));
  EXPECT_DOUBLE_EQ(report.random, 2.5) << "one good one among four: (4 + 1) / (1 + 1)";
}

TEST(PoolReport, CountsMeasurementsUntilOneIsGoodEnough) {
  const std::vector<RecipePool> all = {pool("p/1", {1, 2, 3, 4}, {0.9, 0.5, 0.02, 0})};
  EXPECT_EQ(report_on(all[0], all, 0.03).by_formulas.measurements, 3) << "the third is within 3 % of the best";
  EXPECT_EQ(report_on(all[0], all, 0.01).by_formulas.measurements, 4);
  EXPECT_THAT(report_on(all[0], all, 0.03).by_formulas.regret_1, DoubleNear(std::exp(0.9) - 1, 1e-12));
}

TEST(PoolReport, OtherProblemsOfTheSameMachineAndLanguageTeach) {
  std::vector<RecipePool> all = {pool("p/1", {1, 2, 3}, {3, 2, 1}), pool("p/2", {1, 2, 3}, {6, 4, 2}),
                                 pool("p/3", {1, 2, 3}, {1, 2, 3}, "another"), pool("p/1", {1, 2}, {1, 2})};
  all.push_back(pool("p/4", {1, 2, 3}, {1, 2, 3}));
  all.back().language = "triton";
  const PoolReport report = report_on(all[0], all, 0.03);
  EXPECT_EQ(report.taught_by, 1) << "p/2: itself, at other sizes too, does not count";
  EXPECT_DOUBLE_EQ(report.by_formulas.spearman, -1);
  ASSERT_THAT(report.corrected, SizeIs(3));
  EXPECT_LT(report.corrected[2] - report.corrected[0], report.by_formulas.spearman * -2)
      << "what p/2 showed draws the third towards the first";
}

TEST(PoolReport, LearningOrdersAllAndEndsWhereTheBestIs) {
  const std::vector<RecipePool> all = {pool("p/1", {1, 2, 3, 4, 5}, {5, 4, 3, 2, 1})};
  const PoolReport report = report_on(all[0], all, 0.03);
  EXPECT_EQ(report.by_formulas.measurements, 5);
  EXPECT_LE(report.learning, 5) << "after two it knows that the formulas are upside down";
  EXPECT_GE(report.learning, 2);
}

}  // namespace
}  // namespace kerf
