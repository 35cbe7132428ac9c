// What kerf says of an evaluation as a colleague would: each part is there when its figures are, and only then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/report.h"

namespace kerf {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Evaluation measured() {
  Evaluation e;
  e.verdict = Verdict::measured;
  Receipt r;
  r.time_us = {.median = 200, .low = 190, .high = 210, .samples = 30};
  r.speedup["eager"] = {.value = 2, .low = 1.9, .high = 2.1};
  r.speed_of_light_us = 100;
  r.fraction_of_speed_of_light = 0.5;
  e.receipt = r;
  return e;
}

void set_metrics(Evaluation& e, const std::map<std::string, double>& metrics) {
  for (const auto& [name, value] : metrics) e.diagnosis.metrics[name] = {.value = value, .unit = "1"};
}

TEST(DiagnosisText, SaysNothingOfTheSpeedOfWhatIsWrong) {
  Evaluation e;
  e.verdict = Verdict::wrong;
  e.rule = "fp64_error";
  e.message = "out is off\nby a lot";
  const std::string text = diagnosis_text(e);
  EXPECT_THAT(text, AllOf(HasSubstr("It is not right"), HasSubstr("out is off by a lot")));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
}

TEST(DiagnosisText, SaysWhereNoTimeWasTaken) {
  Evaluation e = measured();
  e.receipt->time_us = {};
  e.receipt->speedup.clear();
  e.receipt->evidence = Evidence::emulated;
  EXPECT_THAT(diagnosis_text(e), AllOf(HasSubstr("no time was taken (emulated)"), Not(HasSubstr("What bounds it"))));
}

TEST(DiagnosisText, BeginsWithTheTimeAndWhatWouldBePossible) {
  Evaluation e = measured();
  e.diagnosis.bound = Bound::memory;
  const std::string text = diagnosis_text(e);
  EXPECT_THAT(
      text, AllOf(testing::StartsWith("A run takes 200 us (95 % interval 190 us to 210 us), where 100 us"),
                  HasSubstr("50 % of the speed of light"), HasSubstr("Against eager"), HasSubstr("What bounds it: ")));
  for (const char* part : {"Why", "What was counted", "Where:", "Inside", "What I would try", "No counters"})
    EXPECT_THAT(text, Not(HasSubstr(part)));
}

TEST(DiagnosisText, NumbersCausesWithTheirEvidence) {
  Evaluation e = measured();
  e.diagnosis.causes = {{.name = "uncoalesced", .what = "a load touches 32 sectors"}};
  EXPECT_THAT(diagnosis_text(e),
              AllOf(HasSubstr("\nWhy:\n"), HasSubstr("  1. a load touches 32 sectors [uncoalesced, silicon]\n")));
  e.diagnosis.causes.push_back({.name = "spills", .what = "registers", .evidence = Evidence::statically});
  EXPECT_THAT(diagnosis_text(e),
              AllOf(HasSubstr("the main cause first"), HasSubstr("  2. registers [spills, static]")));
}

TEST(DiagnosisText, TellsHowThreadsAndMemoryFareWhereARunWasWatched) {
  Evaluation e = measured();
  set_metrics(e, {{"imbalance", 1.02}, {"page_faults", 0}});
  EXPECT_THAT(diagnosis_text(e),
              AllOf(HasSubstr("the busiest works 1.02 times as long as the average; 0 page faults a run\n"),
                    Not(HasSubstr("cache lines")), Not(HasSubstr("memory nodes"))));
  set_metrics(e, {{"slowdown.shared_lines", 2.5}, {"share.shared_lines", 0.4}, {"threads.nodes", 2}});
  EXPECT_THAT(diagnosis_text(e), AllOf(HasSubstr("40 % of the writes to cache lines meet another thread's, which makes "
                                                 "it 2.50 times as long"),
                                       HasSubstr("they ran on 2 memory nodes")));
  e.receipt->unavailable["threads"] = "unavailable: k was ended";
  EXPECT_THAT(diagnosis_text(e), HasSubstr("\nNo look at the threads: unavailable: k was ended\n"));
}

TEST(DiagnosisText, TellsWhatWasCountedAndLeavesOutWhatWasNot) {
  Evaluation e = measured();
  e.diagnosis.profiler = "CUPTI";
  set_metrics(e, {{"time.kernel", 180},
                  {"steps.launches", 3},
                  {"time.kernels", 195},
                  {"bytes.dram.read", 3e6},
                  {"bytes.dram.write", 1e6},
                  {"fraction.dram", 0.25},
                  {"bytes.load", 4e6},
                  {"sectors.load", 32},
                  {"used.load", 0.125},
                  {"conflicts.shared", 0.01},
                  {"fraction.unit.fma", 0.2},
                  {"fraction.unit.integer", 0.6},
                  {"fraction.unit.special", 0.01},
                  {"stall.long_scoreboard", 0.7},
                  {"stall.selected", 0.1}});
  const std::string text = diagnosis_text(e);
  EXPECT_THAT(text,
              AllOf(HasSubstr("slowest kernel (silicon, CUPTI)"), HasSubstr("180 us a launch; 3 launches take 195"),
                    HasSubstr("25 % of its bandwidth"), HasSubstr("touches 32.0 sectors a warp and uses 12 %"),
                    HasSubstr("60 % of integer; 20 % of fma"), HasSubstr("warps wait")));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("a store ")), Not(HasSubstr("bank conflicts")), Not(HasSubstr("special")),
                          Not(HasSubstr("found in L2")), Not(HasSubstr("What was measured"))));
}

TEST(DiagnosisText, TellsOfTheRunWhereNobodyCounted) {
  Evaluation e = measured();
  set_metrics(
      e, {{"bandwidth.memory", 12.5}, {"fraction.bandwidth", 0.4}, {"share.calls", 0}, {"share.outside_steps", 0.2}});
  EXPECT_THAT(diagnosis_text(e),
              AllOf(HasSubstr("What was measured:"), HasSubstr("12.5 GB/s of what must move"),
                    HasSubstr("20 % of the time outside the steps"), Not(HasSubstr("library calls"))));
}

TEST(DiagnosisText, PointsAtLinesAndTriesMoves) {
  Evaluation e = measured();
  e.diagnosis.hot_spots = {{.line = 12, .what = "waits for\nloads"}, {.line = 0, .what = "everywhere"}};
  e.diagnosis.advice = {"read once"};
  EXPECT_THAT(diagnosis_text(e), AllOf(HasSubstr("line 12        waits for loads [static]"),
                                       HasSubstr("-              everywhere"), HasSubstr("  - read once\n")));
}

TEST(DiagnosisText, SaysWhenProbesDisturbWhatTheyTime) {
  Evaluation e = measured();
  e.diagnosis.timeline =
      Timeline{.kernel = "k",
               .programs = 64,
               .program_ns = 2000,
               .plain_us = 100,
               .probed_us = 150,
               .disturbed = true,
               .parts = {{.op = "tt.load", .line = 7, .events = 64, .median_ns = 500, .share = 0.25}}};
  EXPECT_THAT(diagnosis_text(e), AllOf(HasSubstr("Inside k"), HasSubstr("the probes disturb it"),
                                       HasSubstr("line 7         tt.load: 25 % of a program's time in 64 recorded")));
  e.diagnosis.timeline->disturbed = false;
  EXPECT_THAT(diagnosis_text(e), Not(HasSubstr("disturb")));
}

TEST(DiagnosisText, ShowsWhatRanOnTheDeviceAndTheGapsBetween) {
  Evaluation e = measured();
  e.diagnosis.activity = RunActivity{
      .stream = 7,
      .events = {{.what = "first", .stream = 7, .us = 5, .grid = {128, 1, 1}, .block = {32, 4, 1}, .registers = 40},
                 {.what = "fill", .stream = 9, .begin_us = 8, .us = 2, .gap_us = 3, .bytes = 64}},
      .count = 2,
      .beside = 1,
      .span_us = 10,
      .idle_us = 3,
      .longest_gap_us = 3};
  const std::string text = diagnosis_text(e);
  EXPECT_THAT(text, AllOf(HasSubstr("stream 7 is timed"), HasSubstr("the longest gap is 3 us"),
                          HasSubstr("1 of them on other streams"), HasSubstr("first at "),
                          HasSubstr("128 x 1 x 1 blocks of 128 threads, 40 registers"),
                          HasSubstr("stream 9, after a gap of 3 us; 64 bytes"), Not(HasSubstr(" more\n"))));
  e.diagnosis.activity->count = 1;
  EXPECT_THAT(diagnosis_text(e), Not(HasSubstr("On the device")));
}

TEST(DiagnosisText, TellsWhatTheBaselinesDoOnTheDeviceOrTheHost) {
  Evaluation e = measured();
  TorchTrace on_device;
  on_device.launches = 1;
  on_device.kernels = {{.name = std::string(200, 'k'), .launches = 1, .us = 10}};
  TorchTrace on_host;
  on_host.host_us = 40;
  on_host.operators = {{.name = "aten::relu", .calls = 2, .us = 30}};
  e.diagnosis.traces = {{"compile", on_device}, {"eager", on_host}};
  const std::string text = diagnosis_text(e);
  EXPECT_THAT(text, AllOf(HasSubstr("What torch.compile does"), HasSubstr("What eager does"), HasSubstr("1 kernel in "),
                          HasSubstr("nothing on a device; 40"), HasSubstr("2 x aten::relu"),
                          Not(HasSubstr(std::string(91, 'k')))));
}

TEST(DiagnosisText, SaysWhyAFigureIsMissing) {
  Evaluation e = measured();
  e.receipt->unavailable["profile"] = "unavailable: only administrators may count";
  e.receipt->unavailable["lines"] = "nobody looked";
  EXPECT_THAT(diagnosis_text(e), AllOf(HasSubstr("No counters: unavailable: only administrators may count\n"),
                                       HasSubstr("No lines of what was sampled: unavailable: nobody looked\n")));
}

}  // namespace
}  // namespace kerf
