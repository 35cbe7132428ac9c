#include "evaluate/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/fake_oracle.h"

namespace kerf {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* text = R"(/* /// kerf
version = 1
/// */

static float helper(float v) {
  return v;
}

extern "C" void relu(const float* x, float* out, int64_t n, int64_t row) {
  for (int64_t i = 0; i < n; ++i) {
    out[row * n + i] = helper(x[row * n + i]);
  }
}
)";

struct Patient : ::testing::Test {
  Workload workload = fake_workload();
  Source source;
  Receipt receipt;
  MachineLimits limits{.bytes_per_us = 10'000, .operations_per_us = 100'000, .launch_us = 5, .threads = 2};
  PlanShape shape;
  std::vector<double> step_us;
  std::vector<CompilerRemark> remarks;

  Patient() {
    source.candidate.text = text;
    workload.bytes = 10'000'000;  // 1,000 us
    workload.operations = 1'000'000;
    receipt.time_us.median = 2000;
    add(true, "relu", 10e6, 64);
    step_us = {1990};
  }
  void add(bool launch, const std::string& name, double bytes, double tasks) {
    Step step;
    step.kind = launch ? Step::Kind::launch : Step::Kind::call;
    step.target = {.text = name, .at = {4, 11}};
    source.plan.steps.push_back(step);
    shape.owner.push_back(static_cast<int>(shape.steps.size()));
    shape.steps.push_back({.launch = launch, .name = name, .at = {4, 11}, .count = 1, .bytes = bytes, .tasks = tasks});
  }
  Diagnosis look() {
    return diagnose({.source = source,
                     .workload = workload,
                     .receipt = receipt,
                     .limits = limits,
                     .shape = shape,
                     .step_us = step_us,
                     .remarks = remarks});
  }
};

TEST_F(Patient, ResultsThatNoCacheHoldsAreRoundTrips) {
  // x -> t -> out, 5 MB each, where x and out must move.
  shape.steps[0].bytes = 10e6;
  add(true, "relu", 10e6, 64);
  step_us = {995, 995};
  shape.touches = {{{.storage = 0, .bytes = 5e6}, {.storage = 1, .bytes = 5e6}},
                   {{.storage = 1, .bytes = 5e6}, {.storage = 2, .bytes = 5e6}}};
  limits.caches = {{.level = 2, .bytes = 4e6}, {.level = 3, .bytes = 8e6}};
  auto d = look();
  EXPECT_EQ(d.bound, Bound::memory);
  EXPECT_EQ(d.metrics.at("bytes.beyond.l2").value, 20e6);
  EXPECT_EQ(d.metrics.at("bytes.beyond.l3").value, 20e6);
  EXPECT_EQ(d.metrics.at("bytes.beyond.l3").evidence, Evidence::modelled);
  ASSERT_EQ(d.causes.size(), 1U);
  EXPECT_EQ(d.causes[0].name, "round_trips");
  EXPECT_THAT(d.advice, Contains(HasSubstr("fuse:")));
  limits.caches[1].bytes = 12e6;
  d = look();
  EXPECT_EQ(d.metrics.at("bytes.beyond.l3").value, 15e6) << "t stays in the last cache";
  EXPECT_TRUE(d.causes.empty());
  limits.caches.clear();
  EXPECT_FALSE(look().metrics.contains("bytes.beyond.l3")) << "unknown caches, unknown traffic";
}

TEST(ShapeOfPlan, StepsThatShareMemoryTouchOneStorage) {
  const auto source = read_source({.text = R"cpp(/* /// kerf
version = 1
[[scratch]]
name = "t"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]"]
[[step]]
launch = "relu"
grid = ["x.shape[0]"]
args = ["x", "t", "x.shape[1]"]
[[step]]
launch = "relu"
grid = ["x.shape[0]"]
args = ["t", "out", "x.shape[1]"]
/// */
                                                 extern "C" void relu(const float* x, float* out, int64_t n, int64_t row) {}
                                   )cpp",
                                   .language = Language::cpp,
                                   .name = "a.cpp"});
  ASSERT_TRUE(source) << source.error().message;
  const auto shape = shape_of_plan(*source, fake_workload(), {}, 2);
  ASSERT_TRUE(shape);
  ASSERT_EQ(shape->touches.size(), 2U);
  ASSERT_EQ(shape->touches[0].size(), 2U);
  EXPECT_EQ(shape->touches[0][1].storage, shape->touches[1][0].storage) << "t";
  EXPECT_NE(shape->touches[0][0].storage, shape->touches[1][1].storage);
  EXPECT_EQ(shape->touches[0][0].bytes, 4 * 8 * 4);
}

TEST_F(Patient, SpeedOfLightIsTheLargerOfMemoryAndArithmetic) {
  EXPECT_EQ(speed_of_light_us(workload, limits), 1000);
  workload.operations = 1e9;
  EXPECT_EQ(speed_of_light_us(workload, limits), 10'000);
  EXPECT_FALSE(speed_of_light_us(workload, {})) << "unknown machine, unknown light";
}

TEST_F(Patient, ResultsThatTheLastCacheHoldsNeedNotHaveReachedMemory) {
  workload.operations = 0;
  TensorSpec out;
  out.shape = {1000};
  out.stride = {1};
  workload.outputs = {out};
  workload.bytes = 10'000;
  limits.bytes_per_us = 1;
  EXPECT_EQ(shortest_believable_us(workload, limits), 10'000);
  limits.cache_bytes = 3'000;
  EXPECT_EQ(shortest_believable_us(workload, limits), 7'000);
  limits.cache_bytes = 1 << 20;
  EXPECT_EQ(shortest_believable_us(workload, limits), 6'000) << "what is read was flushed before";
  EXPECT_EQ(speed_of_light_us(workload, limits), 10'000);
}

TEST_F(Patient, AtTheSpeedOfLightIsBoundByNothingElse) {
  receipt.time_us.median = 1100;
  step_us = {1090};
  const auto d = look();
  EXPECT_EQ(d.bound, Bound::none);
  EXPECT_NEAR(d.metrics.at("bandwidth.memory").value, 10e6 / 1100 * 1e-3, 1e-9);
}

TEST_F(Patient, ThatMovesEveryByteOnceIsBoundByMemory) {
  const auto d = look();
  EXPECT_EQ(d.bound, Bound::memory);
  EXPECT_THAT(d.advice, Contains(HasSubstr("streaming stores")));
  EXPECT_THAT(d.advice, Not(Contains(HasSubstr("fuse"))));
}

TEST_F(Patient, WithSeveralPassesIsToldToFuse) {
  add(true, "second", 20e6, 64);
  step_us = {990, 1000};
  const auto d = look();
  EXPECT_EQ(d.bound, Bound::memory);
  EXPECT_THAT(d.advice, Contains(HasSubstr("fuse: the steps touch 30.0 MB where 10.0 MB must move")));
  EXPECT_EQ(d.metrics.at("bytes.memory.planned").evidence, Evidence::modelled);
}

TEST_F(Patient, WithManyLaunchesIsBoundByThem) {
  shape.steps[0].count = 200;
  shape.steps[0].bytes = 1000;
  EXPECT_EQ(look().bound, Bound::launch);
}

TEST_F(Patient, WhoseTimeIsOutsideItsStepsIsBoundByTheHost) {
  step_us = {900};
  const auto d = look();
  EXPECT_EQ(d.bound, Bound::host);
  EXPECT_NEAR(d.metrics.at("share.outside_steps").value, 0.55, 1e-9);
}

TEST_F(Patient, WithMuchArithmeticIsBoundByIt) {
  workload.operations = 150e6;  // 1,500 us
  receipt.time_us.median = 3000;
  step_us = {2990};
  EXPECT_EQ(look().bound, Bound::compute);
}

TEST_F(Patient, ThatKeepsNothingBusyIsBoundByLatencyAndSaysWhichLoop) {
  receipt.time_us.median = 20'000;
  step_us = {19'900};
  remarks = {{.line = 6, .column = 3, .missed = true, .pass = "vectorize", .text = "not here"},
             {.line = 10,
              .column = 3,
              .missed = true,
              .pass = "vectorize",
              .text = "the loop is not vectorised: a reduction cannot be reordered"},
             {.line = 10, .column = 3, .missed = false, .pass = "unroll", .text = "done"}};
  const auto d = look();
  EXPECT_EQ(d.bound, Bound::latency);
  ASSERT_EQ(d.hot_spots.size(), 3U);
  EXPECT_EQ(d.hot_spots[0].line, 9) << "the kernel that takes the time";
  EXPECT_EQ(d.hot_spots[1].line, 10) << "then what the compiler missed in it";
  EXPECT_EQ(d.hot_spots[2].line, 6) << "then elsewhere";
  EXPECT_THAT(d.advice,
              Contains("accumulators: the loop at line 10 is not vectorised: a reduction cannot be reordered"));
}

TEST_F(Patient, WithOneTaskIsToldToUseItsThreads) {
  shape.steps[0].tasks = 1;
  EXPECT_THAT(look().advice, Contains(HasSubstr("threads: relu has 1 task for 2 threads")));
}

TEST_F(Patient, ThatIsALibraryCallSaysSo) {
  source.plan.steps[0].kind = Step::Kind::call;
  shape.steps[0] = {.launch = false, .name = "aten.relu", .count = 1};
  source.plan.steps[0].target.text = "aten.relu";
  const auto d = look();
  EXPECT_EQ(d.metrics.at("share.calls").value, 1);
  EXPECT_THAT(d.advice, Contains(HasSubstr("library call aten.relu takes 100 %")));
}

TEST_F(Patient, AddsUpTheStepsOfALoop) {
  shape.owner = {0, 0, 0};
  step_us = {100, 200, 300};
  EXPECT_EQ(look().metrics.at("step.0").value, 600);
}

TEST_F(Patient, OnAnUnknownMachineHasNoBound) {
  limits = {};
  const auto d = look();
  EXPECT_FALSE(d.bound);
  EXPECT_TRUE(d.metrics.contains("time.cold"));
}

TEST(KernelLines, GoFromTheDeclarationToTheBrace) {
  EXPECT_EQ(lines_of_kernel(text, "relu"), std::pair(9, 13));
  EXPECT_FALSE(lines_of_kernel(text, "rel"));
  EXPECT_FALSE(lines_of_kernel(text, "helper")) << "no kernel";
  EXPECT_EQ(lines_of_kernel("extern \"C\" void k(float* y, int64_t i) { y[i] = 0; }", "k"), std::pair(1, 1));
}

}  // namespace
}  // namespace kerf
