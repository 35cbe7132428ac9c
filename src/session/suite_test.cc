#include "session/suite.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

SuiteEntry entry(const char* problem, const char* verdict, std::map<std::string, Ratio> speedup = {}) {
  SuiteEntry e;
  e.problem = problem;
  e.done = true;
  e.verdict = verdict;
  e.speedup = std::move(speedup);
  e.candidates = 4;
  return e;
}

Ratio about(double value, double relative = 0.02) {
  return {.value = value, .low = value / (1 + relative), .high = value * (1 + relative)};
}

SuiteRun run(const char* id, std::vector<SuiteEntry> entries) {
  SuiteRun r;
  r.id = id;
  r.suite = "suite.jsonl";
  r.options = {{"target", "cpu"}, {"budget", "4candidates"}, {"jobs", 2}};
  r.entries = std::move(entries);
  return r;
}

TEST(SuiteTest, GeometricMeansCountsAndWins) {
  const SuiteRun r = run("x", {entry("k/1/1", "measured", {{"eager", about(4)}}),
                               entry("k/1/2", "measured", {{"eager", about(1, 0.1)}}), entry("k/1/3", "refused")});
  const SuiteSummary summary = summarise(r);
  ASSERT_THAT(summary.groups, SizeIs(1)) << "one level";
  ASSERT_THAT(summary.groups[0].comparisons, SizeIs(1));
  const SuiteComparison& c = summary.groups[0].comparisons[0];
  EXPECT_NEAR(c.mean.value, 2, 1e-9);
  EXPECT_LT(c.mean.low, 2);
  EXPECT_EQ(c.wins, 1);
  EXPECT_EQ(c.losses, 0);
  EXPECT_EQ(summary.verdicts.at("refused"), 1);
  EXPECT_EQ(summary.candidates, 12);
  const auto back = suite_run_from_json(to_json(r));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(r));
}

TEST(SuiteTest, TheMeansIntervalIsThatOfIndependentMeasurements) {
  // n ratios of one standard error s of the logarithm: the mean's is s / sqrt(n); 2.807 s is half of a 99.5 % interval.
  const double s = 0.01;
  std::vector<SuiteEntry> entries;
  for (const char* name : {"1/1", "1/2", "1/3", "1/4"})
    entries.push_back(entry(
        name, "measured", {{"eager", {.value = 2, .low = 2 * std::exp(-2.807 * s), .high = 2 * std::exp(2.807 * s)}}}));
  const Ratio mean = summarise(run("x", entries)).groups[0].comparisons[0].mean;
  EXPECT_NEAR(std::log(mean.high / 2), 1.96 * s / 2, 1e-5);
}

TEST(SuiteTest, LevelsAreToldApart) {
  EXPECT_EQ(level_of("kernelbench/1/19"), "1");
  EXPECT_EQ(level_of("2/80"), "2");
  EXPECT_EQ(level_of("model"), "");
  EXPECT_EQ(level_of("/x"), "");
  const SuiteSummary summary = summarise(
      run("x", {entry("k/1/1", "measured", {{"eager", about(4)}}), entry("k/2/1", "measured", {{"eager", about(2)}})}));
  ASSERT_THAT(summary.groups, SizeIs(3));
  EXPECT_EQ(summary.groups[0].level, "");
  EXPECT_EQ(summary.groups[2].level, "2");
  EXPECT_NEAR(summary.groups[2].comparisons[0].mean.value, 2, 1e-9);
}

TEST(SuiteTest, FastPCountsEveryProblemThatIsDone) {
  SuiteRun r =
      run("x", {entry("1/1", "measured", {{"eager", about(2)}}), entry("1/2", "measured", {{"eager", about(0.9)}}),
                entry("1/3", "measured", {{"eager", about(1.01)}}), entry("1/4", "nothing_right")});
  r.entries.push_back(entry("1/5", ""));
  r.entries.back().done = false;
  EXPECT_DOUBLE_EQ(fast_share(r, "", "eager", 0).value, 0.75) << "right, of those done";
  const FastShare faster = fast_share(r, "", "eager", 1);
  EXPECT_DOUBLE_EQ(faster.value, 0.5);
  EXPECT_DOUBLE_EQ(faster.low, 0.25) << "1.01 is not surely faster";
  EXPECT_DOUBLE_EQ(faster.high, 0.5);
  EXPECT_DOUBLE_EQ(fast_share(r, "", "eager", 2).value, 0) << "more than p";
  EXPECT_DOUBLE_EQ(fast_share(r, "", "compile", 0).value, 0) << "not timed against it";
  EXPECT_DOUBLE_EQ(fast_share(r, "7", "eager", 0).value, 0) << "no problem";
}

TEST(SuiteTest, SpendAddsUpAndUnknownPricesStayUnknown) {
  SuiteRun r = run("x", {entry("1/1", "measured"), entry("1/2", "measured"), entry("1/3", "refused")});
  r.entries[0].report = {{"spend", {{"calls", 2}, {"tokens_in", 100}, {"tokens_out", 10}, {"usd", 0.5}}}};
  r.entries[1].report = {{"spend", {{"calls", 1}, {"tokens_in", 7}, {"tokens_out", 1}, {"usd", 0.25}}}};
  EXPECT_EQ(summarise(r).spend.calls, 3);
  EXPECT_EQ(summarise(r).spend.tokens_in, 107);
  EXPECT_DOUBLE_EQ(summarise(r).spend.usd().value_or(0), 0.75);
  r.entries[1].report["spend"]["usd"] = nullptr;
  EXPECT_FALSE(summarise(r).spend.usd());
  r.entries[0].report = "nonsense";
  EXPECT_EQ(summarise(r).spend.calls, 1);
}

TEST(SuiteTest, ShardsPartitionAndMergeInOrder) {
  std::vector<SuiteRun> parts;
  const std::vector<const char*> problems{"k/1/2", "k/1/9", "k/1/10", "k/2/1", "k/2/3"};
  for (int part = 1; part <= 2; ++part) {
    const auto shard = parse_shard(std::to_string(part) + "/2");
    ASSERT_TRUE(shard);
    parts.push_back(run(("n-" + shard->name()).c_str(), {}));
    parts.back().shard = *shard;
    for (std::size_t i = 0; i < problems.size(); ++i) {
      if (shard->holds(i)) parts.back().entries.push_back(entry(problems[i], "measured"));
    }
  }
  EXPECT_EQ(parts[1].id, "n-2of2");
  parts[1].options["jobs"] = 4;
  auto merged = merge("n", parts);
  ASSERT_TRUE(merged) << merged.error().message;
  std::vector<std::string> order;
  for (const SuiteEntry& e : merged->entries) order.push_back(e.problem);
  EXPECT_THAT(order, ElementsAre("k/1/2", "k/1/9", "k/1/10", "k/2/1", "k/2/3"));

  parts[0].entries.push_back(entry("k/1/9", ""));
  parts[0].entries.back().done = false;
  merged = merge("n", parts);
  ASSERT_TRUE(merged) << "done in one part, not begun in another";
  EXPECT_TRUE(merged->entries[1].done);
  parts[0].entries.back().done = true;
  merged = merge("n", parts);
  ASSERT_FALSE(merged);
  EXPECT_THAT(merged.error().message, HasSubstr("k/1/9"));
  parts[1].options["budget"] = "8candidates";
  merged = merge("n", parts);
  ASSERT_FALSE(merged);
  EXPECT_THAT(merged.error().message, HasSubstr("budget: 4candidates, and 8candidates"));
}

TEST(SuiteTest, ShardsAreReadStrictly) {
  EXPECT_TRUE(parse_shard("1/1"));
  EXPECT_EQ(parse_shard("1/1")->name(), "");
  for (const char* text : {"", "1", "0/4", "5/4", "1/0", "-1/4", "1/4x", "x1/4", "1/", "/4", "1 /4", "1/99999999999"})
    EXPECT_FALSE(parse_shard(text)) << text;
}

TEST(SuiteTest, DamagedRunsAreRefused) {
  const nlohmann::json good = to_json(run("x", {entry("1/1", "measured", {{"eager", about(2)}})}));
  ASSERT_TRUE(suite_run_from_json(good));
  for (const auto& [name, value] : good.items()) {
    if (name == "shard") continue;
    nlohmann::json bad = good;
    bad.erase(name);
    EXPECT_FALSE(suite_run_from_json(bad)) << name;
  }
  nlohmann::json bad = good;
  bad["problems"].push_back(bad["problems"][0]);
  EXPECT_FALSE(suite_run_from_json(bad)) << "twice";
  bad = good;
  bad["problems"][0]["speedup"] = 3;
  EXPECT_FALSE(suite_run_from_json(bad));
  bad = good;
  bad["problems"][0]["lost"] = {{"wrong", "many"}};
  EXPECT_FALSE(suite_run_from_json(bad));
  bad = good;
  bad["problems"][0]["speedup"] = {{"eager", {{"value", 2}, {"low", 1}, {"high", 3}}}, {"compile", nullptr}};
  bad["problems"][0].erase("lost");
  bad.erase("shard");
  EXPECT_TRUE(suite_run_from_json(bad)) << "as an earlier kerf wrote it";
}

TEST(SuiteDifferenceTest, IntervalsDecideWhatIsNoise) {
  const SuiteRun a =
      run("a", {entry("1/1", "measured", {{"eager", about(2)}}), entry("1/2", "measured", {{"eager", about(2)}}),
                entry("1/3", "measured", {{"eager", about(2)}}), entry("1/4", "wrong"),
                entry("1/5", "measured", {{"eager", about(2)}})});
  const SuiteRun b =
      run("b", {entry("1/1", "measured", {{"eager", about(2.5)}}), entry("1/2", "measured", {{"eager", about(2.03)}}),
                entry("1/3", "measured", {{"eager", about(1.5)}}), entry("1/4", "measured", {{"eager", about(1.5)}}),
                entry("1/6", "measured")});
  const auto d = difference(a, b);
  ASSERT_TRUE(d) << d.error().message;
  ASSERT_THAT(d->summaries, SizeIs(1));
  EXPECT_EQ(d->summaries[0].problems, 3);
  EXPECT_EQ(d->summaries[0].better, 1);
  EXPECT_EQ(d->summaries[0].worse, 1);
  EXPECT_TRUE(d->problems[0].change.at("eager").win());
  const Ratio noise = d->problems[1].change.at("eager");
  EXPECT_FALSE(noise.win() || noise.loss());
  // Two independent intervals of 2 %: their squares add up.
  EXPECT_NEAR(std::log(noise.high / noise.value), std::sqrt(2.0) * std::log(1.02), 1e-9);
  EXPECT_TRUE(d->problems[3].gained);
  EXPECT_THAT(d->problems[3].change, IsEmpty());
  EXPECT_EQ(d->problems[4].status, "only in A");
  EXPECT_EQ(d->problems[5].status, "only in B");
}

TEST(SuiteDifferenceTest, OtherSizesEvidenceOrTargetsAreNotCompared) {
  SuiteRun a = run("a", {entry("1/1", "measured", {{"eager", about(2)}})});
  SuiteRun b = a;
  const auto report = [](int n, const char* evidence) -> nlohmann::json {
    return {{"best", {{"evaluation", {{"workload", {{"n", n}}}, {"receipt", {{"evidence", evidence}}}}}}}};
  };
  a.entries[0].report = report(1, "silicon");
  b.entries[0].report = report(2, "silicon");
  auto d = difference(a, b);
  ASSERT_TRUE(d);
  EXPECT_THAT(d->problems[0].status, HasSubstr("sizes"));
  EXPECT_THAT(d->problems[0].change, IsEmpty());
  b.entries[0].report = report(1, "emulated");
  d = difference(a, b);
  ASSERT_TRUE(d);
  EXPECT_THAT(d->problems[0].status, HasSubstr("emulated"));
  b.entries[0].report = report(1, "silicon");
  b.entries[0].report["best"]["evaluation"]["receipt"]["graph"] = true;
  d = difference(a, b);
  ASSERT_TRUE(d);
  EXPECT_THAT(d->problems[0].status, HasSubstr("graphs"));
  EXPECT_THAT(d->problems[0].change, IsEmpty());
  b.entries[0].report = report(1, "silicon");
  b.options["budget"] = "8candidates";
  d = difference(a, b);
  ASSERT_TRUE(d);
  EXPECT_THAT(d->problems[0].change, SizeIs(1));
  EXPECT_THAT(d->notes, ElementsAre(HasSubstr("budget")));
  b.options["target"] = "nvidia";
  EXPECT_FALSE(difference(a, b));
  EXPECT_FALSE(difference(a, run("c", {entry("2/1", "measured")}))) << "nothing in common";
}

}  // namespace
}  // namespace kerf
