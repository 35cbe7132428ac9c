// Reductions of few columns over many rows: which launches there are, how rows are cut up, and what each of them reads.
#include "synthesize/builtin/emit/triton_column_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/emit/emit.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/lowering.h"
#include "synthesize/builtin/triton_schedule.h"
#include "synthesize/builtin/triton_tiles.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Region region_of(const std::string& text) {
  const auto graph = generalise(parse(text + "\noutput y\n").problem, GraphForm::exported);
  std::vector<std::size_t> nodes(graph->nodes.size());
  std::iota(nodes.begin(), nodes.end(), 0U);
  return *lower(*graph, nodes);
}
// 4,096 rows of 24 columns.
Region mean() { return region_of("input x f32 4096 24\ny = aten.mean.dim x [0] -> f32 24"); }
Region softmax_of_images() { return region_of("input x f32 3 4096 24\ny = aten.softmax.int x 1 -> f32 3 4096 24"); }
// Mean, then squared deviations from it: two waves, or one where they are joint.
Region deviations() { return region_of("input x f32 4096 24\ny = aten.var.correction x [0] correction=0 -> f32 24"); }

// Programs of 256 threads, 16 rows of 64 threads' columns at a time.
constexpr Schedule schedule_of(std::int64_t resident, bool joint = false) {
  Schedule s;
  s.sketch = Sketch::split;
  s.block = {256};
  s.width = 4;
  s.lanes = 32;
  s.unroll = 4;
  s.resident = resident;
  s.joint = joint;
  return s;
}
// Tensors by their own names.
void name_tensors(std::string& text) {
  const std::string x = placeholder({"x", 0});
  for (std::size_t at = text.find(x); at != std::string::npos; at = text.find(x)) text.replace(at, x.size(), "x");
}
Emitted emitted(const Region& region, const Schedule& schedule) {
  Result<Emitted> made = emit(Language::triton, region, schedule, "k", "THREADS");
  EXPECT_TRUE(made) << made.error().message;
  if (!made) return {};
  for (EmittedScratch& each : made->scratch) std::ranges::for_each(each.shape, name_tensors);
  for (EmittedLaunch& each : made->launches) {
    std::ranges::for_each(each.grid, name_tensors);
    for (auto& [name, value] : each.constants) name_tensors(value);
  }
  return *std::move(made);
}
std::vector<std::string> kernels(const Emitted& made) {
  std::vector<std::string> names;
  for (const EmittedLaunch& launch : made.launches) names.push_back(launch.kernel);
  return names;
}
const EmittedLaunch& launch_of(const Emitted& made, const std::string& kernel) {
  for (const EmittedLaunch& launch : made.launches)
    if (launch.kernel == kernel) return launch;
  ADD_FAILURE() << kernel;
  return made.launches.front();
}
std::string constant_of(const EmittedLaunch& launch, const std::string& name) {
  for (const auto& [constant, value] : launch.constants)
    if (constant == name) return value;
  return "";
}
// The text of one kernel.
std::string body(const Emitted& made, const std::string& kernel) {
  const std::size_t begin = made.source.find("def " + kernel + "(");
  return made.source.substr(begin, made.source.find("@triton.jit", begin) - begin);
}
// Rows of a chunk, as launches are told.
std::int64_t length_of(const Emitted& made) {
  const std::string& shape = made.scratch.front().shape.front();
  const std::size_t comma = shape.rfind(", ");
  return std::stoll(shape.substr(comma + 2, shape.rfind(')') - comma - 2));
}

TEST(TritonColumnSplit, IsWhatTheSketchMeansWhereColumnsLieSideBySide) {
  EXPECT_TRUE(cuts_up_columns(mean(), schedule_of(528)));
  EXPECT_FALSE(cuts_up_columns(region_of("input x f32 24 4096\ny = aten.mean.dim x [1] -> f32 24"), schedule_of(528)));
}

TEST(TritonColumnSplit, AWaveIsALaunchOfChunksAndOneThatJoinsThem) {
  const Emitted made = emitted(mean(), schedule_of(528));
  EXPECT_THAT(kernels(made), ElementsAre("k_pass1", "k_join1", "k"));
  // What each program has, and what that comes to.
  ASSERT_EQ(made.scratch.size(), 2U);
  EXPECT_EQ(made.scratch[0].name, "k_part1");
  EXPECT_EQ(made.scratch[1].name, "k_joined1");
  EXPECT_THAT(made.scratch[1].shape, ElementsAre("1", "1", "x.shape[1]"));
  for (const EmittedScratch& each : made.scratch) {
    EXPECT_EQ(each.dtype, "f64");
    EXPECT_FALSE(each.zero) << "every number that is read was written";
  }
}

TEST(TritonColumnSplit, ChunksAreWholeTilesAndAsManyAsProgramsAreWanted) {
  const Region region = mean();
  for (const std::int64_t programs : {1, 7, 64, 528}) {
    const std::int64_t length = length_of(emitted(region, schedule_of(programs)));
    EXPECT_EQ(length % (32 * 4), 0) << "the tiles of a chunk are whole";
    const std::int64_t chunks = (4096 + length - 1) / length;
    EXPECT_LE(chunks, programs);
    EXPECT_GT(2 * chunks, std::min<std::int64_t>(programs, 4096 / 128)) << "but not fewer than need be";
  }
}

TEST(TritonColumnSplit, RowsThatAreKeptShareTheProgramsOut) {
  // Three images: a third as many chunks of each.
  const std::int64_t of_one = length_of(emitted(mean(), schedule_of(24)));
  const std::int64_t of_three = length_of(emitted(softmax_of_images(), schedule_of(24, true)));
  EXPECT_EQ((4096 + of_one - 1) / of_one, 16);
  EXPECT_EQ((4096 + of_three - 1) / of_three, 8);
}

TEST(TritonColumnSplit, WhatProgramsReadOfAWaveDoesNotGrowWithTheChunks) {
  const Emitted made = emitted(softmax_of_images(), schedule_of(528, true));
  EXPECT_THAT(kernels(made), ElementsAre("k_pass1", "k_join1", "k"));
  EXPECT_THAT(body(made, "k_pass1"), AllOf(HasSubstr("k_part1_to"), Not(HasSubstr("joined"))));
  EXPECT_THAT(body(made, "k_join1"),
              AllOf(HasSubstr("k_part1_from"), HasSubstr("k_joined1_to"), Not(HasSubstr("x_from"))));
  EXPECT_THAT(body(made, "k"), AllOf(HasSubstr("k_joined1_from"), HasSubstr("out_to"), Not(HasSubstr("part1"))));
}

TEST(TritonColumnSplit, AJoinTakesAsManyLanesAsThereAreChunks) {
  // Whatever number of rows a hidden variant has: lanes follow from the plan's own expression.
  const Emitted made = emitted(softmax_of_images(), schedule_of(528, true));
  const std::string chunks = "cdiv(x.shape[1], " + std::to_string(length_of(made)) + ")";
  EXPECT_EQ(made.scratch[0].shape.front(), "x.shape[0] * " + chunks);
  EXPECT_EQ(constant_of(launch_of(made, "k_join1"), "CHUNKS"), "next_pow2(" + chunks + ")");
  EXPECT_THAT(body(made, "k_join1"), HasSubstr("there = (block < chunks) & valid")) << "lanes beyond have nothing";
}

TEST(TritonColumnSplit, AProgramHasTheSameColumnsInEveryPassOverRows) {
  const Emitted made = emitted(softmax_of_images(), schedule_of(528, true));
  for (const char* kernel : {"k_pass1", "k"}) {
    const EmittedLaunch& launch = launch_of(made, kernel);
    EXPECT_EQ(constant_of(launch, "BLOCK"), "128") << kernel;
    EXPECT_EQ(constant_of(launch, "COLUMNS"), "32") << kernel;
    EXPECT_THAT(launch.grid, ElementsAre("k_part1.shape[0] * cdiv(x.shape[2], 32)")) << kernel;
  }
}

TEST(TritonColumnSplit, ResultsWithoutRowsAreStoredByProgramsOfColumnsAlone) {
  const Emitted made = emitted(mean(), schedule_of(528));
  EXPECT_THAT(launch_of(made, "k").grid, ElementsAre("cdiv(x.shape[1], 32)"));
  EXPECT_THAT(body(made, "k"), AllOf(Not(HasSubstr("x_from")), Not(HasSubstr("chunk"))));
}

TEST(TritonColumnSplit, JointMomentsAreOneWaveOfThreeNumbers) {
  const Emitted joint = emitted(deviations(), schedule_of(528, true));
  EXPECT_THAT(kernels(joint), ElementsAre("k_pass1", "k_join1", "k"));
  EXPECT_EQ(joint.scratch[0].shape[1], "3") << "count, mean, squared deviations";
  const Emitted apart = emitted(deviations(), schedule_of(528, false));
  EXPECT_THAT(kernels(apart), ElementsAre("k_pass1", "k_join1", "k_pass2", "k_join2", "k"));
  EXPECT_THAT(body(apart, "k_pass2"), AllOf(HasSubstr("k_joined1_from"), HasSubstr("x_from"), HasSubstr("k_part2_to")));
}

TEST(TritonColumnSplit, AColumnsPlaceIsThatOfItsNumber) {
  // Numbers of a chunk follow one another, columns within each: neighbours store neighbours.
  const Emitted made = emitted(deviations(), schedule_of(528, true));
  for (const char* number : {"0", "1", "2"}) {
    EXPECT_THAT(body(made, "k_pass1"), HasSubstr("(chunk.to(tl.int64) * 3 + " + std::string(number) + ") * J + j"));
    EXPECT_THAT(body(made, "k_join1"), HasSubstr("k_joined1_to + " + std::string(number) + " * J + j"));
  }
}

TEST(TritonColumnSplit, ThreadsAreATuneAxisThatColumnsFollow) {
  Schedule s = schedule_of(528);
  s.block = {256, 512};
  const Emitted made = emitted(mean(), s);
  EXPECT_EQ(made.tune.first, "THREADS");
  EXPECT_THAT(made.tune.second, ElementsAre(256, 512));
  EXPECT_EQ(constant_of(launch_of(made, "k_pass1"), "COLUMNS"), "THREADS // 32 * 4");
}

TEST(TritonColumnSplit, IsTheDefaultWhereColumnsAreTooFewForAGpu) {
  const CacheFacts h100{.language = Language::triton, .sms = 132, .l2_bytes = 50 << 20};
  EXPECT_TRUE(cuts_up_columns(mean(), default_triton_schedule(mean(), h100)));
  const Region wide = region_of("input x f32 4096 65536\ny = aten.mean.dim x [0] -> f32 65536");
  EXPECT_FALSE(cuts_up_columns(wide, default_triton_schedule(wide, h100)));
  const Region low = region_of("input x f32 512 24\ny = aten.mean.dim x [0] -> f32 24");
  EXPECT_FALSE(cuts_up_columns(low, default_triton_schedule(low, h100)));
}

}  // namespace
}  // namespace kerf
