#include "evaluate/evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "base/loop.h"
#include "base/random.h"
#include "evaluate/fake_evaluator.h"

namespace kerf {
namespace {

using json = nlohmann::json;
using ::testing::HasSubstr;

// An evaluation with everything in it that its seed decides.
Evaluation any_evaluation(std::uint64_t seed) {
  Random r(seed);
  const auto text = [&] { return "t\"\n\xc3\xa9" + std::to_string(r.below(1000)); };
  const auto maybe = [&] { return r.below(2) == 0; };
  const auto estimate = [&] {
    return Estimate{
        .median = r.uniform() * 1e4, .low = r.uniform(), .high = r.normal(), .samples = static_cast<int>(r.below(300))};
  };
  Evaluation e;
  e.id = text();
  e.problem = "kernelbench/1/19";
  e.workload = {
      {"batch_size", Value{std::int64_t{16}}}, {"eps", Value{1.0}}, {"shape", Value{ValueList{Value{true}, Value{}}}}};
  e.candidate = text();
  e.verdict = static_cast<Verdict>(r.below(6));
  if (maybe()) e.rule = text();
  if (maybe()) e.message = text();
  if (maybe()) e.at = Location{static_cast<int>(r.below(100)), static_cast<int>(r.below(100))};
  if (maybe()) {
    Receipt receipt;
    receipt.evidence = static_cast<Evidence>(r.below(4));
    receipt.time_us = estimate();
    if (maybe()) receipt.warm_us = estimate();
    if (maybe()) receipt.prepare_us = estimate();
    receipt.raw_us = {r.uniform(), r.uniform()};
    receipt.baselines["eager"] = estimate();
    receipt.speedup["eager"] = {.value = r.uniform(), .low = r.uniform(), .high = r.uniform()};
    if (maybe()) receipt.unavailable["compile"] = text();
    if (maybe()) receipt.speed_of_light_us = r.uniform();
    if (maybe()) receipt.fraction_of_speed_of_light = r.uniform();
    receipt.quarantined = maybe();
    receipt.discarded = static_cast<int>(r.below(9));
    receipt.tune = "BLOCK=1024";
    receipt.machine = {{"cores", 2}};
    receipt.versions = {{"torch", "2.13.0"}};
    receipt.isolation = {"landlock", "seccomp"};
    e.receipt = receipt;
  }
  if (maybe()) e.diagnosis.bound = static_cast<Bound>(r.below(7));
  e.diagnosis.metrics["bandwidth.memory"] = {.value = r.uniform(), .unit = "GB/s", .evidence = Evidence::silicon};
  e.diagnosis.causes = {{.name = text(), .what = text(), .evidence = Evidence::silicon}};
  e.diagnosis.hot_spots = {{.line = 12, .what = text(), .evidence = Evidence::statically},
                           {.line = 7,
                            .what = text(),
                            .evidence = Evidence::silicon,
                            .share = 0.5,
                            .waits = {{"barrier", r.uniform()}, {"long_scoreboard", 0.25}}}};
  e.diagnosis.profiler = maybe() ? "CUPTI" : "";
  if (maybe()) {
    e.diagnosis.timeline = Timeline{
        .kernel = text(),
        .programs = 4,
        .program_ns = r.uniform(),
        .plain_us = 3,
        .probed_us = 4,
        .disturbed = maybe(),
        .parts = {{.op = "tt.load", .line = 9, .events = 8, .median_ns = 1, .longest_ns = 2, .share = r.uniform()}},
        .events = {{.program = 1, .sm = 2, .part = 0, .round = 3, .begin_ns = r.uniform(), .end_ns = 5}}};
  }
  if (maybe())
    e.diagnosis.activity =
        RunActivity{.stream = 7,
                    .events = {{.what = text(), .stream = 7, .us = r.uniform(), .grid = {1, 2, 3}, .registers = 32}},
                    .count = 1,
                    .span_us = r.uniform()};
  if (maybe()) {
    e.diagnosis.traces["eager"] = {.kernels = {{.name = text(), .launches = 3, .us = r.uniform()}},
                                   .waits = {{.call = "cudaStreamSynchronize", .times = 2, .us = 7}},
                                   .operators = {{.name = "aten::mm", .calls = 2, .us = r.uniform()}},
                                   .copies = 1,
                                   .copies_us = 2,
                                   .span_us = 9,
                                   .busy_us = 5,
                                   .longest_gap_us = 4,
                                   .host_us = r.uniform()};
  }
  e.diagnosis.advice = {text()};
  e.checks = {{.name = "fp64_error", .passed = maybe(), .detail = {{"max_error", r.uniform()}}}};
  e.jobs = {{.kind = "compile", .seconds = r.uniform(), .cached = maybe()}};
  e.variants = 3;
  e.variants_supported = 2;
  return e;
}

RC_GTEST_PROP(EvaluationRecord, ReadsBackAsItWasWritten, (std::uint64_t seed)) {
  const auto written = to_json(any_evaluation(seed));
  const auto text = written.dump();
  const auto read = evaluation_from_json(json::parse(text));
  RC_ASSERT(read.has_value());
  RC_ASSERT(to_json(*read) == written);
  RC_ASSERT(read->verdict == any_evaluation(seed).verdict);
}

RC_GTEST_PROP(EvaluationRecord, WithAnythingTakenAwayIsReadOrRefusedButNeverThrows, (std::uint64_t seed)) {
  auto record = to_json(any_evaluation(seed));
  Random r(seed);
  auto* at = &record;
  for (int depth = 0; depth < 3 && at->is_object() && !at->empty(); ++depth) {
    auto it = at->begin();
    std::advance(it, static_cast<std::ptrdiff_t>(r.below(at->size())));
    if (depth == 2 || r.below(2) == 0) {
      if (r.below(2) == 0)
        *it = "nonsense";
      else
        at->erase(it);
      break;
    }
    at = &*it;
  }
  const auto read = evaluation_from_json(record);
  if (!read) RC_ASSERT(read.error().kind == ErrorKind::user);
}

TEST(EvaluationRecord, HasTheFieldsOfTheDesign) {
  const auto j = to_json(any_evaluation(5));
  for (const auto* key : {"schema", "id", "problem", "workload", "candidate", "language", "target", "contract",
                          "verdict", "rule", "message", "receipt", "diagnosis", "checks", "jobs"}) {
    EXPECT_TRUE(j.contains(key)) << key;
  }
  Evaluation e;
  e.receipt = Receipt{};
  const auto receipt = to_json(e)["receipt"];
  for (const auto* key : {"evidence", "time_us", "baselines", "speedup", "speed_of_light_us",
                          "fraction_of_speed_of_light", "machine", "versions", "isolation"}) {
    EXPECT_TRUE(receipt.contains(key)) << key;
  }
  EXPECT_TRUE(receipt["speed_of_light_us"].is_null()) << "null where unknown";
}

TEST(EvaluationRecord, KnowsNoInfinity) {
  Evaluation e;
  e.receipt = Receipt{};
  e.receipt->time_us.median = INFINITY;
  const auto j = to_json(e);
  EXPECT_TRUE(j["receipt"]["time_us"]["median"].is_null());
  EXPECT_TRUE(std::isnan(evaluation_from_json(j)->receipt->time_us.median));
}

TEST(EvaluationRecord, OfAnotherSchemaIsRefusedWithBothNumbers) {
  auto j = to_json(Evaluation{});
  j["schema"] = 7;
  const auto read = evaluation_from_json(j);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("schema 7 is not 1"));
  j["schema"] = 1;
  j["verdict"] = "lucky";
  EXPECT_THAT(evaluation_from_json(j).error().message, HasSubstr("verdict \"lucky\""));
}

TEST(FakeEvaluator, SaysWhatTheScriptSaysTwiceTheSame) {
  const auto loop = make_manual_loop();
  FakeEvaluator evaluator(*loop, {.landscape = scripted_landscape()});
  std::vector<Evaluation> got;
  const auto submit = [&](const char* text) {
    evaluator.submit({.text = text, .name = "c"}, {}, [&](Result<Evaluation> e) { got.push_back(*e); });
  };
  submit("// speedup 2.5");
  submit("// speedup 2.5");
  submit("// verdict wrong differs_between_runs\n");
  loop->run();
  ASSERT_EQ(got.size(), 3U);
  EXPECT_NEAR(got[0].receipt->speedup["eager"].value, 2.5, 1e-12);
  EXPECT_EQ(to_json(got[0])["receipt"], to_json(got[1])["receipt"]);
  EXPECT_EQ(got[2].verdict, Verdict::wrong);
  EXPECT_EQ(got[2].rule, "differs_between_runs");
}

TEST(FakeEvaluator, AnswersWhatIsCancelledAndFailsWhenTold) {
  const auto loop = make_manual_loop();
  FakeEvaluator evaluator(*loop, {.delay = std::chrono::milliseconds(10)});
  std::vector<ErrorKind> kinds;
  const auto submit = [&] {
    evaluator.submit({.text = "x"}, {},
                     [&](Result<Evaluation> e) { kinds.push_back(e ? ErrorKind::user : e.error().kind); });
  };
  submit();
  evaluator.cancel_all();
  loop->run();
  evaluator.fail_next({.kind = ErrorKind::system, .message = "disk full"});
  submit();
  submit();
  loop->run();
  EXPECT_THAT(kinds, ::testing::ElementsAre(ErrorKind::cancelled, ErrorKind::system, ErrorKind::user));
}

}  // namespace
}  // namespace kerf
