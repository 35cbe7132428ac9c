// What a GPU allows a launch, and what is told of one that it allows. No compiler: what a kernel takes is made up.
#include "target/nvidia/launch_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

namespace kerf {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr GpuLimits gpu() {
  return {.architecture = {},
          .sms = 132,
          .threads_per_block = 1024,
          .warps_per_sm = 64,
          .blocks_per_sm = 32,
          .registers_per_sm = 65536,
          .registers_per_thread = 255,
          .shared_per_sm = 233472,
          .shared_per_block = 232448,
          .reserved_shared_bytes = 1024,
          .l2_bytes = 52428800,
          .grid_x = 2147483647,
          .grid_yz = 65535,
          .block_xy = 1024,
          .block_z = 64};
}

// k(x, out, rows) as a compiler might have made it: two pointers and an integer, 32 registers.
CubinKernel kernel() {
  return {.name = "k",
          .registers = 32,
          .parameters = {{.offset = 0, .size = 8}, {.offset = 8, .size = 8}, {.offset = 16, .size = 8}}};
}

// A launch of k on x of 4096 x 16, in the lines that `shape` adds to its step: line 6 and the next.
Result<nlohmann::json> check(const std::string& shape, const std::optional<CubinKernel>& compiled = kernel()) {
  Workload workload;
  const TensorSpec spec{.dtype = Dtype::f32, .shape = {4096, 16}, .stride = {16, 1}};
  workload.tensors = {{.name = "x", .role = Role::input, .spec = spec}};
  workload.outputs = {spec};
  const Source source = TRY(read_source(
      {.text = "/* /// kerf\nversion = 1\n[[step]]\nlaunch = \"k\"\nargs = [\"x\", \"out\", \"x.shape[0]\"]\n" + shape +
               "\n/// */\nextern \"C\" __global__ void k(const float* x, float* out, int64_t rows) {}\n",
       .language = Language::cuda,
       .name = "k.cu"}));
  std::map<std::string, CubinKernel> kernels;
  if (compiled) kernels["k"] = *compiled;
  return check_launches(source, workload, {}, gpu(), compiled ? &kernels : nullptr);
}

// Refused by this rule, at this line, with these words.
void expect_refused(const Result<nlohmann::json>& checked, const char* rule, int line, const char* words) {
  ASSERT_FALSE(checked) << checked->dump();
  EXPECT_THAT(checked.error().facts, UnorderedElementsAre(Pair("verdict", "rejected"), Pair("rule", rule)))
      << checked.error().message;
  ASSERT_TRUE(checked.error().at);
  EXPECT_EQ(checked.error().at->line, line);
  EXPECT_THAT(checked.error().message, HasSubstr(words));
}

TEST(LaunchCheck, TellsWhatIsKnownOfALaunchWithoutRunningIt) {
  const auto told = check("grid = [\"x.shape[0]\"]\nblock = [256]\nshared = 1024");
  ASSERT_TRUE(told) << told.error().message;
  ASSERT_EQ(told->size(), 1u);
  const nlohmann::json& launch = told->front();
  EXPECT_EQ(launch["kernel"], "k");
  EXPECT_EQ(launch["line"], 4);
  EXPECT_EQ(launch["blocks"], 4096.0);
  EXPECT_EQ(launch["threads"], 256);
  EXPECT_EQ(launch["registers"], 32);
  EXPECT_EQ(launch["shared_bytes"], 1024);
  EXPECT_EQ(launch["blocks_per_sm"], 8);  // 64 warps an SM, 8 a block
  EXPECT_EQ(launch["occupancy"], 1.0);
  EXPECT_EQ(launch["limited_by"], "warps");
  EXPECT_DOUBLE_EQ(launch["waves"], 4096.0 / (8 * 132));
}

TEST(LaunchCheck, ALoopIsToldOfOnce) {
  const auto told = check("grid = [1]\nblock = [32]\nfor = \"t\"\n[loops]\nt = 3");
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_EQ(told->size(), 1u);
}

TEST(LaunchCheck, LimitsHoldBeforeAnythingIsCompiled) {
  EXPECT_TRUE(check("grid = [7, 65535]\nblock = [1024]", std::nullopt));
  expect_refused(check("grid = [7, 65536]\nblock = [32]", std::nullopt), "grid", 6, "extent 1 of the grid is 65536");
  expect_refused(check("grid = [1]\nblock = [1025]", std::nullopt), "block", 7, "at most 1024 threads");
  expect_refused(check("grid = [1]\nblock = [64, 32]", std::nullopt), "block", 7, "64 x 32 x 1");
  expect_refused(check("grid = [1]\nblock = [1, 1, 65]", std::nullopt), "block", 7, "64 along z");
  expect_refused(check("grid = [1]\nblock = [32]\nshared = 232449", std::nullopt), "shared_memory", 8, "227 KiB");
  expect_refused(check("grid = [16]\nblock = [32]\ncluster = [16]", std::nullopt), "cluster", 7, "at most 8 blocks");
}

TEST(LaunchCheck, PlanAndKernelSpeakOfTheSameParameters) {
  CubinKernel narrow = kernel();
  narrow.parameters[2].size = 4;
  expect_refused(check("grid = [1]\nblock = [32]", narrow), "prototype", 5, "argument 3 has 8 bytes in the plan");
  CubinKernel fewer = kernel();
  fewer.parameters.pop_back();
  expect_refused(check("grid = [1]\nblock = [32]", fewer), "prototype", 5, "gives 3 arguments and k takes 2");
}

TEST(LaunchCheck, WhatAKernelTakesCountsWithWhatItsPlanAsksFor) {
  CubinKernel large = kernel();
  large.shared_bytes = 232448;
  EXPECT_TRUE(check("grid = [1]\nblock = [32]", large));
  expect_refused(check("grid = [1]\nblock = [32]\nshared = 16", large), "shared_memory", 8,
                 "232448 bytes of shared memory in the kernel and 16 in the plan");
  CubinKernel bounded = kernel();
  bounded.max_threads = {128, 1, 1};
  EXPECT_TRUE(check("grid = [1]\nblock = [128]", bounded));
  expect_refused(check("grid = [1]\nblock = [160]", bounded), "block", 7, "compiled for at most 128");
}

TEST(LaunchCheck, RegistersOfABlockFitAnSm) {
  CubinKernel hungry = kernel();
  hungry.registers = 64;
  EXPECT_TRUE(check("grid = [1]\nblock = [1024]", hungry));
  hungry.registers = 65;  // registers of a warp come in units of 256
  expect_refused(check("grid = [1]\nblock = [1024]", hungry), "registers", 7, "__launch_bounds__(1024)");
}

TEST(LaunchCheck, AllBlocksOfACooperativeLaunchRunAtTheSameTime) {
  constexpr const char* shape = "grid = [{}]\nblock = [1024]\ncooperative = true";
  EXPECT_TRUE(check(fmt::format(shape, 2 * 132)));
  expect_refused(check(fmt::format(shape, 2 * 132 + 1)), "cooperative", 6, "2 an SM, limited by warps");
}

}  // namespace
}  // namespace kerf
