// The executor of this machine, over kernels of this file and a PyTorch of one operator: what launches are given, what
// calls leave, and what becomes of what goes wrong.
#include "runner/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "base/shared_memory.h"
#include "runner/fake_bridge.h"

namespace kerf {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr std::int64_t elements = 64;
constexpr std::uint64_t sentinel = 0x7f7f7f7f7f7f7f7f;

template <class T>
T given(void* const* args, std::size_t i) {
  return *static_cast<const T*>(args[i]);
}

// out[i] = x[i] * by, an element a task; notes tasks and threads in the order in which they come.
std::vector<std::int64_t>& tasks_seen() {
  static std::vector<std::int64_t> all;
  return all;
}
void scale(void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    tasks_seen().push_back(i);
    given<float*>(args, 1)[i] = given<const float*>(args, 0)[i] * given<float>(args, 2);
  }
}
void write_beside(void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t, std::int64_t) {
  given<float*>(args, 1)[elements] = 1;
}
// The bits of its arguments, behind one another.
void show_arguments(void* const* args, std::int64_t count, const std::int64_t* grid, std::int64_t dims, std::int64_t,
                    std::int64_t) {
  auto* out = given<float*>(args, 0);
  out[0] = static_cast<float>(count);
  out[1] = static_cast<float>(dims);
  out[2] = static_cast<float>(grid[0] * 100 + grid[1]);
  out[3] = static_cast<float>(given<std::int64_t>(args, 1));
  out[4] = static_cast<float>(given<std::int32_t>(args, 2));
  out[5] = given<float>(args, 3);
  out[6] = static_cast<float>(given<double>(args, 4));
  out[7] = given<bool>(args, 5) ? 1.0F : 0.0F;
  out[8] = static_cast<float>(given<std::int64_t>(args, 6));
}

const char* const scale_types[] = {"const f32*", "f32*", "f32", "i64", nullptr};
const char* const show_types[] = {"f32*", "i64", "i32", "f32", "f64", "bool", "i64", "i64", "i64", nullptr};

std::string plan(const std::string& steps) { return "/* /// kerf\nversion = 1\n" + steps + "/// */\n"; }

std::string launch(const std::string& kernel, std::initializer_list<const char*> args) {
  std::string list;
  for (const char* arg : args) list += "\"" + std::string(arg) + "\",";
  return "[[step]]\nlaunch = \"" + kernel + "\"\ngrid = [64]\nargs = [" + list + "]\n";
}
const std::string relu_step = "[[step]]\ncall = \"aten.relu\"\nargs = [\"x\"]\nout = \"out\"\n";
constexpr const char* half = "[[scratch]]\nname = \"half\"\ndtype = \"f32\"\nshape = [64]\n";

struct ExecutorOfThisMachine : ::testing::Test {
  FakeBridge bridge;
  KerfBridge table = bridge.table();
  std::vector<KernelEntry> kernels = {
      {.name = "scale", .types = scale_types, .run = scale},
      {.name = "beside", .types = scale_types, .run = write_beside},
      {.name = "show", .types = show_types, .run = show_arguments},
      {.name = nullptr, .types = nullptr, .run = nullptr},
  };
  alignas(StatusPage) std::array<std::byte, StatusPage::bytes> page_bytes{};
  StatusPage& page = *new (page_bytes.data()) StatusPage{};
  SharedMemory inputs = *SharedMemory::create("inputs", elements * sizeof(float));
  SharedMemory outputs = *SharedMemory::create("outputs", 4096);
  LoadMessage load;
  RunMessage request{.inputs = {0}, .outputs = {0}, .sentinel = sentinel};
  Source source;
  std::unique_ptr<Executor> executor;

  ExecutorOfThisMachine() {
    const TensorSpec spec{.dtype = Dtype::f32, .shape = {elements}, .stride = {1}};
    load.workload.tensors = {{.name = "x", .role = Role::input, .spec = spec}};
    load.workload.outputs = {spec};
    load.threads = 1;
    for (std::int64_t i = 0; i < elements; ++i) floats(inputs)[i] = static_cast<float>(i - 32);
    tasks_seen().clear();
  }
  static float* floats(SharedMemory& memory) { return reinterpret_cast<float*>(memory.bytes().data()); }
  [[nodiscard]] float output(std::int64_t i) { return floats(outputs)[i]; }

  void have(const std::string& steps) {
    std::string code;
    for (const KernelEntry& kernel : kernels)
      if (kernel.name != nullptr) code += std::string("void ") + kernel.name + "();\n";
    load.candidate = {.text = plan(steps) + code, .language = Language::cpp, .name = "test.cpp"};
    auto read = read_source(load.candidate);
    ASSERT_TRUE(read) << read.error().message;
    source = *std::move(read);
    executor = std::make_unique<Executor>(table, source, load, kernels.data(), nullptr, page);
  }
  Result<> place() { return executor->place(request, inputs.fd().get(), outputs.fd().get()); }
  Result<RunAnswer> run() {
    if (!executor->prepared()) {
      TRY(place());
      TRY(executor->prepare());
    }
    TRY(place());
    tasks_seen().clear();
    bridge.log.clear();
    auto answer = TRY(request.watch ? executor->watched_replay(request) : executor->replay(request));
    TRY(executor->finish(request));
    return answer;
  }
  void expect_blame(const Result<RunAnswer>& answer, const char* verdict, const char* rule) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::candidate) << answer.error().message;
    EXPECT_THAT(answer.error().facts, Contains(Pair("verdict", verdict)));
    EXPECT_THAT(answer.error().facts, Contains(Pair("rule", rule)));
  }
};

TEST_F(ExecutorOfThisMachine, LaunchesEveryTaskOfAGridOnce) {
  have(launch("scale", {"x", "out", "f32(2)"}));
  ASSERT_TRUE(run()) << run().error().message;
  for (std::int64_t i = 0; i < elements; ++i) EXPECT_EQ(output(i), 2 * static_cast<float>(i - 32));
  EXPECT_EQ(tasks_seen().size(), 64U);
  EXPECT_EQ(tasks_seen().front(), 0);
}

TEST_F(ExecutorOfThisMachine, LaunchesTheLastTaskFirstWhereARunAsksForIt) {
  have(launch("scale", {"x", "out", "f32(2)"}));
  load.threads = 2;  // tasks that wait for each other are found with one of them
  request.descending = true;
  ASSERT_TRUE(run());
  ASSERT_EQ(tasks_seen().size(), 64U);
  EXPECT_EQ(tasks_seen().front(), 63);
  EXPECT_EQ(tasks_seen().back(), 0);
  EXPECT_EQ(output(63), 62);
}

TEST_F(ExecutorOfThisMachine, GivesEachArgumentInItsType) {
  have(
      "[[step]]\nlaunch = \"show\"\ngrid = [3, 4]\nargs = [\"out\", \"x.shape[0]\", \"i32(-7)\", \"f32(0.5)\", "
      "\"f64(0.25)\", true, \"thread\"]\n");
  ASSERT_TRUE(run()) << run().error().message;
  EXPECT_THAT(std::vector<float>(floats(outputs), floats(outputs) + 9),
              ElementsAre(7, 2, 304, 64, -7, 0.5F, 0.25F, 1, 0));
}

TEST_F(ExecutorOfThisMachine, GivesThreadsArgumentsOfTheirOwn) {
  load.threads = 2;
  table.parallel = [](int threads, std::int64_t tasks, std::int64_t,
                      void (*body)(void*, std::int64_t, std::int64_t, int), void* context) {
    for (std::int64_t i = 0; i < tasks; ++i) body(context, i, i + 1, static_cast<int>(i) % threads);
  };
  static constexpr const char* types[] = {"const f32*", "f32*", "f32", "i64", "i64", nullptr};
  kernels[0].types = types;
  kernels[0].run = [](void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t begin,
                      std::int64_t) {
    given<float*>(args, 1)[begin] = static_cast<float>(given<std::int64_t>(args, 3));
  };
  have(launch("scale", {"x", "out", "f32(2)", "thread"}));
  ASSERT_TRUE(run()) << run().error().message;
  EXPECT_EQ(output(0), 0);
  EXPECT_EQ(output(1), 1);
  EXPECT_EQ(output(62), 0);
}

TEST_F(ExecutorOfThisMachine, PassesScratchFromStepToStepAndFillsItAnewEachTime) {
  have(half + launch("scale", {"x", "half", "f32(0.5)"}) + launch("scale", {"half", "out", "f32(4)"}));
  ASSERT_TRUE(run());
  EXPECT_EQ(output(40), 16);
  kernels[0].run = [](void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t begin,
                      std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) given<float*>(args, 1)[i] += 1;
  };
  ASSERT_TRUE(run());
  float filled = 0;
  std::memcpy(&filled, &sentinel, sizeof filled);
  EXPECT_EQ(output(40), filled + 1) << "nothing is left of the run before";
}

TEST_F(ExecutorOfThisMachine, FillsScratchThatMustBeZeroWithZeros) {
  kernels[0].run = [](void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t begin,
                      std::int64_t end) {
    auto* sum = const_cast<float*>(given<const float*>(args, 0));
    for (std::int64_t i = begin; i < end; ++i) {
      given<float*>(args, 1)[i] = sum[i];
      sum[i] += 3;
    }
  };
  have(half + ("zero = true\n" + launch("scale", {"half", "out", "f32(1)"})));
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(run());
    EXPECT_EQ(output(7), 0) << again;
  }
}

TEST_F(ExecutorOfThisMachine, TimesStepsOnlyIfAsked) {
  have(half + launch("scale", {"x", "half", "f32(1)"}) + launch("scale", {"half", "out", "f32(1)"}));
  auto answer = run();
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->step_us, ElementsAre());
  request.timed = true;
  answer = run();
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->step_us.size(), 2U);
  EXPECT_GT(answer->step_us[0], 0);
  EXPECT_LE(answer->step_us[0] + answer->step_us[1], answer->device_us + 0.001);
}

TEST_F(ExecutorOfThisMachine, BlamesTheLaunchThatWritesBesideATensor) {
  have(launch("scale", {"x", "out", "f32(1)"}) + launch("beside", {"x", "out", "f32(1)"}));
  const auto bound = run();
  expect_blame(bound, "wrong", "out_of_bounds_write");
  EXPECT_THAT(bound.error().message, HasSubstr("beside writes beside out"));
  EXPECT_EQ(bound.error().at->line, 8) << "while the plan is bound each launch is looked at";
}

TEST_F(ExecutorOfThisMachine, BlamesTheLastLaunchOnTheTensorWhenARunHasWrittenBesideIt) {
  have(launch("scale", {"x", "out", "f32(1)"}));
  ASSERT_TRUE(run());
  kernels[0].run = write_beside;
  const auto later = run();
  expect_blame(later, "wrong", "out_of_bounds_write");
  EXPECT_THAT(later.error().message, HasSubstr("scale writes beside out"));
}

TEST_F(ExecutorOfThisMachine, KnowsTheParametersOfKernelsThatTheImageHas) {
  have(launch("scale", {"x", "out", "f32(1)"}));
  const auto types = executor->prototype("scale");
  ASSERT_TRUE(types && *types);
  EXPECT_THAT(**types, ElementsAre("const f32*", "f32*", "f32", "i64"));
  const auto unknown = executor->prototype("scales");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::internal) << "the trailer declares each kernel of the plan";
}

TEST_F(ExecutorOfThisMachine, RefusesATrialOfAnotherWorkload) {
  have(launch("scale", {"x", "out", "f32(1)"}));
  request.inputs = {0, 0};
  const auto placed = place();
  ASSERT_FALSE(placed);
  EXPECT_EQ(placed.error().kind, ErrorKind::internal);
}

TEST_F(ExecutorOfThisMachine, CallsOperatorsAndWritesTheirResults) {
  have(relu_step + launch("scale", {"x", "out", "f32(0)"}) + relu_step);  // two writers: no result is adopted
  ASSERT_TRUE(run()) << run().error().message;
  EXPECT_THAT(bridge.log, ElementsAre("call", "copy", "call", "copy"));
  EXPECT_EQ(output(40), 8);
  EXPECT_EQ(output(0), 0);
}

TEST_F(ExecutorOfThisMachine, PassesAnOperatorsResultToALaunch) {
  have("[[step]]\ncall = \"aten.relu\"\nargs = [\"x\"]\nout = \"y\"\n" + launch("scale", {"y", "out", "f32(2)"}));
  ASSERT_TRUE(run()) << run().error().message;
  EXPECT_THAT(bridge.log, ElementsAre("call"));
  EXPECT_EQ(output(40), 16);
  EXPECT_EQ(output(0), 0);
}

TEST_F(ExecutorOfThisMachine, TellsAnOperatorThatRefusesItsArgumentsFromOneThatFindsNoMemory) {
  table.call = [](KerfCall*, KerfTensor* const*, KerfTensor**, std::int64_t) -> std::int64_t { return -1; };
  have(relu_step);
  const auto refused = run();
  expect_blame(refused, "rejected", "call");
  EXPECT_THAT(refused.error().message, HasSubstr("aten::relu: the fake bridge fails"));
  table.error = [] { return "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"; };
  expect_blame(run(), "crashed", "memory");
}

TEST_F(ExecutorOfThisMachine, RefusesAnOperatorWhoseResultIsAnotherThanWhenThePlanWasBound) {
  have("[[step]]\ncall = \"aten.relu\"\nargs = [\"x\"]\nout = \"y\"\n" + launch("scale", {"y", "out", "f32(2)"}));
  ASSERT_TRUE(run());
  table.call = [](KerfCall*, KerfTensor* const*, KerfTensor** results, std::int64_t) -> std::int64_t {
    results[0] = new KerfTensor{
        .spec = {.dtype = kerf_f32, .dims = 1, .shape = {2}, .stride = {1}}, .data = nullptr, .own = {1, 2}};
    results[0]->data = results[0]->own.data();
    return 1;
  };
  const auto changed = run();
  expect_blame(changed, "rejected", "call");
  EXPECT_THAT(changed.error().message, HasSubstr("was f32[64] when the plan was bound and is f32[2] now"));
}

TEST_F(ExecutorOfThisMachine, WatchesStepsThatAreAskedForAndLeavesTheResultOfAnyRun) {
  have(half + launch("scale", {"x", "half", "f32(0.5)"}) + launch("scale", {"half", "out", "f32(4)"}));
  ASSERT_TRUE(run());
  request.watch = {1};
  const auto answer = run();
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_TRUE(answer->watched);
  EXPECT_GT(answer->watched->page_fault_us, 0);
  EXPECT_GE(answer->watched->nodes, 1);
  ASSERT_EQ(answer->watched->steps.size(), 2U);
  EXPECT_EQ(answer->watched->steps[0].tasks, 0) << "nobody asked";
  EXPECT_EQ(answer->watched->steps[1].tasks, 64);
  EXPECT_EQ(output(40), 16);
}

TEST_F(ExecutorOfThisMachine, CountsThePagesThatAStepTouchesFirst) {
  static constexpr std::size_t pages = 256, bytes_a_page = 4096;
  kernels[0].run = [](void* const*, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t, std::int64_t) {
    void* const fresh =
        ::mmap(nullptr, pages * bytes_a_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(fresh, MAP_FAILED);
    ::madvise(fresh, pages * bytes_a_page, MADV_NOHUGEPAGE);
    for (std::size_t i = 0; i < pages; ++i) static_cast<volatile std::byte*>(fresh)[i * bytes_a_page] = std::byte{1};
    ::munmap(fresh, pages * bytes_a_page);
  };
  have(launch("scale", {"x", "out", "f32(0.5)"}) + relu_step);
  ASSERT_TRUE(run());
  request.watch = std::vector<int>();
  const auto answer = run();
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_EQ(answer->watched->steps.size(), 2U);
  EXPECT_GE(answer->watched->steps[0].page_faults, 256);
  EXPECT_LT(answer->watched->steps[1].page_faults, 256);
}

TEST_F(ExecutorOfThisMachine, SaysOnItsPageWhichStepRuns) {
  have(half + launch("scale", {"x", "half", "f32(1)"}) + launch("scale", {"half", "out", "f32(1)"}));
  static StatusPage* seen = nullptr;
  static std::vector<std::pair<int, StatusPage::Phase>> phases;
  seen = &page;
  phases.clear();
  kernels[0].run = [](void* const*, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t, std::int64_t) {
    phases.emplace_back(seen->step.load(), seen->phase.load());
  };
  ASSERT_TRUE(run());
  ASSERT_FALSE(phases.empty());
  for (const auto& [step, phase] : phases) EXPECT_EQ(phase, StatusPage::Phase::launch);
  EXPECT_EQ(phases.front().first, 0);
  EXPECT_EQ(phases.back().first, 1);
  EXPECT_EQ(page.phase.load(), StatusPage::Phase::ours);
}

}  // namespace
}  // namespace kerf
