#include "search/stopper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace kerf {
namespace {

using testing::HasSubstr;

std::unique_ptr<Stopper> budget(std::string_view text) {
  auto stopper = parse_budget(text);
  EXPECT_TRUE(stopper) << stopper.error().message;
  return *std::move(stopper);
}

TEST(Stopper, EachStopsAtItsLimitAndSaysWhy) {
  struct Case {
    const char* budget;
    Progress before, at;
    const char* by;
  };
  const Case cases[] = {
      {"64candidates", {.candidates = 63}, {.candidates = 64}, "candidates"},
      {"1candidate", {.candidates = 0}, {.candidates = 1}, "candidates"},
      {"90s", {.seconds = 89.9}, {.seconds = 90}, "time"},
      {"1.5m", {.seconds = 89.9}, {.seconds = 90}, "time"},
      {"2h", {.seconds = 7199}, {.seconds = 7200}, "time"},
      {"20plateau", {.since_improvement = 19}, {.since_improvement = 20}, "plateau"},
      {"0.95sol",
       {.best_fraction_of_speed_of_light = 0.94},
       {.best_fraction_of_speed_of_light = 0.95},
       "speed_of_light"},
  };
  for (const Case& c : cases) {
    EXPECT_FALSE(budget(c.budget)->stop(c.before)) << c.budget;
    const auto reason = budget(c.budget)->stop(c.at);
    ASSERT_TRUE(reason) << c.budget;
    EXPECT_EQ(reason->by, c.by);
    EXPECT_FALSE(reason->why.empty());
  }
}

TEST(Stopper, TokensAndDollarsAreCounted) {
  EXPECT_FALSE(budget("2ktokens")->stop({.tokens = 1999}));
  EXPECT_EQ(budget("2ktokens")->stop({.tokens = 2000})->by, "tokens");
  EXPECT_EQ(budget("1mtokens")->stop({.tokens = 1'000'000})->by, "tokens");
  EXPECT_FALSE(budget("2usd")->stop({.usd = 1.99}));
  EXPECT_EQ(budget("2usd")->stop({.usd = 2})->by, "dollars");
  EXPECT_DOUBLE_EQ(*budget("2usd")->seconds_left({.seconds = 10, .usd = 0.5}), 30);
  EXPECT_TRUE(budget("5m,2usd")->counts_dollars());
  EXPECT_FALSE(budget("5m,2ktokens")->counts_dollars());
}

TEST(Stopper, ABillThatCannotBeAddedUpIsNotRunUp) {
  const auto reason = budget("2usd")->stop({.usd = 0, .usd_known = false});
  ASSERT_TRUE(reason);
  EXPECT_THAT(reason->why, HasSubstr("unknown"));
  EXPECT_FALSE(budget("2ktokens")->stop({.tokens = 1, .usd_known = false}));
}

TEST(Stopper, AChainStopsWhenItsFirstDoes) {
  const auto chain = budget("10candidates, 60s");
  EXPECT_FALSE(chain->stop({.candidates = 9, .seconds = 59}));
  EXPECT_EQ(chain->stop({.candidates = 9, .seconds = 61})->by, "time");
  EXPECT_EQ(chain->stop({.candidates = 10, .seconds = 5})->by, "candidates");
}

TEST(Stopper, TimeLeftIsTheShortestOfWhatCanBeForeseen) {
  const auto chain = budget("10candidates,60s,5plateau");
  EXPECT_DOUBLE_EQ(*chain->seconds_left({.candidates = 0, .seconds = 10}), 50);
  EXPECT_DOUBLE_EQ(*chain->seconds_left({.candidates = 5, .seconds = 10}), 10);
  EXPECT_FALSE(budget("5plateau")->seconds_left({.candidates = 5, .seconds = 10}));
}

TEST(Stopper, DescribesItselfAsItWasWritten) {
  const std::string all = "64candidates,5m,90s,2h,20plateau,0.95sol,200ktokens,3mtokens,1500tokens,2.5usd";
  EXPECT_EQ(budget(all)->describe(), all);
}

TEST(Stopper, ABudgetThatCannotBeReadListsTheUnits) {
  for (const char* text : {"", "5", "m", "5parsecs", "-3s", "0s", "5m,,3s", "5m,", "nans", "infs", "1e3s"}) {
    const auto stopper = parse_budget(text);
    ASSERT_FALSE(stopper) << text;
    EXPECT_EQ(stopper.error().kind, ErrorKind::user);
    EXPECT_THAT(stopper.error().message, HasSubstr("candidates (candidates judged), s (seconds)"));
  }
}

TEST(Progress, CountsWhatWasJudgedAndWhenItLastGotBetter) {
  using Kind = Outcome::Kind;
  Progress progress;
  count(progress, Task::root, {.kind = Kind::measured, .reward = {0, 0}});
  EXPECT_EQ(progress.candidates, 0);
  EXPECT_EQ(progress.best, 0);
  count(progress, Task::expand, {.kind = Kind::failed});
  count(progress, Task::expand, {.kind = Kind::nothing});
  count(progress, Task::remeasure, {.kind = Kind::measured, .reward = {9, 0}});
  EXPECT_EQ(progress.candidates, 1);
  EXPECT_EQ(progress.since_improvement, 1);
  EXPECT_EQ(progress.best, 0);
  count(progress, Task::expand, {.kind = Kind::measured, .reward = {0.5, 0}, .fraction_of_speed_of_light = 0.4});
  EXPECT_EQ(progress.since_improvement, 0);
  EXPECT_EQ(progress.best_fraction_of_speed_of_light, 0.4);
  count(progress, Task::expand, {.kind = Kind::measured, .reward = {0.5 + std::log(1.005), 0}});
  EXPECT_EQ(progress.since_improvement, 1) << "half a per cent is no improvement";
  EXPECT_EQ(progress.candidates, 3);
}

}  // namespace
}  // namespace kerf
