// Oracles from their start to their death: what they wait for, what survives them, and what is said where there is
// none.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>

#include "base/paths.h"
#include "base/process.h"
#include "base/room.h"
#include "evaluate/ahead_compiler.h"
#include "oracle_fixture.h"

namespace kerf {
namespace {

using namespace testing_oracle;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(OracleClient, AfterADeathKnowsItsWorkloadsButNotItsTrials) {
  const auto oracle = make_oracle(test_options());
  const auto understood = oracle->admit(problem_named("relu_of_rand"), 0);
  ASSERT_TRUE(understood.has_value()) << understood.error().message;
  const TrialRequest request{.workload = understood->workloads[0].id, .distribution = "own", .seed = 1};
  const auto before = oracle->draw(request);
  ASSERT_TRUE(before.has_value());
  ASSERT_FALSE(oracle->admit(problem_named("dies"), 0).has_value());
  const auto lost = oracle->judge(*before, outputs_of(understood->workloads[0]), 0, false);
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().kind, ErrorKind::system);
  EXPECT_TRUE(oracle->draw(request).has_value());
}

TEST(OraclePackage, PassesItsOwnTests) {
  const Command command{.argv = {*find_program(python()), "-m", "unittest", "discover", "-s", "tests", "-t", "."},
                        .environment = clean_environment(),
                        .directory = KERF_SOURCE "/oracle"};
  const auto finished = run(command, std::chrono::minutes(5));  // PyTorch compiles in two processes, each alone
  ASSERT_TRUE(finished.has_value()) << finished.error().message;
  EXPECT_TRUE(finished->ok()) << finished->errors;
  EXPECT_THAT(finished->errors, HasSubstr("OK"));
}

// What it compiles the package's own tests show; here that nobody waits for what will not come.
TEST(AheadCompiler, IsWaitedForAsLongAsItIsAtWork) {
  AheadCompiler ahead(test_options());
  const nlohmann::json broken{
      {"source", "nonsense"}, {"path", "p.py"}, {"sizes", nlohmann::json::object()}, {"mode", "as_written"}};
  const auto seconds = [&](Baseline baseline) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(ahead.wait("w", baseline, std::chrono::seconds(100)));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  EXPECT_LT(seconds(Baseline::compile), 1) << "nothing is under way";
  ahead.begin("w", 0, broken, {Baseline::compile, Baseline::max_autotune});
  EXPECT_LT(seconds(Baseline::eager), 1) << "not asked for";
  EXPECT_LT(seconds(Baseline::max_autotune), 90) << "an error is an answer";
  EXPECT_LT(seconds(Baseline::compile), 1) << "answered on the way";
  ahead.begin("w", 0, broken, {Baseline::compile});
  ahead.stop();
  EXPECT_LT(seconds(Baseline::compile), 1);
  OracleOptions without = test_options();
  without.python = "/no/such/python";
  AheadCompiler none(without);
  none.begin("w", 0, broken, {Baseline::compile});
  EXPECT_TRUE(none.wait("w", Baseline::compile, std::chrono::seconds(1))) << "nothing is under way";
}

TEST(AheadCompiler, IsGivenUpWhenTheLimitIsOver) {
  AheadCompiler ahead(test_options());
  ahead.begin("w", 0, {{"source", "nonsense"}, {"path", "p.py"}, {"mode", "as_written"}}, {Baseline::compile});
  EXPECT_FALSE(ahead.wait("w", Baseline::compile, std::chrono::milliseconds(1))) << "PyTorch has not even started";
  EXPECT_TRUE(ahead.wait("w", Baseline::compile, std::chrono::seconds(1))) << "nothing is under way any more";
}

// Two that share a device, which here is main memory: who admits a problem waits until there is room for it, and
// whoever goes on to another problem has let go of the one before.
TEST(OracleClient, WaitsForRoomBeforeItAdmitsAProblem) {
  OracleOptions options = test_options();
  options.beside = 2;
  options.room = std::make_shared<Room>();
  options.memory_bytes = std::int64_t{8} << 30;  // every problem is alone
  auto first = make_oracle(options), second = make_oracle(options);
  const Problem problem = problem_named("row_softmax");
  const auto admitted = first->admit(problem, 2);
  ASSERT_TRUE(admitted) << admitted.error().message;
  const auto plain = make_oracle(test_options())->admit(problem, 2);
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_GT(plain->workloads.size(), 1U);
  EXPECT_TRUE(std::ranges::equal(admitted->workloads, plain->workloads, {}, &Workload::id, &Workload::id))
      << "variants that were found before there was room";
  auto waits = std::async(std::launch::async, [&] { return second->admit(problem, 0); });
  EXPECT_EQ(waits.wait_for(std::chrono::seconds(10)), std::future_status::timeout) << "the first one has it all";
  EXPECT_TRUE(second->versions().contains("torch")) << "it can be asked other things meanwhile";
  EXPECT_TRUE(first->draw({.workload = admitted->workloads.at(0).id, .distribution = "own", .seed = 7}));
  first.reset();
  ASSERT_EQ(waits.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  const auto later = waits.get();
  ASSERT_TRUE(later) << later.error().message;
  EXPECT_TRUE(second->admit(problem, 0)) << "its own place is free when it asks for the next";
}

TEST(OracleClient, AdmitsAProblemAloneThatFindsNoMemoryBesideOthers) {
  const auto folder = TemporaryDirectory::create("kerf-oracle-test");
  ASSERT_TRUE(folder);
  const auto path = std::filesystem::path(folder->path()) / "1_Once.py";
  ASSERT_TRUE(write_file(path, R"(import torch
from torch._subclasses.fake_tensor import FakeTensor
class Model(torch.nn.Module):
    def forward(self, x):
        return torch.tanh(x)
def get_inputs():
    x = torch.randn(64, 64)
    if not isinstance(x, FakeTensor) and not hasattr(torch, "had_no_memory"):
        torch.had_no_memory = True
        raise RuntimeError("CUDA out of memory")
    return [x]
def get_init_inputs():
    return []
)"));
  const auto problem = load_problem(path.string());
  ASSERT_TRUE(problem) << problem.error().message;
  OracleOptions options = test_options();
  options.beside = 2;
  options.room = std::make_shared<Room>();
  options.memory_bytes = std::int64_t{80} << 30;
  auto oracle = make_oracle(options);
  const auto admitted = oracle->admit(*problem, 0);
  ASSERT_TRUE(admitted) << admitted.error().message;
  EXPECT_FALSE(options.room->take(0.01, std::chrono::milliseconds(0))) << "it is alone now";
  ASSERT_TRUE(oracle->admit(problem_named("relu_of_rand"), 0));
  EXPECT_TRUE(options.room->take(0.5, std::chrono::milliseconds(0))) << "and the next is not";
}

TEST(OracleClient, SaysWhatToInstallWherePythonIsMissing) {
  OracleOptions options = test_options();
  options.python = "/no/such/python";
  const auto understood = make_oracle(options)->admit(problem_named("relu_of_rand"), 0);
  ASSERT_FALSE(understood.has_value());
  EXPECT_EQ(understood.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(understood.error().message, HasSubstr("make setup"));
}

TEST(OracleClient, BlamesTheMachineWherePyTorchIsSlowToStart) {
  OracleOptions options = test_options();
  options.start_limit = std::chrono::milliseconds(20);
  const auto understood = make_oracle(options)->admit(problem_named("relu_of_rand"), 0);
  ASSERT_FALSE(understood.has_value());
  EXPECT_EQ(understood.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(understood.error().message,
              AllOf(HasSubstr("did not start PyTorch within"), Not(HasSubstr("make setup"))));
}

TEST(OracleClient, SaysWhatToInstallWherePyTorchIsMissing) {
  const auto python3 = find_program("python3");
  if (!python3) GTEST_SKIP() << "unavailable: python3";
  OracleOptions options = test_options();
  options.python = *python3;
  const auto understood = make_oracle(options)->admit(problem_named("relu_of_rand"), 0);
  if (understood.has_value()) GTEST_SKIP() << "unavailable: a Python without PyTorch";
  EXPECT_EQ(understood.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(understood.error().message, HasSubstr("torch==2.13.0"));
}

}  // namespace
}  // namespace kerf
