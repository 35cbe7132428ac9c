// What the cost model learns: whether a planted law is found again, and how good an order is.
#include "synthesize/builtin/cost/guide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/random.h"
#include "synthesize/builtin/cost/experience.h"
#include "synthesize/builtin/cost/ranking.h"

namespace kerf {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

// --- correction -----------------------------------------------------------------------------------------------------

Features random_features(Random& random) {
  Features f = {};
  for (double& each : f) each = random.normal();
  return f;
}
double law(const Features& weights, const Features& f) {
  return std::inner_product(f.begin(), f.end(), weights.begin(), 0.0);
}

TEST(Correction, BelievesTheFormulasBeforeAnythingWasMeasured) {
  const Correction none;
  Features fast = {}, slow = {};
  slow[0] = 0.5;
  slow[5] = 3;
  EXPECT_DOUBLE_EQ(none.mean(slow) - none.mean(fast), 0.5);
  EXPECT_GT(law(none.spread(slow), slow), 0.04);
}

TEST(Correction, OutlivesBeingKept) {
  Random random(5);
  Correction learned;
  learned.learn(random_features(random), std::vector<Features>{random_features(random)}, 10);
  EXPECT_EQ(learned.observations(), 10);
  const auto again = Correction::from_json(nlohmann::json::parse(learned.to_json().dump()));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->to_json(), learned.to_json());
  nlohmann::json other = learned.to_json();
  other["features"][3] = "of another version";
  EXPECT_FALSE(Correction::from_json(other));
  other = learned.to_json();
  other["variance"].erase(0);
  EXPECT_FALSE(Correction::from_json(other));
}

// A recipe of a product that is the library's and a kernel, `feature` of it as given.
RecipeCost call_and_kernel(const std::string& schedule, std::size_t feature = 1, double value = 0) {
  UnitCost call{.operators = "linear", .schedule = {}, .seconds = 1e-3};
  UnitCost kernel{.operators = "relu", .schedule = schedule, .seconds = 1e-4};
  call.features[0] = std::log(call.seconds / usual_seconds);
  kernel.features[0] = std::log(kernel.seconds / usual_seconds);
  kernel.features.at(feature) = value;
  return {.units = {call, {.operators = "view", .schedule = {}}, kernel}};
}

void learn(Guide& guide, const RecipeCost& recipe, const std::vector<double>& seconds) {
  guide.learn(std::vector<MeasuredUnits>{{.recipe = &recipe, .seconds = seconds}});
}

TEST(Guide, BelievesTheFormulasBeforeAnythingWasMeasured) {
  const Guide guide{Correction()};
  EXPECT_NEAR(guide.log_seconds(call_and_kernel("a")), std::log(1.1e-3), 1e-9);
  EXPECT_EQ(guide.gain(call_and_kernel("a"), call_and_kernel("b")).mean, 0);
}

// The formulas are wrong about the library by a factor of ten. One measurement tells, and what is compared afterwards
// is the rest.
TEST(Guide, KnowsACallThatWasMeasured) {
  Guide guide{Correction()};
  learn(guide, call_and_kernel("a"), {1e-2, 0, 2e-4});
  EXPECT_NEAR(guide.log_seconds(call_and_kernel("a")), std::log(1.02e-2), 0.02);
  RecipeCost fused = call_and_kernel("a");
  fused.units.pop_back();
  EXPECT_NEAR(guide.gain(call_and_kernel("a"), fused).mean, std::log(1.02), 0.002);
}

TEST(Guide, GuessesAnotherScheduleByTheOneThatWasMeasured) {
  Guide guide{Correction()};
  learn(guide, call_and_kernel("a"), {1e-3, 0, 1e-3});
  const double other = guide.log_seconds(call_and_kernel("b"));
  EXPECT_NEAR(other, std::log(2e-3), 0.1);
  EXPECT_GT(guide.gain(call_and_kernel("a"), call_and_kernel("b")).deviation, 0.05);
}

TEST(Guide, IsMovedByWhatItsOwnSessionMeasures) {
  const auto kernel = [](const std::string& schedule, double value) {
    RecipeCost made = call_and_kernel(schedule, 5, value);
    made.units.erase(made.units.begin());
    return made;
  };
  Guide guide{Correction()};
  const RecipeCost plain = kernel("a", 0), other = kernel("b", 1), third = kernel("c", 2);
  const double before = guide.gain(plain, third).deviation;
  learn(guide, plain, {0, 1e-3});
  learn(guide, other, {0, 0.8e-3});
  EXPECT_GT(guide.gain(plain, other).mean, 0.1);
  EXPECT_GT(guide.gain(other, third).mean, 0.01) << "more of what gained gains more";
  EXPECT_LT(guide.gain(plain, third).deviation, before);
}

// One kernel a recipe, of one operator and as many schedules; times by a law of features, up to a level of the
// problem's own.
struct World {
  std::vector<RecipeCost> recipes;
  std::vector<std::vector<double>> seconds;
  std::vector<double> formulas, measured;  // log seconds

  World(Random& random, const Features& planted, int size) {
    const double level = random.normal();
    for (int i = 0; i < size; ++i) {
      UnitCost kernel{.operators = "relu", .schedule = std::to_string(i)};
      kernel.features = random_features(random);
      kernel.features[0] *= 0.3;
      kernel.seconds = usual_seconds * std::exp(kernel.features[0]);
      formulas.push_back(kernel.features[0]);
      measured.push_back(level + law(planted, kernel.features));
      seconds.push_back({usual_seconds * std::exp(measured.back())});
      recipes.push_back({.units = {kernel}});
    }
  }
  [[nodiscard]] std::vector<MeasuredUnits> units() const {
    std::vector<MeasuredUnits> made;
    for (std::size_t i = 0; i < recipes.size(); ++i) made.push_back({.recipe = &recipes[i], .seconds = seconds[i]});
    return made;
  }
};

TEST(Guide, FindsAPlantedLawAgain) {
  Random random(3);
  Features planted = {};
  planted[0] = 0.8;
  planted[1] = -0.1;
  planted[9] = 0.2;
  Correction learned;
  for (int problem = 0; problem < 60; ++problem) {
    const World world(random, planted, 20);
    Guide guide(learned);
    guide.learn(world.units());
    learned = guide.taught();
  }
  EXPECT_EQ(learned.observations(), 1200);
  for (std::size_t i = 0; i < feature_count; ++i)
    EXPECT_THAT(learned.weights()[i], DoubleNear(planted[i], 0.06)) << feature_table().at(i).name;
  const Features any = random_features(random);
  EXPECT_LT(law(learned.spread(any), any), law(Correction().spread(any), any) / 10);
}

TEST(UnitTimes, AreThoseOfTheirStepsOrSharesOfTheWhole) {
  RecipeCost cost = call_and_kernel("a");
  cost.units[2].steps = 2;
  const std::vector<double> of_steps =
      seconds_of_units(cost, {.log_seconds = 0, .seconds = 5e-3, .steps_us = {1000, 10, 300, 200}});
  EXPECT_THAT(of_steps, ElementsAre(DoubleNear(1e-3, 1e-9), DoubleNear(1e-5, 1e-9), DoubleNear(5e-4, 1e-9)));
  for (const std::vector<double>& steps : {std::vector<double>{}, std::vector<double>{1, 2}}) {
    const auto shares = seconds_of_units(cost, {.log_seconds = 0, .seconds = 2.2e-3, .steps_us = steps});
    EXPECT_THAT(shares, ElementsAre(DoubleNear(2e-3, 1e-9), 0, DoubleNear(2e-4, 1e-9)));
  }
}

TEST(Gain, OfTwoGuessesTheSurerOneCountsMore) {
  const Gain both = joined({.mean = 0, .deviation = 1}, {.mean = 1, .deviation = 0.5});
  EXPECT_DOUBLE_EQ(both.mean, 0.8);
  EXPECT_DOUBLE_EQ(both.deviation, 1 / std::sqrt(5.0));
}

// --- orders ---------------------------------------------------------------------------------------------------------

TEST(Ranking, OfHandWorkedOrders) {
  const std::vector<double> up = {1, 2, 3, 4}, down = {4, 3, 2, 1}, swapped = {1, 2, 4, 3}, same = {1, 1, 1, 1};
  EXPECT_DOUBLE_EQ(spearman(up, up), 1);
  EXPECT_DOUBLE_EQ(spearman(up, down), -1);
  EXPECT_DOUBLE_EQ(spearman(up, swapped), 0.8);
  EXPECT_DOUBLE_EQ(kendall(up, swapped), 4.0 / 6);
  EXPECT_EQ(spearman(same, up), 0);
  EXPECT_EQ(kendall(same, up), 0);
}

TEST(Ranking, CountsMeasurementsUntilOneIsGood) {
  const std::vector<double> measured = {0.5, 0.0, 0.02, 0.9};  // 0.02 is within 3 %
  const std::vector<bool> good = near_best(measured, 0.03);
  EXPECT_THAT(good, ElementsAre(false, true, true, false));
  EXPECT_EQ(measurements_in(std::vector<std::size_t>{3, 0, 2, 1}, good), 3U);
  EXPECT_EQ(measurements_in(std::vector<std::size_t>{1, 0, 2, 3}, good), 1U);
  EXPECT_DOUBLE_EQ(measurements_at_random(good), 5.0 / 3);
  EXPECT_DOUBLE_EQ(regret(std::vector<double>{0, 3, 1, 2}, measured, 1), std::exp(0.5) - 1);
  EXPECT_DOUBLE_EQ(regret(std::vector<double>{0, 3, 1, 2}, measured, 2), std::exp(0.02) - 1);
  EXPECT_THAT(order_by(std::vector<double>{3, 1, 2, 1}), ElementsAre(1, 3, 2, 0));
}

TEST(Ranking, WhatIntervalsDoNotTellApartIsEquallyGood) {
  const std::vector<double> measured = {0.5, 0.0, 0.05, 0.3};
  EXPECT_THAT(as_good_as_best(measured, std::vector<double>(4, 0.01)), ElementsAre(false, true, false, false));
  EXPECT_THAT(as_good_as_best(measured, std::vector<double>(4, 0.02)), ElementsAre(false, true, true, false));
  EXPECT_THAT(as_good_as_best(measured, std::vector<double>{0.01, 0.01, 0.01, 0.2}),
              ElementsAre(false, true, false, true));
}

// Kernels follow the formulas and a law that these do not know.
TEST(Ranking, LearningFindsWhatTheFormulasGotWrong) {
  Random random(6);
  Features planted = {};
  planted[0] = 1;
  planted[4] = 0.6;
  planted[9] = -0.8;
  double learning = 0, formulas_alone = 0;
  for (int i = 0; i < 8; ++i) {
    const World world(random, planted, 60);
    const std::vector<std::size_t> order = order_learning(world.units(), Guide{Correction()});
    const std::vector<bool> good = near_best(world.measured, 0.03);
    learning += static_cast<double>(measurements_in(order, good));
    formulas_alone += static_cast<double>(measurements_in(order_by(world.formulas), good));
    std::vector<std::size_t> all = order;
    std::ranges::sort(all);
    for (std::size_t k = 0; k < all.size(); ++k) ASSERT_EQ(all[k], k) << "each once";
  }
  EXPECT_LT(learning, 0.6 * formulas_alone);
}

}  // namespace
}  // namespace kerf
