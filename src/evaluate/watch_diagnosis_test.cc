#include "evaluate/watch_diagnosis.h"

#include <gmock/gmock.h>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr int threads = 2;

Source two_kernels() {
  auto source = read_source({.text = R"cpp(/* /// kerf
version = 1
[[step]]
launch = "sums"
grid = ["x.shape[0]"]
args = ["x", "partial"]
[[step]]
launch = "scale"
grid = ["x.shape[0]"]
args = ["x", "out"]
[[step]]
call = "aten.relu"
args = ["x"]
out = "y"
/// */
                                           extern "C" void sums(const float* x, float* partial, int64_t i) {}
                                           extern "C" void scale(const float* x, float* out, int64_t i) {}
                             )cpp",
                             .language = Language::cpp,
                             .name = "two.cpp"});
  EXPECT_TRUE(source) << source.error().message;
  return *std::move(source);
}

// 64 tasks in 16 chunks, evenly dealt out, lines of one's own.
StepWatch healthy(int step) {
  return {.step = step,
          .tasks = 64,
          .busiest_us = {52, 50, 51},
          .all_us = {100, 100, 100},
          .apart_us = {99, 101, 98},
          .chunk_us = std::vector<double>(16, 6.0),
          .lines = {.lines = 1000, .writes = 1000, .looked_at = 64'000, .writable = 64'000}};
}

struct WatchDiagnosis : testing::Test {
  Source source = two_kernels();
  std::vector<double> step_us = {80, 15, 5};
  RunWatch watched{.page_fault_us = 0.5, .nodes = 1, .steps = {healthy(0), healthy(1), {.step = 2}}};
  Diagnosis diagnosis{.bound = Bound::latency};
  double bytes_per_us = 20'000;

  void add() {
    add_watch(diagnosis, watched,
              {.source = source, .step_us = step_us, .time_us = 100, .threads = threads, .bytes_per_us = bytes_per_us});
  }
  double metric(const char* name) { return diagnosis.metrics.at(name).value; }
};

TEST_F(WatchDiagnosis, HealthyKernelsAreAccusedOfNothing) {
  add();
  EXPECT_THAT(diagnosis.causes, IsEmpty());
  EXPECT_THAT(diagnosis.advice, IsEmpty());
  EXPECT_DOUBLE_EQ(metric("imbalance"), 1.02);
  EXPECT_DOUBLE_EQ(metric("imbalance.tasks"), 1);
  EXPECT_DOUBLE_EQ(metric("share.shared_lines"), 0);
  EXPECT_NEAR(metric("slowdown.shared_lines"), 1.01, 0.01);
  EXPECT_EQ(metric("page_faults"), 0);
  EXPECT_EQ(diagnosis.metrics.at("imbalance.tasks").evidence, Evidence::modelled);
}

TEST_F(WatchDiagnosis, OneTaskForTwoThreadsIsImbalance) {
  diagnosis.advice = {"threads: sums has 1 task for 2 threads; split its work", "fuse: two kernels"};
  watched.steps[0].tasks = 1;
  watched.steps[0].busiest_us = watched.steps[0].all_us;
  watched.steps[0].chunk_us = {100};
  add();
  ASSERT_THAT(diagnosis.causes, ElementsAre(Field(&Cause::name, "imbalance")));
  EXPECT_THAT(diagnosis.causes[0].what, HasSubstr("2.00 times"));
  EXPECT_THAT(diagnosis.causes[0].what, HasSubstr("sums"));
  EXPECT_THAT(diagnosis.advice, ElementsAre(StartsWith("threads: 1 task of sums"), StartsWith("fuse:")))
      << "what was said without having looked gives way";
  EXPECT_EQ(diagnosis.hot_spots.at(0).line, 16);
}

TEST_F(WatchDiagnosis, ManyTasksOfWhichOneIsLongWantSmallerOnes) {
  watched.steps[0].busiest_us = {80, 79, 90};
  watched.steps[0].chunk_us.assign(16, 2.0);
  watched.steps[0].chunk_us.back() = 70;
  add();
  ASSERT_THAT(diagnosis.causes, ElementsAre(Field(&Cause::name, "imbalance")));
  EXPECT_DOUBLE_EQ(metric("imbalance"), 1.6) << "the median run";
  EXPECT_THAT(diagnosis.causes[0].what, HasSubstr("1.60 times"));
  EXPECT_THAT(diagnosis.advice, ElementsAre(StartsWith("tile: tasks of sums differ in length")));
}

TEST_F(WatchDiagnosis, OfAnUnevenRunOnlyWhatTheTasksLeaveIsTheCandidates) {
  watched.steps[0].tasks = 3;
  watched.steps[0].busiest_us = {100, 100, 100};
  watched.steps[0].chunk_us = {30, 30, 30};
  add();
  ASSERT_THAT(diagnosis.causes, ElementsAre(Field(&Cause::name, "imbalance")));
  EXPECT_THAT(diagnosis.causes[0].what, HasSubstr("1.33 times"));
}

TEST_F(WatchDiagnosis, CompanyThatKeepsAThreadFromItsCoreIsNotTheCandidatesFault) {
  watched.steps[0].busiest_us = {95, 90, 92};  // and all chunks are alike
  add();
  EXPECT_THAT(diagnosis.causes, IsEmpty());
}

TEST_F(WatchDiagnosis, LinesThatCostNothingAreNoCause) {
  watched.steps[0].lines = {.lines = 4,
                            .shared_lines = 4,
                            .writes = 16,
                            .shared_writes = 16,
                            .looked_at = 256,
                            .writable = 256,
                            .argument = 1};
  add();
  EXPECT_THAT(diagnosis.causes, IsEmpty()) << "a number a row, written once in a long while";
  EXPECT_DOUBLE_EQ(metric("share.shared_lines"), 1);
}

TEST_F(WatchDiagnosis, SharedLinesThatCostAreNamedWithTheirTensor) {
  watched.steps[0].lines.shared_writes = 400;
  watched.steps[0].lines.argument = 1;
  watched.steps[0].apart_us = {50, 45, 20};
  add();
  ASSERT_THAT(diagnosis.causes, ElementsAre(Field(&Cause::name, "false_sharing")));
  EXPECT_THAT(diagnosis.causes[0].what, HasSubstr("40 %"));
  EXPECT_THAT(diagnosis.causes[0].what, HasSubstr("partial"));
  EXPECT_THAT(diagnosis.causes[0].what, HasSubstr("2.2 times")) << "the median pair";
  EXPECT_THAT(diagnosis.advice[0], StartsWith("tile: give a task whole cache lines (64 bytes) of partial"));
  EXPECT_EQ(diagnosis.causes[0].evidence, Evidence::silicon);
}

TEST_F(WatchDiagnosis, LinesThatGoFromCoreToCoreAllTheTimeAreNamedWhereNoCopiesCouldTell) {
  watched.steps[0].apart_us.clear();
  watched.steps[0].lines = {.lines = 2'000,
                            .shared_lines = 2'000,
                            .writes = 12'000,
                            .shared_writes = 12'000,
                            .looked_at = 128'000,
                            .writable = 256'000,
                            .argument = 1};
  add();  // 24,000 lines of 64 bytes: 77 of 80 us
  ASSERT_THAT(diagnosis.causes, ElementsAre(Field(&Cause::name, "false_sharing")));
  EXPECT_THAT(diagnosis.causes[0].what, HasSubstr("96 % of its time at full bandwidth"));
  EXPECT_EQ(diagnosis.causes[0].evidence, Evidence::modelled);
  EXPECT_DOUBLE_EQ(metric("bytes.shared_lines"), 24'000 * 64.0);
  diagnosis = {.bound = Bound::latency};
  bytes_per_us = 0;
  add();
  EXPECT_THAT(diagnosis.causes, IsEmpty()) << "a machine whose bandwidth is not known";
}

TEST_F(WatchDiagnosis, SlowerTogetherWithoutASharedLineIsSomethingElse) {
  watched.steps[0].apart_us = {50, 45, 20};
  add();
  EXPECT_THAT(diagnosis.causes, IsEmpty());
}

TEST_F(WatchDiagnosis, WhatCostsMostComesFirstAndLittleIsNotNamed) {
  watched.steps[1].lines.shared_writes = 400;  // 15 % of the time, of which it takes half
  watched.steps[1].apart_us = {50, 50, 50};
  watched.steps[2].page_faults = 40;  // 20 us of 100
  diagnosis.causes = {{.name = "dependency_chain", .what = "known before"}};
  add();
  EXPECT_THAT(diagnosis.causes, ElementsAre(Field(&Cause::name, "page_faults"), Field(&Cause::name, "false_sharing"),
                                            Field(&Cause::name, "dependency_chain")));
  EXPECT_THAT(diagnosis.advice[0], StartsWith("fuse: aten.relu gets fresh memory"));
  EXPECT_DOUBLE_EQ(metric("share.page_faults"), 0.2);
  EXPECT_EQ(diagnosis.metrics.at("share.page_faults").evidence, Evidence::modelled);
}

TEST_F(WatchDiagnosis, AKernelsOwnFirstTouchesWantScratch) {
  watched.steps[0].page_faults = 100;
  add();
  ASSERT_THAT(diagnosis.causes, ElementsAre(Field(&Cause::name, "page_faults")));
  EXPECT_THAT(diagnosis.advice, ElementsAre(StartsWith("scratch: sums touches")));
}

TEST_F(WatchDiagnosis, AtTheSpeedOfLightNothingIsAccused) {
  watched.steps[0].tasks = 1;
  watched.steps[0].busiest_us = watched.steps[0].all_us;
  watched.steps[0].chunk_us = {100};
  diagnosis.bound = Bound::none;
  add();
  EXPECT_THAT(diagnosis.causes, IsEmpty());
  EXPECT_DOUBLE_EQ(metric("imbalance"), 2);
}

// The child that said so may be hostile.
TEST_F(WatchDiagnosis, NonsenseIsTakenForNothing) {
  watched.steps = {{.step = -3, .page_faults = 5},
                   {.step = 99, .tasks = 7, .busiest_us = {1}, .all_us = {-1}, .apart_us = {0}, .chunk_us = {-4}},
                   {.step = 0, .tasks = 4, .lines = {.shared_writes = 9, .argument = 77}}};
  add();
  EXPECT_THAT(diagnosis.causes, IsEmpty());
  watched.steps.clear();
  add();
}

TEST(StepsToWatch, AreTheLaunchesInWhichTimeGoes) {
  Plan plan;
  for (int i = 0; i < 7; ++i) plan.steps.emplace_back().kind = i == 2 ? Step::Kind::call : Step::Kind::launch;
  EXPECT_THAT(steps_to_watch(plan, {10, 50, 100, 1, 20, 30, 40}), ElementsAre(1, 5, 6));
  EXPECT_THAT(steps_to_watch(plan, {1, 1, 1, 1, 1, 1, 1}), ElementsAre(0, 1, 3, 4)) << "four at most";
  EXPECT_THAT(steps_to_watch(plan, {}), ElementsAre(0, 1, 3, 4));
}

TEST(ImbalanceOfChunks, IsThatOfDealingThemOutInOrder) {
  EXPECT_DOUBLE_EQ(imbalance_of_chunks({}, 2), 1);
  EXPECT_DOUBLE_EQ(imbalance_of_chunks({1, 1, 1}, 2), 2 * 2.0 / 3);
  EXPECT_DOUBLE_EQ(imbalance_of_chunks({1, 1, 1, 3}, 2), 4 * 2.0 / 6) << "the long one comes last";
  EXPECT_DOUBLE_EQ(imbalance_of_chunks({3, 1, 1, 1}, 2), 1) << "and first";
  EXPECT_DOUBLE_EQ(imbalance_of_chunks({5}, 4), 4);
}

}  // namespace
}  // namespace kerf
