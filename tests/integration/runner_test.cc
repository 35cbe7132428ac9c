// The runner with the real PyTorch, the real g++ and the real kernel of the operating system: what runs, how what must
// not run ends, and that the next candidate notices nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/paths.h"
#include "evaluate/native_runner.h"
#include "native_candidate.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

TensorSpec f32(std::vector<std::int64_t> shape) {
  auto stride = contiguous_strides(shape);
  return {.dtype = Dtype::f32, .shape = std::move(shape), .stride = std::move(stride)};
}

// y = f(x, weight) on f32[rows, columns].
Workload workload(std::int64_t rows, std::int64_t columns) {
  Workload w;
  w.id = "test";
  w.tensors = {{.name = "x", .role = Role::input, .spec = f32({rows, columns}), .drawn = "randn"},
               {.name = "weight", .role = Role::parameter, .spec = f32({columns}), .drawn = "randn"}};
  w.init = {{"eps", Value{1e-5}}};
  w.outputs = {f32({rows, columns})};
  return w;
}

std::string plan_of(std::string_view plan, std::string_view code) {
  return fmt::format("/* /// kerf\nversion = 1\n{}/// */\n{}", plan, code);
}

class RunnerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = make_native_runner();
    ASSERT_TRUE(made) << made.error().message;
    runner = std::move(*made).release();
    auto folder = TemporaryDirectory::create("runner-test");
    ASSERT_TRUE(folder);
    directory = new TemporaryDirectory(std::move(*folder));
  }
  static void TearDownTestSuite() {
    delete runner;
    delete directory;
  }

  static Compiled compile(const std::string& text) { return compile_native(text, directory->path()); }

  // A trial with x[i] = i % 7 - 3 and weight[j] = 1 + j % 3.
  void draw(const Workload& w) {
    shapes = w;
    auto inputs = make_arena("inputs", {{"x", w.tensors[0].spec}, {"weight", w.tensors[1].spec}}, Placement::back);
    auto out = make_arena("outputs", {{"out", w.outputs[0]}}, Placement::back);
    ASSERT_TRUE(inputs && out);
    trial.arena = std::move(*inputs);
    outputs = std::move(*out);
    for (std::int64_t i = 0; i < w.tensors[0].spec.numel(); ++i) x()[i] = static_cast<float>(i % 7 - 3);
    for (std::int64_t i = 0; i < w.tensors[1].spec.numel(); ++i) weight()[i] = static_cast<float>(1 + i % 3);
  }
  float* x() { return reinterpret_cast<float*>(trial.arena.memory.bytes().data() + trial.arena.tensors[0].offset); }
  float* weight() {
    return reinterpret_cast<float*>(trial.arena.memory.bytes().data() + trial.arena.tensors[1].offset);
  }
  const float* out() {
    return reinterpret_cast<const float*>(outputs.memory.bytes().data() + outputs.tensors[0].offset);
  }

  Result<std::unique_ptr<RunnerInstance>> load(const Compiled& c, int threads = 2) {
    return runner->load({.source = &c.source, .image = &c.image, .workload = &shapes, .tune = {}, .threads = threads});
  }
  RunRequest request(milliseconds limit = milliseconds(5'000)) {
    return {.trial = &trial, .outputs = &outputs, .sentinel = 0x44f1c4b2c60146a3, .limit = limit};
  }
  Result<RunReport> run_once(const Compiled& c, milliseconds limit = milliseconds(5'000),
                             TaskOrder order = TaskOrder::dynamic) {
    auto instance = TRY(load(c));
    RunRequest r = request(limit);
    r.order = order;
    return instance->run(r);
  }
  // What a faulty candidate came to: "verdict rule line".
  std::string end_of(const std::string& text, milliseconds limit = milliseconds(5'000),
                     TaskOrder order = TaskOrder::dynamic) {
    const auto report = run_once(compile(text), limit, order);
    if (!report) {
      std::map<std::string, std::string> facts(report.error().facts.begin(), report.error().facts.end());
      message = report.error().message;
      return fmt::format("{} {} {}", facts["verdict"], facts["rule"], report.error().at ? report.error().at->line : 0);
    }
    return "ran";
  }

  static inline Runner* runner = nullptr;
  static inline TemporaryDirectory* directory = nullptr;
  Workload shapes;
  Trial trial;
  Arena outputs;
  std::string message;
};

// One launch over the rows; the launch stands on line 4.
std::string row_kernel(std::string_view body, std::string_view before = "") {
  return plan_of("[[step]]\nlaunch = \"k\"\ngrid = [\"x.shape[0]\"]\nargs = [\"x\", \"out\", \"x.shape[1]\"]\n",
                 fmt::format("{}\nextern \"C\" void k(const float* x, float* out, int64_t n, int64_t row) {{\n{}\n}}\n",
                             before, body));
}

constexpr const char* copy_row = "for (int64_t i = 0; i < n; ++i) out[row * n + i] = x[row * n + i];";

TEST_F(RunnerTest, KernelSeesItsArgumentsAndEveryTaskRunsOnce) {
  draw(workload(37, 129));
  const auto compiled = compile(plan_of(
      "[[step]]\nlaunch = \"norm\"\ngrid = [\"x.shape[0]\"]\n"
      "args = [\"x\", \"weight\", \"out\", \"x.shape[1]\", \"init.eps\"]\n",
      R"(extern "C" void norm(const float* x, const float* weight, float* out, int64_t n, float eps, int64_t row) {
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[row * n + i] * x[row * n + i];
  const float scale = 1.0f / __builtin_sqrtf(sum / (float)n + eps);
  for (int64_t i = 0; i < n; ++i) out[row * n + i] = x[row * n + i] * scale * weight[i];
})"));
  auto instance = load(compiled);
  ASSERT_TRUE(instance) << instance.error().message;
  for (const TaskOrder order : {TaskOrder::dynamic, TaskOrder::descending}) {
    auto r = request();
    r.order = order;
    const auto report = (*instance)->run(r);
    ASSERT_TRUE(report) << report.error().message;
    for (std::int64_t row = 0; row < 37; ++row) {
      double sum = 0;
      for (int i = 0; i < 129; ++i) sum += double{x()[row * 129 + i]} * x()[row * 129 + i];
      const double scale = 1 / std::sqrt(sum / 129 + 1e-5);
      for (int i = 0; i < 129; ++i) ASSERT_NEAR(out()[row * 129 + i], x()[row * 129 + i] * scale * weight()[i], 1e-4);
    }
  }
}

TEST_F(RunnerTest, CallsTakeScalarsListsAndViewsAndWriteOutputs) {
  draw(workload(8, 16));
  const auto compiled = compile(plan_of(R"(
[[step]]
call = "aten.transpose.int"
args = ["x", 0, 1]
out = "turned"
[[step]]
call = "aten.add.Tensor"
args = ["turned", "turned"]
kwargs = { alpha = 2.5 }
out = "sum"
[[step]]
call = "aten.cat"
args = [["sum", "turned"], 1]
out = "both"
[[step]]
call = "aten.slice.Tensor"
args = ["both", 1, 0, 8]
out = "half"
[[step]]
call = "aten.transpose.int"
args = ["half", 0, 1]
out = "back"
[[step]]
call = "aten.clamp"
args = ["back", "none", 5]
out = "out"
)",
                                        ""));
  auto instance = load(compiled);
  ASSERT_TRUE(instance) << instance.error().message;
  for (int run = 0; run < 3; ++run) {
    x()[0] = static_cast<float>(run);
    const auto report = (*instance)->run(request());
    ASSERT_TRUE(report) << report.error().message;
    for (std::int64_t i = 0; i < 128; ++i) ASSERT_FLOAT_EQ(out()[i], std::min(5.0f, 3.5f * x()[i])) << i;
  }
}

TEST_F(RunnerTest, LoopsPrepareScratchAndThreadWork) {
  draw(workload(6, 32));
  const auto compiled = compile(plan_of(
      R"(
[loops]
t = "x.shape[0]"
[[scratch]]
name = "doubled"
dtype = "f32"
shape = ["weight.shape[0]"]
[[scratch]]
name = "count"
dtype = "i64"
shape = ["threads"]
zero = true
[[step]]
launch = "twice"
phase = "prepare"
grid = [1]
args = ["weight", "doubled", "weight.shape[0]"]
[[step]]
launch = "row"
for = "t"
grid = [4]
args = ["x", "doubled", "out", "count", "x.shape[1]", "t", "thread"]
)",
      R"(extern "C" void twice(const float* w, float* d, int64_t n, int64_t) { for (int64_t i = 0; i < n; ++i) d[i] = 2 * w[i]; }
extern "C" void row(const float* x, const float* d, float* out, int64_t* count, int64_t n, int64_t t, int64_t thread, int64_t part) {
  const int64_t each = n / 4;
  count[thread] += 1;
  for (int64_t i = part * each; i < (part + 1) * each; ++i) out[t * n + i] = x[t * n + i] * d[i] + 0 * (float)count[thread];
})"));
  auto instance = load(compiled);
  ASSERT_TRUE(instance) << instance.error().message;
  auto r = request();
  r.timed = true;
  r.cold = true;
  const auto report = (*instance)->run(r);
  ASSERT_TRUE(report) << report.error().message;
  for (int row = 0; row < 6; ++row)
    for (int i = 0; i < 32; ++i) ASSERT_FLOAT_EQ(out()[row * 32 + i], x()[row * 32 + i] * 2 * weight()[i]);
  ASSERT_EQ(report->step_us.size(), 2u);
  EXPECT_GT(report->prepare_us, 0);
  EXPECT_LE(report->prepare_us, report->device_us);
  EXPECT_LE(report->device_us, report->parent_us);
}

TEST_F(RunnerTest, UnknownOverloadIsAnErrorThatListsThoseThatExist) {
  draw(workload(4, 4));
  EXPECT_THAT(end_of(plan_of("[[step]]\ncall = \"aten.cumsum.dim\"\nargs = [\"x\", 1]\nout = \"out\"\n", "")),
              HasSubstr("rejected"));
  EXPECT_THAT(message, HasSubstr("default, out"));
}

TEST_F(RunnerTest, OperatorThatRefusesItsArgumentsIsTheCandidatesFault) {
  draw(workload(4, 4));
  EXPECT_EQ(end_of(plan_of("[[step]]\ncall = \"aten.softmax.int\"\nargs = [\"x\", 9]\nout = \"out\"\n", "")),
            "rejected call 4");
  EXPECT_THAT(message, HasSubstr("Dimension out of range"));
}

TEST_F(RunnerTest, FaultyKernelsEndWithAVerdictAndTheNextCandidateRuns) {
  draw(workload(8, 64));
  EXPECT_EQ(end_of(row_kernel("*(volatile int*)8 = 1;")), "crashed signal 4");
  EXPECT_EQ(end_of(row_kernel("__builtin_trap();")), "crashed signal 4");
  EXPECT_EQ(end_of(row_kernel("((float*)x)[row] = 0; out[row * n] = 0;")), "crashed writes_input 4");
  EXPECT_THAT(message, HasSubstr("x, which is read-only"));
  EXPECT_EQ(end_of(row_kernel("for (int64_t i = 0; i < 4096; ++i) out[row * n + i] = 0;")), "crashed out_of_bounds 4");
  EXPECT_THAT(message, HasSubstr("outside out"));
  EXPECT_EQ(end_of(row_kernel("out[-1] = 0;")), "wrong out_of_bounds_write 4");
  EXPECT_EQ(end_of(row_kernel("for (volatile int64_t i = 0;; ) i = i + 1;"), milliseconds(300)),
            "timed_out time_limit 4");
  EXPECT_EQ(end_of(row_kernel("volatile char big[64 << 20]; for (int i = 0; i < (64 << 20); i += 4096) big[i] = 1;")),
            "crashed signal 4");
  EXPECT_EQ(end_of(row_kernel(copy_row)), "ran");
}

// Processes that `parent` started, and theirs, as this process sees them.
std::vector<pid_t> descendants(pid_t parent) {
  std::vector<pid_t> found;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", parent))) {
    std::ifstream children(task.path() / "children");
    for (pid_t child = 0; children >> child;) {
      found.push_back(child);
      for (const pid_t below : descendants(child)) found.push_back(below);
    }
  }
  return found;
}

TEST_F(RunnerTest, ARunnerThatWasKilledIsNoVerdictAndIsStartedAnew) {
  draw(workload(8, 64));
  const auto compiled = compile(row_kernel(copy_row));
  auto instance = load(compiled);
  ASSERT_TRUE(instance) << instance.error().message;
  ASSERT_TRUE((*instance)->run(request()));
  const auto processes = descendants(::getpid());
  ASSERT_FALSE(processes.empty());
  for (const pid_t process : processes) ::kill(process, SIGKILL);
  const auto lost = (*instance)->run(request());
  ASSERT_FALSE(lost);
  EXPECT_NE(lost.error().kind, ErrorKind::candidate) << lost.error().message;
  // A failure of ours is tried three times, as the job graph does.
  Result<RunReport> again = fail(ErrorKind::internal, "not run");
  for (int attempt = 0; attempt < 3 && !again; ++attempt) again = run_once(compiled);
  EXPECT_TRUE(again) << again.error().message;
}

TEST_F(RunnerTest, KernelsCannotAskTheOperatingSystemForAnything) {
  draw(workload(8, 64));
  const auto call = [&](const char* statement) {
    return end_of(row_kernel(
        statement,
        "extern \"C\" { long syscall(long, ...); int fork(); int usleep(unsigned); int open(const char*, int, ...); "
        "int socket(int, int, int); int getppid(); int kill(int, int); }"));
  };
  EXPECT_EQ(call("fork();"), "rejected system_call 4");
  EXPECT_EQ(call("usleep(1000);"), "rejected system_call 4");
  EXPECT_THAT(message, HasSubstr("nanosleep"));
  EXPECT_EQ(call("open(\"/etc/passwd\", 0);"), "rejected system_call 4");
  EXPECT_EQ(call("socket(2, 1, 0);"), "rejected system_call 4");
  EXPECT_EQ(call("kill(getppid(), 9);"), "rejected system_call 4");
  EXPECT_EQ(call("syscall(310, 1, 0, 0, 0, 0, 0);"), "rejected system_call 4") << "process_vm_readv";
}

TEST_F(RunnerTest, StaticConstructorsRunLockedDown) {
  draw(workload(8, 64));
  // What it opens lies on the file system of every jail; -1 is what it must get.
  const std::string before = R"(extern "C" int open(const char*, int, ...);
static int fd = open("/lib/x86_64-linux-gnu/libc.so.6", 0);)";
  const auto compiled = compile(row_kernel("out[row * n] = (float)fd;", before));
  const auto report = run_once(compiled);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(out()[0], -1);
}

TEST_F(RunnerTest, TasksThatWaitForOthersAreFoundInDescendingOrder) {
  draw(workload(8, 64));
  const std::string text = row_kernel(
      "while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) < row) {}\n"
      "out[row * n] = 1; __atomic_store_n(&done, row + 1, __ATOMIC_RELEASE);",
      "static int64_t done = 0;");
  EXPECT_EQ(end_of(text, milliseconds(300), TaskOrder::descending), "timed_out time_limit 4");
}

TEST_F(RunnerTest, MemoryHogIsAVerdictNotAnOutage) {
  draw(workload(8, 64));
  EXPECT_THAT(end_of(plan_of("[[step]]\ncall = \"aten.expand\"\nargs = [\"x\", [1000000000, 8, 64]]\nout = \"wide\"\n"
                             "[[step]]\ncall = \"aten.clone\"\nargs = [\"wide\"]\nkwargs = { memory_format = "
                             "\"contiguous_format\" }\nout = \"hog\"\n"
                             "[[step]]\ncall = \"aten.clone\"\nargs = [\"x\"]\nout = \"out\"\n",
                             "")),
              HasSubstr("crashed memory 8"));
  EXPECT_EQ(end_of(row_kernel(copy_row)), "ran");
}

TEST_F(RunnerTest, OutputsAndAddressesAreFreshInEveryRun) {
  draw(workload(8, 64));
  // Leaves the low bits of an address in the first element, the rest unwritten.
  const auto compiled = compile(row_kernel("if (row == 0) *(int*)out = (int)((long)x >> 16);"));
  auto instance = load(compiled);
  ASSERT_TRUE(instance) << instance.error().message;
  auto r = request();
  ASSERT_TRUE((*instance)->run(r));
  int first = 0, second = 0;
  std::memcpy(&first, out(), sizeof first);
  r.sentinel = 0x44f1c4b2c60146a4;
  ASSERT_TRUE((*instance)->run(r));
  std::memcpy(&second, out(), sizeof second);
  EXPECT_NE(first, second);
  std::uint64_t left = 0;
  std::memcpy(&left, out() + 2, sizeof left);
  EXPECT_EQ(left, r.sentinel);
}

// With more threads than there are cores too: then they wait for each other's cores, as those of a run would.
TEST_F(RunnerTest, AHandOverMayWakeThreadsAndTheNextCandidateRuns) {
  for (const int threads : {1, 2, 8}) {
    const auto us = runner->handover_us(threads);
    ASSERT_TRUE(us) << us.error().message;
    EXPECT_GT(*us, 0);
  }
  draw(workload(4, 8));
  EXPECT_TRUE(run_once(compile(row_kernel(copy_row))));
}

TEST_F(RunnerTest, CostsAreSmall) {
  draw(workload(4, 4));
  const auto compiled =
      compile(plan_of("[loops]\nt = \"1000\"\n[[step]]\nlaunch = \"k\"\nfor = \"t\"\ngrid = [2]\nargs = [\"out\"]\n"
                      "[[step]]\ncall = \"aten.relu\"\nfor = \"t\"\nargs = [\"x\"]\nout = \"out\"\n",
                      "extern \"C\" void k(float* out, int64_t i) { out[i] = 1; }"));
  const auto start = std::chrono::steady_clock::now();
  auto instance = load(compiled);
  ASSERT_TRUE(instance) << instance.error().message;
  const std::chrono::duration<double, std::milli> loaded = std::chrono::steady_clock::now() - start;
  auto r = request();
  r.timed = true;
  double launch = 1e9, call = 1e9, hand_over = 1e9;
  for (int i = 0; i < 10; ++i) {
    const auto report = (*instance)->run(r);
    ASSERT_TRUE(report) << report.error().message;
    if (report->step_us[0] < launch) launch = report->step_us[0];
    if (report->step_us[1] < call) call = report->step_us[1];
    hand_over = std::min(hand_over, report->parent_us - report->device_us);
  }
  fmt::print("load {:.1f} ms, a launch {:.2f} us, a call of relu on 16 elements {:.2f} us, hand-over {:.0f} us\n",
             loaded.count(), launch / 1000, call / 1000, hand_over);
  // Generous: this machine may have company.
  EXPECT_LT(loaded.count(), 2'000);
  EXPECT_LT(call / 1000, 200);
}

}  // namespace
}  // namespace kerf
