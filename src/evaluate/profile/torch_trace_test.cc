#include "evaluate/profile/torch_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "evaluate/profile/proton.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

std::string case_bytes(const std::string& name) {
  std::ifstream in(std::string(KERF_CASES) + "/profiles/" + name, std::ios::binary);
  EXPECT_TRUE(in) << name;
  return (std::stringstream() << in.rdbuf()).str();
}

// As Kineto writes it: two kernels that overlap, a gap, a copy back that the host waits for.
constexpr const char* trace = R"json({"schemaVersion": 1, "traceEvents": [
 {"ph": "M", "name": "process_name", "args": {"name": "python"}},
 {"ph": "X", "cat": "cpu_op", "name": "aten::relu", "ts": 100.0, "dur": 20.0},
 {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "ts": 105, "dur": 5, "args": {"correlation": 1}},
 {"ph": "X", "cat": "kernel", "name": "relu", "ts": 130, "dur": 40, "args": {"stream": 7, "correlation": 1}},
 {"ph": "X", "cat": "kernel", "name": "relu", "ts": 160, "dur": 20, "args": {"stream": 8}},
 {"ph": "X", "cat": "kernel", "name": "sum", "ts": 200, "dur": 5},
 {"ph": "X", "cat": "gpu_memcpy", "name": "Memcpy DtoH (Device -> Pinned)", "ts": 205, "dur": 1},
 {"ph": "X", "cat": "cuda_runtime", "name": "cudaStreamSynchronize", "ts": 150, "dur": 60},
 {"ph": "X", "cat": "cpu_op", "name": "aten::item", "ts": 140, "dur": 72},
 {"ph": "f", "id": 1, "cat": "ac2g", "name": "ac2g", "ts": 130}]})json";

TEST(TorchTrace, LaunchesGapsAndWaits) {
  const auto read = read_torch_trace(trace);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->kernels.size(), 2u);
  EXPECT_EQ(read->kernels[0].name, "relu");
  EXPECT_EQ(read->kernels[0].launches, 2);
  EXPECT_DOUBLE_EQ(read->kernels[0].us, 60);
  EXPECT_EQ(read->launches, 3);
  EXPECT_DOUBLE_EQ(read->span_us, 76);
  EXPECT_DOUBLE_EQ(read->busy_us, 56);  // what overlaps counts once
  EXPECT_DOUBLE_EQ(read->longest_gap_us, 20);
  EXPECT_EQ(read->copies, 1);
  ASSERT_EQ(read->waits.size(), 1u);
  EXPECT_EQ(read->waits[0].call, "cudaStreamSynchronize");
  EXPECT_DOUBLE_EQ(read->waits[0].us, 60);
  EXPECT_DOUBLE_EQ(read->host_us, 112);
}

TEST(TorchTrace, OperatorsOfTheHostCountWithoutThoseTheyCall) {
  const auto read = read_torch_trace(R"json([
    {"ph": "X", "cat": "cpu_op", "name": "aten::linear", "ts": 0, "dur": 100, "tid": 1},
    {"ph": "X", "cat": "cpu_op", "name": "aten::t", "ts": 0, "dur": 10, "tid": 1},
    {"ph": "X", "cat": "cpu_op", "name": "aten::addmm", "ts": 20, "dur": 70, "tid": 1},
    {"ph": "X", "cat": "cpu_op", "name": "aten::copy_", "ts": 30, "dur": 5, "tid": 1},
    {"ph": "X", "cat": "cpu_op", "name": "aten::copy_", "ts": 40, "dur": 5, "tid": 2},
    {"ph": "X", "cat": "cpu_op", "name": "aten::relu", "ts": 100, "dur": 30, "tid": 1}])json");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->operators.size(), 5u);
  EXPECT_EQ(read->operators[0].name, "aten::addmm");
  EXPECT_DOUBLE_EQ(read->operators[0].us, 65);
  EXPECT_EQ(read->operators[1].name, "aten::relu");
  EXPECT_DOUBLE_EQ(read->operators[1].us, 30);
  EXPECT_EQ(read->operators[2].name, "aten::linear");
  EXPECT_DOUBLE_EQ(read->operators[2].us, 20);
  EXPECT_EQ(read->launches, 0);
}

// Of torch.compile: its kernels in Triton are launched by the driver's call, one product by a library's.
TEST(TorchTrace, KernelsOfTorchCompile) {
  const auto read = read_torch_trace(R"json({"traceEvents": [
    {"ph": "X", "cat": "cpu_op", "name": "TorchDynamo Cache Lookup", "ts": 0, "dur": 50, "tid": 1},
    {"ph": "X", "cat": "cpu_op", "name": "Torch-Compiled Region: 0/0", "ts": 60, "dur": 200, "tid": 1},
    {"ph": "X", "cat": "cpu_op", "name": "## Call CompiledFxGraph fjzhueq6x ##", "ts": 100, "dur": 100, "tid": 1},
    {"ph": "X", "cat": "cpu_op", "name": "triton_poi_fused_relu_0", "ts": 110, "dur": 20, "tid": 1},
    {"ph": "X", "cat": "cpu_op", "name": "aten::addmm", "ts": 140, "dur": 40, "tid": 1},
    {"ph": "X", "cat": "cpu_op", "name": "## Call CompiledFxGraph another ##", "ts": 210, "dur": 40, "tid": 1},
    {"ph": "X", "cat": "cuda_driver", "name": "cuLaunchKernelEx", "ts": 115, "dur": 10, "args": {"correlation": 1}},
    {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernelExC", "ts": 150, "dur": 10, "args": {"correlation": 2}},
    {"ph": "X", "cat": "kernel", "name": "triton_poi_fused_relu_0", "ts": 130, "dur": 100, "args": {"correlation": 1}},
    {"ph": "X", "cat": "kernel", "name": "sm90_xmma_gemm_f32f32", "ts": 232, "dur": 300, "args": {"correlation": 2}}]})json");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->kernels.size(), 2u);
  EXPECT_EQ(read->kernels[0].name, "sm90_xmma_gemm_f32f32");
  EXPECT_EQ(read->kernels[1].name, "triton_poi_fused_relu_0");
  EXPECT_DOUBLE_EQ(read->longest_gap_us, 2);
  EXPECT_TRUE(read->waits.empty()) << "handing over is no wait";
  const auto graph = std::ranges::find(read->operators, compiled_graph, &TorchTrace::Operator::name);
  ASSERT_NE(graph, read->operators.end());
  EXPECT_EQ(graph->calls, 2) << "graphs are named by digests: they are one here";
  EXPECT_DOUBLE_EQ(graph->us, 100 - 20 - 40 + 40);
}

TEST(TorchTrace, SaysWhatIsNone) {
  EXPECT_FALSE(read_torch_trace("{}"));
  EXPECT_FALSE(read_torch_trace("[{\"ph\": \"X\", \"name\": 3}]"));
  EXPECT_FALSE(read_torch_trace("[{\"ph\": \"X\", \"name\": \"k\", \"ts\": 0, \"dur\": -1}]"));
  EXPECT_FALSE(read_torch_trace(std::string(100'000, '[')));
  const auto empty = read_torch_trace("{\"traceEvents\": []}");
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->launches, 0);
  EXPECT_DOUBLE_EQ(empty->span_us, 0);
}

TEST(Unpacked, ProtonsTraceAsItLiesOnTheDisk) {
  const auto packed = case_bytes("proton_instrumentation.chrome_trace.gz");
  const auto text = unpacked(packed);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_GT(text->size(), packed.size());
  const auto scopes = read_proton_trace(*text);
  ASSERT_TRUE(scopes) << scopes.error().message;
  EXPECT_FALSE(scopes->empty());
  EXPECT_EQ(*unpacked(packed + packed), *text + *text);
  EXPECT_THAT(unpacked(packed, 1 << 10).error().message, HasSubstr("more than"));
  EXPECT_THAT(unpacked(packed.substr(0, packed.size() / 2)).error().message, HasSubstr("too early"));
  auto torn = packed;
  for (std::size_t i = 1000; i < 1100; ++i) torn[i] = static_cast<char>(~torn[i]);
  EXPECT_FALSE(unpacked(torn));
  EXPECT_EQ(*unpacked("plain"), "plain");
}

}  // namespace
}  // namespace kerf
