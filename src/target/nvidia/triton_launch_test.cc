// What of a Triton candidate has to be compiled, and where its kernels and its plan do not fit each other.
#include "target/nvidia/triton_launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A plan over x, 48 x 33 floats, and out; `launch`: the lines of its launches.
Source source_of(const std::string& launches) {
  std::string text = "# /// kerf\n# version = 1\n";
  for (std::size_t at = 0; at < launches.size();) {
    const std::size_t end = launches.find('\n', at);
    text += "# " + launches.substr(at, end - at) + "\n";
    at = end + 1;
  }
  auto read =
      read_source({.text = text + "# ///\ndef scale(): ...\n", .language = Language::triton, .name = "scale.py"});
  EXPECT_TRUE(read) << read.error().message;
  return read.value_or(Source());
}

Workload workload() {
  Workload made;
  const TensorSpec spec{.dtype = Dtype::f32, .shape = {48, 33}, .stride = {33, 1}};
  made.id = "w";
  made.tensors = {{.name = "x", .role = Role::input, .spec = spec}};
  made.outputs = {spec};
  return made;
}

std::vector<TritonLaunch> bound(const Source& source, const TunePoint& point = {}) {
  const auto launches = triton_launches(source, workload(), point);
  EXPECT_TRUE(launches) << launches.error().message;
  return launches.value_or(std::vector<TritonLaunch>());
}

std::vector<std::string> keys_of(const Source& source) {
  std::vector<std::string> keys;
  for (const TritonLaunch& each : bound(source)) keys.push_back(each.key);
  return keys;
}

constexpr const char* scale =
    "[[step]]\nlaunch = \"scale\"\ngrid = [\"x.shape[0]\", \"x.shape[1]\"]\n"
    "args = [\"x\", \"out\", \"x.shape[0]\", \"x.shape[1]\", \"1\"]\n"
    "constexpr = { B = 64 }\nnum_warps = 8\n";

// scale(x, out, rows, columns, step, B: tl.constexpr)
TritonKernel kernel() {
  return {.line = 3,
          .parameters = {{.name = "x"},
                         {.name = "out"},
                         {.name = "rows"},
                         {.name = "columns"},
                         {.name = "step"},
                         {.name = "B", .constant = true}}};
}

std::string refusal(const TritonKernel& with) {
  const Source source = source_of(scale);
  const auto launches = bound(source);
  std::vector<TritonParameter> parameters;
  const auto job = triton_job(launches.at(0), with, {}, parameters);
  return job ? "" : job.error().message;
}

TEST(TritonLaunches, AreThoseThatDiffer) {
  EXPECT_THAT(keys_of(source_of("[loops]\nt = \"5\"\n[[step]]\nfor = \"t\"\nlaunch = \"scale\"\ngrid = [1]\n"
                                "args = [\"x\", \"out\", \"x.shape[0]\"]\n")),
              ElementsAre("scale(*fp32:16, *fp32:16, i32:16) num_warps=4"));
  EXPECT_THAT(keys_of(source_of("[loops]\nt = \"5\"\n[[step]]\nfor = \"t\"\nlaunch = \"scale\"\ngrid = [1]\n"
                                "args = [\"x\", \"out\", \"t\"]\n")),
              ElementsAre("scale(*fp32:16, *fp32:16, i32:16) num_warps=4", "scale(*fp32:16, *fp32:16, 1) num_warps=4",
                          "scale(*fp32:16, *fp32:16, i32) num_warps=4"))
      << "0, 1 and all others below 5";
}

TEST(TritonLaunches, OfCallsAreNone) {
  EXPECT_TRUE(keys_of(source_of("[[step]]\ncall = \"aten.neg.default\"\nargs = [\"x\"]\nout = \"out\"\n")).empty());
}

TEST(TritonJob, GivesArgumentsToParametersInTheirOrder) {
  const Source source = source_of(scale);
  const auto launches = bound(source);
  std::vector<TritonParameter> parameters;
  const auto job = triton_job(launches.at(0), kernel(), {}, parameters);
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ(job->kernel, "scale");
  EXPECT_EQ(job->signature.at("x"), "*fp32");
  EXPECT_EQ(job->signature.at("rows"), "i32");
  EXPECT_THAT(job->divisible_16, ElementsAre("x", "out", "rows"));
  EXPECT_EQ(job->num_warps, 8);
  // What is one is known when it is compiled, as is what the table has: neither is given at run time.
  EXPECT_EQ(job->signature.at("step"), "constexpr");
  EXPECT_EQ(job->constants.at("step"), Value{std::int64_t{1}});
  EXPECT_EQ(job->signature.at("B"), "constexpr");
  EXPECT_EQ(job->constants.at("B"), Value{std::int64_t{64}});
  std::vector<int> given;
  for (const TritonParameter& each : parameters) given.push_back(each.argument);
  EXPECT_THAT(given, ElementsAre(0, 1, 2, 3));
}

TEST(TritonJob, TakesConstantsFromTuneAxesThatTheTableLeavesOut) {
  const std::string tuned =
      "[tune]\nB = [32, 128]\n[[step]]\nlaunch = \"scale\"\ngrid = [1]\n"
      "args = [\"x\", \"out\", \"x.shape[0]\", \"x.shape[1]\", \"1\"]\n";
  const TunePoint point = {{"B", Value{std::int64_t{128}}}};
  const Source source = source_of(tuned);
  const auto launches = bound(source, point);
  std::vector<TritonParameter> parameters;
  const auto job = triton_job(launches.at(0), kernel(), point, parameters);
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ(job->constants.at("B"), Value{std::int64_t{128}});
}

TEST(TritonJob, RefusesAKernelThatTakesSomethingElse) {
  EXPECT_EQ(refusal(kernel()), "");
  TritonKernel other = kernel();
  other.parameters.pop_back();
  EXPECT_EQ(refusal(other), "scale has no tl.constexpr parameter B");
  other.parameters.push_back({.name = "B"});
  EXPECT_THAT(refusal(other), HasSubstr("5 arguments: scale takes 6 beside its constexprs"));
  other.parameters.erase(other.parameters.begin() + 4);
  EXPECT_EQ(refusal(other), "scale has no tl.constexpr parameter B: it is an argument");
  other = kernel();
  other.parameters.push_back({.name = "C", .constant = true});
  EXPECT_THAT(refusal(other), HasSubstr("C has no value: scale takes it as tl.constexpr"));
}

TEST(TritonGrid, IsNoLargerThanTheGpuHas) {
  const Source source = source_of(scale);
  const auto launches = bound(source);
  EXPECT_TRUE(check_grid(launches.at(0), {.grid_x = 48, .grid_yz = 33}));
  const auto wide = check_grid(launches.at(0), {.grid_x = 47, .grid_yz = 33});
  ASSERT_FALSE(wide);
  EXPECT_EQ(wide.error().message, "extent 0 of the grid is 48: a GPU allows 47 there");
  const auto high = check_grid(launches.at(0), {.grid_x = 48, .grid_yz = 32});
  ASSERT_FALSE(high);
  EXPECT_EQ(high.error().message, "extent 1 of the grid is 33: a GPU allows 32 there");
  EXPECT_EQ(high.error().at->line, 5);
}

}  // namespace
}  // namespace kerf
