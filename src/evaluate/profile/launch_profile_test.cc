#include "evaluate/profile/launch_profile.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* plan_of_three = R"cuda(/* /// kerf
version = 1
[[step]]
launch = "first"
grid = ["x.shape[0]"]
block = [256]
args = ["x", "out"]
[[step]]
call = "aten.relu.default"
args = ["x"]
out = "y"
[[step]]
launch = "second"
grid = [1]
block = [32]
args = ["y", "out"]
/// */
extern "C" __global__ void first(const float* x, float* out) {}
extern "C" __global__ void second(const float* y, float* out) {}
)cuda";

// An H100's, as targets/nvidia.toml has them.
GpuLimits h100() {
  return {.architecture = "sm_90a",
          .sms = 132,
          .threads_per_block = 1024,
          .warps_per_sm = 64,
          .blocks_per_sm = 32,
          .registers_per_sm = 65536,
          .registers_per_thread = 255,
          .shared_per_sm = 233472,
          .shared_per_block = 232448,
          .reserved_shared_bytes = 1024};
}

Source source_of(const char* text) {
  auto source = read_source({.text = text, .language = Language::cuda, .name = "c.cu"});
  EXPECT_TRUE(source) << source.error().message;
  return *std::move(source);
}

Workload workload_of(Dtype dtype, const char* op) {
  Workload workload;
  workload.tensors = {
      {.name = "x", .role = Role::input, .spec = {.dtype = dtype, .shape = {1024, 1024}}, .drawn = "rand"}};
  workload.exported.nodes.push_back({.name = "a", .op = op, .args = {}, .kwargs = {}, .results = {}});
  workload.bytes = 8 << 20;
  return workload;
}

// Memory is full, for what must move and as much again.
LaunchCounters memory_bound(int step) {
  return {.step = step,
          .threads = 256,
          .blocks = 4096,
          .registers = 32,
          .shared_bytes = 0,
          .local_bytes = 0,
          .counters = {{"gpu__time_duration.sum", 20'000.0},
                       {"dram__bytes_read.sum", 16.0 * (1 << 20)},
                       {"dram__bytes_write.sum", 8.0 * (1 << 20)},
                       {"gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed", 90.0},
                       {"gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed", 91.0},
                       {"sm__throughput.avg.pct_of_peak_sustained_elapsed", 20.0},
                       {"smsp__average_warps_issue_stalled_long_scoreboard_per_issue_active.ratio", 9.0},
                       {"smsp__average_warps_issue_stalled_selected_per_issue_active.ratio", 1.0}}};
}

TEST(CuptiGroups, EveryCounterOnceAndNoneOfNsightComputesOwn) {
  const auto groups = cupti_groups(Effort::confirm);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_THAT(cupti_groups(Effort::screen), ElementsAre(groups[0]));
  std::multiset<std::string> planned;
  for (const auto& group : groups) planned.insert(group.begin(), group.end());
  std::multiset<std::string> wanted;
  for (const auto& counter : nvidia_counters())
    if (!counter.starts_with("launch__")) wanted.insert(counter);
  EXPECT_EQ(planned, wanted);
  // What depends on what the caches hold comes first.
  EXPECT_NE(std::ranges::find(groups[0], "dram__bytes_read.sum"), groups[0].end());
}

TEST(StepsToProfile, ThoseInWhichMostTimeGoes) {
  const Source source = source_of(plan_of_three);
  EXPECT_THAT(steps_to_profile(source.plan, {}), ElementsAre(0, 2));
  EXPECT_THAT(steps_to_profile(source.plan, {1, 50, 3}, 1), ElementsAre(2));
  EXPECT_THAT(steps_to_profile(source.plan, {1, 50, 3}, 0), IsEmpty());
}

TEST(StepsToProfile, OneOfThoseThatAreAlikeStandsForAll) {
  const auto step = [](const char* kernel, const char* grid) {
    return fmt::format("[[step]]\nlaunch = \"{}\"\ngrid = [\"{}\"]\nblock = [256]\nargs = [\"x\", \"out\"]\n", kernel,
                       grid);
  };
  const std::string plan = step("a", "8") + step("a", "8") + step("b", "8") + step("a", "9") + step("a", "8");
  const Source source = *read_source({.text = "/* /// kerf\nversion = 1\n" + plan + "/// */\n" +
                                              "extern \"C\" __global__ void a(const float* x, float* out) {}\n" +
                                              "extern \"C\" __global__ void b(const float* x, float* out) {}\n",
                                      .language = Language::cuda,
                                      .name = "test.cu"});
  const std::vector<double> even{20, 21, 20, 20, 19};
  const auto groups = alike_launches(source.plan, even);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_THAT(groups[0].steps, ElementsAre(0, 1, 4));
  EXPECT_EQ(groups[0].us, 60);
  EXPECT_THAT(steps_to_profile(source.plan, even), ElementsAre(0, 2, 3));
  EXPECT_THAT(steps_to_profile(source.plan, even, 1), ElementsAre(0)) << "together they take longest";
  EXPECT_THAT(steps_to_profile(source.plan, {20, 90, 20, 20, 19}), ElementsAre(0, 1, 2, 3))
      << "one does something else";
  EXPECT_THAT(steps_to_profile(source.plan, {}), ElementsAre(0, 1, 2, 3, 4)) << "nobody knows";

  const Workload workload = workload_of(Dtype::f32, "aten.relu.default");
  const GpuRun run = gpu_run({.launches = {memory_bound(0), memory_bound(2), memory_bound(3)}}, {.source = source,
                                                                                                 .workload = workload,
                                                                                                 .shape = nullptr,
                                                                                                 .step_us = even,
                                                                                                 .time_us = 100,
                                                                                                 .launch_us = 2,
                                                                                                 .gpu = h100(),
                                                                                                 .sms = 132});
  ASSERT_EQ(run.kernels.size(), 3U);
  EXPECT_EQ(run.kernels[0].launches, 3);
  EXPECT_EQ(run.kernels[1].launches, 1);
  EXPECT_EQ(run.launches, 5);
}

TEST(GpuRun, LaunchesAreWhatNsightComputeSaysOfThem) {
  const Source source = source_of(plan_of_three);
  const Workload workload = workload_of(Dtype::f32, "aten.relu.default");
  PlanShape shape;
  shape.steps = {{.launch = true, .count = 3}, {.launch = false, .count = 1}, {.launch = true, .count = 1}};
  const std::vector<double> step_us{60, 30, 5};
  const GpuRun run = gpu_run({.launches = {memory_bound(0)}}, {.source = source,
                                                               .workload = workload,
                                                               .shape = &shape,
                                                               .step_us = step_us,
                                                               .time_us = 100,
                                                               .launch_us = 2,
                                                               .gpu = h100(),
                                                               .sms = 132});
  ASSERT_EQ(run.kernels.size(), 1u);
  const KernelProfile& kernel = run.kernels[0];
  EXPECT_EQ(kernel.kernel, "first");
  EXPECT_DOUBLE_EQ(kernel.launches, 3);
  EXPECT_DOUBLE_EQ(run.launches, 4);
  EXPECT_DOUBLE_EQ(run.time_us, 70);     // without the call
  EXPECT_DOUBLE_EQ(run.least_bytes, 0);  // nobody knows what is the launches' part
  EXPECT_DOUBLE_EQ(kernel.get("fits.warps"), 8);
  EXPECT_DOUBLE_EQ(kernel.get("fits.registers"), 8);
  EXPECT_DOUBLE_EQ(kernel.get("fits.blocks"), 32);
  EXPECT_DOUBLE_EQ(kernel.get("launch.waves"), 4096.0 / (8 * 132));
  EXPECT_NEAR(kernel.get("stall.long_scoreboard"), 0.9, 1e-12);
  EXPECT_FALSE(run.half_products);
}

TEST(GpuRun, SaysWhetherHalvesAreMultiplied) {
  const Source source = source_of(plan_of_three);
  const std::vector<double> step_us;
  for (const auto& [dtype, op, halves] :
       {std::tuple(Dtype::bf16, "aten.mm.default", true), std::tuple(Dtype::f16, "aten.conv2d.default", true),
        std::tuple(Dtype::f32, "aten.mm.default", false), std::tuple(Dtype::bf16, "aten.relu.default", false)}) {
    const Workload workload = workload_of(dtype, op);
    EXPECT_EQ(gpu_run({}, {.source = source, .workload = workload, .step_us = step_us, .gpu = h100()}).half_products,
              halves)
        << op;
  }
}

TEST(AddProfile, CausesReplaceWhatWasGuessed) {
  const Source source = source_of(plan_of_three);
  const Workload workload = workload_of(Dtype::f32, "aten.relu.default");
  Diagnosis diagnosis{.bound = Bound::latency,
                      .metrics = {{"time.cold", {.value = 25, .unit = "us"}}},
                      .causes = {},
                      .hot_spots = {{.line = 1, .what = "first takes 99 %"}, {.line = 2, .what = "other"}},
                      .advice = {"unroll: a guess"}};
  const std::vector<double> step_us{24, 0, 1};
  add_profile(diagnosis,
              {.answer = {.launches = {memory_bound(0)},
                          .unknown = {},
                          .passes = 17,
                          .seconds = 0.2,
                          .parts = {{"counters", 0.125}}}},
              {.source = source,
               .workload = workload,
               .step_us = step_us,
               .time_us = 25,
               .launch_us = 2,
               .gpu = h100(),
               .sms = 132});
  EXPECT_EQ(diagnosis.bound, Bound::memory);
  ASSERT_FALSE(diagnosis.causes.empty());
  EXPECT_EQ(diagnosis.causes[0].name, "redundant_traffic");
  ASSERT_EQ(diagnosis.advice.size(), 1u);
  EXPECT_THAT(diagnosis.advice[0], HasSubstr("fuse"));
  EXPECT_TRUE(diagnosis.metrics.contains("time.cold"));
  EXPECT_DOUBLE_EQ(diagnosis.metrics.at("profile.passes").value, 17);
  EXPECT_DOUBLE_EQ(diagnosis.metrics.at("profile.seconds.counters").value, 0.125);
  ASSERT_EQ(diagnosis.hot_spots.size(), 3u);
  EXPECT_THAT(diagnosis.hot_spots[1].what,
              HasSubstr("warps of first wait for loads from global or local memory (90 %)"));
  EXPECT_EQ(diagnosis.hot_spots[1].evidence, Evidence::silicon);
}

// Two programs at 1 GHz, of one operation in two rounds: 100 and 300 ns in programs of 1,000 ns.
TEST(TimelineOf, PartsAndWhatTheProbesCost) {
  ProbedKernel kernel{.kernel = "sum",
                      .plan = {.events = {{.op = 7, .round = 0}, {.op = 7, .round = 1}}, .programs = 2}};
  kernel.ops[7] = {.name = "tt.load", .line = 12};
  ProbeAnswer answer{.plain_us = {11, 10, 50}, .probed_us = {11.5, 11, 60}, .words = {}};
  for (const std::uint64_t start : {5'000u, 5'100u}) {
    const std::uint64_t clock = 1'000'000;
    answer.words.insert(answer.words.end(),
                        {start, clock, 3, clock + 1000, clock + 100, clock + 200, clock + 400, clock + 700});
  }
  const auto found = timeline_of(kernel, answer, 1000);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->programs, 2);
  EXPECT_DOUBLE_EQ(found->program_ns, 1000);
  EXPECT_DOUBLE_EQ(found->plain_us, 11);
  EXPECT_DOUBLE_EQ(found->probed_us, 11.5);
  EXPECT_FALSE(found->disturbed);
  ASSERT_EQ(found->parts.size(), 1u);
  EXPECT_EQ(found->parts[0].line, 12);
  EXPECT_EQ(found->parts[0].events, 4);
  EXPECT_DOUBLE_EQ(found->parts[0].longest_ns, 300);
  EXPECT_DOUBLE_EQ(found->parts[0].share, 0.4);
  ASSERT_EQ(found->events.size(), 4u);
  EXPECT_EQ(found->events[2].program, 1);
  EXPECT_DOUBLE_EQ(found->events[2].begin_ns, 200);  // it began 100 ns later
  answer.probed_us = {13, 13, 13};
  EXPECT_TRUE(timeline_of(kernel, answer, 1000)->disturbed);
  answer.words.assign(answer.words.size(), 0);
  EXPECT_FALSE(timeline_of(kernel, answer, 1000));
}

TEST(SmClock, IsThatOfTheLaunchWhereItWasCounted) {
  ProfileAnswer answer;
  answer.launches = {{.step = 1, .counters = {{"gpu__time_duration.sum", 1e4}, {"sm__cycles_elapsed.max", 1.5e4}}}};
  EXPECT_DOUBLE_EQ(sm_mhz(answer, 1, 1'980'000), 1500);
  EXPECT_DOUBLE_EQ(sm_mhz(answer, 2, 1'980'000), 1980);
}

TEST(AddProfile, LinesInWhichWarpsWereSeenFollow) {
  const Source source = source_of(plan_of_three);
  const Workload workload = workload_of(Dtype::f32, "aten.relu.default");
  Diagnosis diagnosis{.bound = Bound::latency,
                      .metrics = {},
                      .causes = {},
                      .hot_spots = {{.line = 1, .what = "first takes 99 %"}, {.line = 2, .what = "other"}},
                      .advice = {}};
  const std::vector<double> step_us{24, 0, 1};
  LineTable table;
  table.functions["first"] = {{.address = 0, .file = "candidate", .line = 21}};
  TakenProfile taken{.answer = {.launches = {memory_bound(0)}}, .lines = {{"a.cubin", table}}};
  taken.answer.samples = {
      {.step = 0, .cubin = "a.cubin", .at = {{.function = "first", .offset = 16, .stalls = {{"barrier", 40}}}}}};
  add_profile(diagnosis, taken,
              {.source = source, .workload = workload, .step_us = step_us, .time_us = 25, .gpu = h100(), .sms = 132});
  EXPECT_EQ(diagnosis.profiler, "CUPTI");
  ASSERT_EQ(diagnosis.hot_spots.size(), 4u);
  EXPECT_EQ(diagnosis.hot_spots[2].line, 21);
  EXPECT_DOUBLE_EQ(diagnosis.hot_spots[2].share, 1);
  EXPECT_THAT(diagnosis.hot_spots[2].what, HasSubstr("waiting for other threads at a barrier (100 %)"));
  EXPECT_EQ(diagnosis.hot_spots[3].what, "other");
  EXPECT_DOUBLE_EQ(diagnosis.metrics.at("profile.samples").value, 40);
}

TEST(AddProfile, WhereCallsTakeTheTimeTheirBoundStays) {
  const Source source = source_of(plan_of_three);
  const Workload workload = workload_of(Dtype::f32, "aten.relu.default");
  Diagnosis diagnosis{
      .bound = Bound::latency, .metrics = {}, .causes = {}, .hot_spots = {}, .advice = {"fuse: the call"}};
  const std::vector<double> step_us{24, 80, 1};
  add_profile(diagnosis, {.answer = {.launches = {memory_bound(0)}}},
              {.source = source, .workload = workload, .step_us = step_us, .time_us = 105, .gpu = h100(), .sms = 132});
  EXPECT_EQ(diagnosis.bound, Bound::latency);
  EXPECT_THAT(diagnosis.causes, IsEmpty());
  EXPECT_THAT(diagnosis.advice, ElementsAre("fuse: the call"));
  EXPECT_TRUE(diagnosis.metrics.contains("bytes.dram.read"));
}

}  // namespace
}  // namespace kerf
