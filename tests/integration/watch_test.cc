// Watched runs of kernels with a known cause of slowness (tests/cases/planted/cpu): what is seen of them however busy
// the machine is. What sharing a line costs is only seen where threads really run side by side: scripts/cpu_planted.py
// asks for that.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <toml++/toml.h>
#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/paths.h"
#include "evaluate/native_runner.h"
#include "evaluate/outputs.h"
#include "evaluate/watch_diagnosis.h"
#include "native_candidate.h"

namespace kerf {
namespace {

using ::testing::IsEmpty;

constexpr int threads = 2;

TensorSpec f32(std::vector<std::int64_t> shape) {
  auto stride = contiguous_strides(shape);
  return {.dtype = Dtype::f32, .shape = std::move(shape), .stride = std::move(stride)};
}

struct Planted {
  std::string name, cause;
  std::vector<std::int64_t> x, out;
};

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<Planted> planted() {
  const auto shape = [](const toml::array& array) {
    std::vector<std::int64_t> values;
    for (const auto& value : array) values.push_back(value.value_or(std::int64_t{0}));
    return values;
  };
  std::vector<Planted> found;
  const toml::table table = toml::parse_file(KERF_CASES "/planted/cpu/cases.toml");
  for (const auto& node : *table["case"].as_array()) {
    const toml::table& one = *node.as_table();
    found.push_back({.name = one["name"].value_or(""),
                     .cause = one["cause"].value_or(""),
                     .x = shape(*one["x"].as_array()),
                     .out = shape(*one["out"].as_array())});
  }
  return found;
}

class Watch : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = make_native_runner();
    ASSERT_TRUE(made) << made.error().message;
    runner = std::move(*made).release();
    auto folder = TemporaryDirectory::create("watch-test");
    ASSERT_TRUE(folder);
    directory = new TemporaryDirectory(std::move(*folder));
  }
  static void TearDownTestSuite() {
    delete runner;
    delete directory;
  }

  // The second run of a process, as after a warm-up, watched.
  RunWatch watch(const std::string& text, const std::vector<std::int64_t>& x, const std::vector<std::int64_t>& out) {
    workload = {};
    workload.id = "watched";
    workload.tensors = {{.name = "x", .role = Role::input, .spec = f32(x), .drawn = "randn"}};
    workload.outputs = {f32(out)};
    const Compiled compiled = compile_native(text, directory->path());
    source = compiled.source;
    auto inputs = make_arena("inputs", {{"x", f32(x)}}, Placement::front);
    auto outputs = make_outputs(workload, Placement::front);
    if (!inputs || !outputs) throw std::runtime_error("no memory");
    Trial trial;
    trial.arena = std::move(*inputs);
    auto* values = reinterpret_cast<float*>(trial.arena.memory.bytes().data() + trial.arena.tensors[0].offset);
    for (std::int64_t i = 0; i < f32(x).numel(); ++i) values[i] = static_cast<float>(i % 7 - 3);
    RunRequest request{.trial = &trial, .outputs = &*outputs, .sentinel = 0x44f1c4b2c60146a3};
    auto instance = runner->load(
        {.source = &source, .image = &compiled.image, .workload = &workload, .tune = {}, .threads = threads});
    EXPECT_TRUE(instance) << instance.error().message;
    auto report = (*instance)->run(request);
    EXPECT_TRUE(report) << report.error().message;
    EXPECT_FALSE(report->watched);
    const std::string plain(reinterpret_cast<const char*>(outputs->memory.bytes().data()),
                            outputs->memory.bytes().size());
    request.watch = steps_to_watch(source.plan, {});
    report = (*instance)->run(request);
    EXPECT_TRUE(report) << report.error().message;
    if (!report || !report->watched) return {};
    EXPECT_EQ(plain, std::string(reinterpret_cast<const char*>(outputs->memory.bytes().data()), plain.size()))
        << "looking changes nothing";
    return *report->watched;
  }

  // Of the first step.
  std::vector<std::string> causes(const RunWatch& watched) {
    Diagnosis diagnosis;
    const std::vector<double> step_us(source.plan.steps.size(), 100);
    add_watch(diagnosis, watched, {.source = source, .step_us = step_us, .time_us = 100, .threads = threads});
    std::vector<std::string> names;
    for (const Cause& cause : diagnosis.causes) names.push_back(cause.name);
    return names;
  }

  static inline Runner* runner = nullptr;
  static inline TemporaryDirectory* directory = nullptr;
  Workload workload;
  Source source;
};

TEST_F(Watch, SeesWhatWasPlanted) {
  for (const Planted& one : planted()) {
    SCOPED_TRACE(one.name);
    const RunWatch watched = watch(read(fmt::format("{}/planted/cpu/{}.cpp", KERF_CASES, one.name)), one.x, one.out);
    ASSERT_FALSE(watched.steps.empty());
    const StepWatch& seen = watched.steps.front();
    EXPECT_GT(seen.tasks, 0);
    const double chunks = imbalance_of_chunks(seen.chunk_us, threads);
    const double shared = seen.lines.writes > 0
                              ? static_cast<double>(seen.lines.shared_writes) / static_cast<double>(seen.lines.writes)
                              : 0;
    fmt::print("{:<24} shared {:.2f}, costs {:.2f}; busiest {:.2f}, by chunks {:.2f}; {} page faults\n", one.name,
               shared, slowdown_by_sharing(seen), imbalance(seen, threads), chunks, seen.page_faults);
    EXPECT_LE(seen.page_faults, 16);
    if (one.cause == "imbalance") {
      EXPECT_GT(chunks, 1.15);
      // Company may have kept the idle thread from its core until the long task was the only one left.
      if (imbalance(seen, threads) >= 1.25) {
        EXPECT_THAT(causes(watched), testing::ElementsAre("imbalance"));
      }
    } else {
      EXPECT_LT(chunks, 1.15);
    }
    if (one.cause == "false_sharing") {
      EXPECT_GT(shared, 0.9);
      EXPECT_GE(seen.lines.argument, 1);
    }
    if (one.cause.empty()) {
      EXPECT_THAT(causes(watched), IsEmpty());
    }
  }
}

TEST_F(Watch, MemoryThatIsTouchedFirstInEveryRunIsCounted) {
  // 4 MiB of its own that no run before has touched; lint would refuse that.
  const RunWatch watched = watch(R"cpp(/* /// kerf
version = 1
[[step]]
launch = "k"
grid = [1]
args = ["x", "out"]
/// */
                                       static char pool[256 << 20];
                                       static long used = 0;
                                       extern "C" void k(const float* x, float* out, int64_t) {
                                         char* mine = pool + used;
                                         used += 4 << 20;
                                         for (long i = 0; i < (4 << 20); i += 4096) mine[i] = 1;
                                         out[0] = x[0];
                                       }
                                 )cpp",
                                 {4}, {1});
  ASSERT_EQ(watched.steps.size(), 1u);
  EXPECT_GE(watched.steps[0].page_faults, 1000);
  EXPECT_LE(watched.steps[0].page_faults, 1100);
  EXPECT_GT(watched.page_fault_us, 0.01);
  EXPECT_EQ(watched.nodes, 1);
}

TEST_F(Watch, OnlyTheFirstLaunchOfALoopIsLookedAtAndInPlaceResultsStayRight) {
  const std::string text = R"cpp(/* /// kerf
version = 1
[loops]
t = "5"
[[scratch]]
name = "sums"
dtype = "f32"
shape = ["x.shape[0]"]
zero = true
[[step]]
launch = "add"
for = "t"
grid = ["x.shape[0]"]
args = ["x", "sums", "x.shape[1]"]
[[step]]
launch = "copy"
grid = [1]
args = ["sums", "out", "x.shape[0]"]
/// */
                                 extern "C" void add(const float* x, float* sums, int64_t n, int64_t row) {
                                   for (int64_t i = 0; i < n; ++i) sums[row] += x[row * n + i];
                                 }
                                 extern "C" void copy(const float* sums, float* out, int64_t n, int64_t) {
                                   for (int64_t i = 0; i < n; ++i) out[i] = sums[i];
                                 }
  )cpp";
  const RunWatch watched = watch(text, {64, 32}, {64});
  ASSERT_EQ(watched.steps.size(), 2u);
  EXPECT_EQ(watched.steps[0].tasks, 64);
  EXPECT_EQ(watched.steps[0].chunk_us.size(), 16u);
  EXPECT_EQ(watched.steps[0].lines.lines, 4);
  EXPECT_EQ(watched.steps[1].tasks, 1);
}

}  // namespace
}  // namespace kerf
