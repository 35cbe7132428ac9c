// CUDA without a GPU: NVRTC, the reader of cubins, the emulation of a block and the whole way to a verdict, with
// candidates that are right and with defects planted here.
#include <gmock/gmock.h>

#include <algorithm>

#include "cuda_fixture.h"

namespace kerf {
namespace {

using namespace testing_cuda;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// --- What is right ------------------------------------------------------------------------------------------------

TEST_F(Cuda, JudgesARightCandidateAndTakesNoTime) {
  const auto e = evaluate(row_sum(head + through_shared), sums());
  ASSERT_TRUE(e) << words(e);
  ASSERT_EQ(e->verdict, Verdict::measured) << words(e);
  ASSERT_TRUE(e->receipt);
  EXPECT_EQ(e->target, "nvidia");
  EXPECT_EQ(e->language, "cuda");
  EXPECT_EQ(e->receipt->evidence, Evidence::emulated);
  EXPECT_FALSE(e->receipt->timed());
  EXPECT_TRUE(e->receipt->speedup.empty());
  EXPECT_THAT(e->receipt->unavailable.at("time"), StartsWith("unavailable: "));
  EXPECT_GT(e->variants_supported, 0);
  const auto json = to_json(*e);
  EXPECT_TRUE(json["receipt"]["time_us"].is_null());
  EXPECT_EQ(to_json(*evaluation_from_json(json)), json);
  const auto inspected = std::ranges::find(e->checks, "inspect", &Check::name);
  ASSERT_NE(inspected, e->checks.end());
  const auto& launch = inspected->detail["launches"][0];
  EXPECT_EQ(launch["kernel"], "row_sum");
  EXPECT_EQ(launch["shared_bytes"], 512);
  EXPECT_GT(launch["registers"].get<int>(), 8);
  EXPECT_GT(launch["occupancy"].get<double>(), 0.5);
}

TEST_F(Cuda, KnowsShufflesAndVotes) {
  expect_right(row_sum(head +
                       "  for (int d = 16; d > 0; d /= 2) sum += __shfl_down_sync(~0u, sum, d);\n"
                       "  __shared__ float part[4];\n"
                       "  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;\n"
                       "  if (__syncthreads_count(threadIdx.x < 7) != 7) return;\n"
                       "  if (threadIdx.x < 32) {\n"
                       "    sum = threadIdx.x < 4 ? part[threadIdx.x] : 0;\n"
                       "    sum += __shfl_xor_sync(~0u, sum, 2);\n"
                       "    sum += __shfl_xor_sync(~0u, sum, 1);\n"
                       "    if (__ballot_sync(~0u, threadIdx.x < 3) != 7 || !__any_sync(~0u, threadIdx.x == 9) ||\n"
                       "        __all_sync(~0u, threadIdx.x != 9) || __reduce_add_sync(~0u, 1u) != 32) sum = 0;\n"
                       "    if (threadIdx.x == 0) out[blockIdx.x] = __shfl_sync(1u, sum, 0) * scale;\n"
                       "  }\n"
                       "}\n"));
}

TEST_F(Cuda, KnowsAtomicsOnSharedAndGlobalMemory) {
  expect_right(row_sum(head + "  __shared__ double all;\n"
                              "  if (threadIdx.x == 0) all = 0;\n"
                              "  __syncthreads();\n"
                              "  atomicAdd(&all, (double)sum);\n"
                              "  __syncthreads();\n"
                              "  if (threadIdx.x == 0) out[blockIdx.x] = (float)all * scale;\n"
                              "}\n"));
}

TEST_F(Cuda, KnowsDynamicSharedMemoryInAndOutsideOfFunctions) {
  for (const char* outside : {"", "extern __shared__ float part[];\n"}) {
    expect_right(
        row_sum(std::string(outside) +
                "extern \"C\" __global__ void row_sum(const float* x, float* out, int64_t n, float scale) {\n" +
                (*outside == 0 ? "  extern __shared__ __align__(16) float part[];\n" : "") +
                "  x += blockIdx.x * n;\n"
                "  float sum = 0;\n"
                "  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) sum += x[i];\n"
                "  part[threadIdx.x] = sum;\n"
                "  __syncthreads();\n"
                "  for (int half = 64; half > 0; half /= 2) {\n"
                "    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];\n"
                "    __syncthreads();\n"
                "  }\n"
                "  if (threadIdx.x == 0) out[blockIdx.x] = part[0] * scale;\n"
                "}\n")
            .replace(row_sum("").find("block = [128]"), 13, "block = [128]\nshared = 512"));
  }
}

TEST_F(Cuda, KnowsTemplatesAndTuneAxes) {
  expect_right(row_sum("template <int T>\n"
                       "__global__ void __launch_bounds__(T) row_sum(const float* __restrict__ x, float* out, int64_t "
                       "n, float scale) {\n"
                       "  x += blockIdx.x * n;\n"
                       "  __shared__ float part[T];\n"
                       "  float sum = 0;\n"
                       "  for (int64_t i = threadIdx.x; i < n; i += T) sum += __ldg(x + i);\n"
                       "  part[threadIdx.x] = sum;\n"
                       "  __syncthreads();\n"
                       "#pragma unroll\n"
                       "  for (int half = T / 2; half > 0; half /= 2) {\n"
                       "    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];\n"
                       "    __syncthreads();\n"
                       "  }\n"
                       "  if (threadIdx.x == 0) out[blockIdx.x] = part[0] * scale;\n"
                       "}\n",
                       "[tune]\nTHREADS = [128, 256]\n", "row_sum<THREADS>")
                   .replace(row_sum("", "[tune]\nTHREADS = [128, 256]\n", "row_sum<THREADS>").find("[128]\nargs"), 5,
                            "[\"THREADS\"]"));
}

// --- What is wrong ------------------------------------------------------------------------------------------------

TEST_F(Cuda, FindsABarrierThatSomeThreadsPassBy) {
  expect_finding(row_sum(head + "  __shared__ float part[128];\n"
                                "  part[threadIdx.x] = sum;\n"
                                "  if (threadIdx.x < 64) {\n"
                                "    __syncthreads();\n"
                                "    part[threadIdx.x] += part[threadIdx.x + 64];\n"
                                "  }\n"
                                "  __syncthreads();\n"
                                "  if (threadIdx.x == 0) {\n"
                                "    for (int i = 1; i < 64; ++i) part[0] += part[i];\n"
                                "    out[blockIdx.x] = part[0] * scale;\n"
                                "  }\n"
                                "}\n"),
                 Verdict::wrong, "divergent", {20, 3});
}

TEST_F(Cuda, FindsAShuffleThatSomeLanesPassBy) {
  expect_finding(row_sum(head + "  if (threadIdx.x % 32 < 16) sum += __shfl_down_sync(~0u, sum, 16);\n"
                                "  __syncthreads();\n"
                                "  if (threadIdx.x == 0) out[blockIdx.x] = sum * scale;\n"
                                "}\n"),
                 Verdict::wrong, "divergent", {14, 37});
}

TEST_F(Cuda, FindsAMissingBarrier) {
  std::string text = row_sum(head + through_shared);
  text.replace(text.find("    __syncthreads();\n"), 21, "");
  const auto e = evaluate(text, sums());
  ASSERT_TRUE(e) << words(e);
  EXPECT_EQ(e->verdict, Verdict::wrong) << words(e);
}

TEST_F(Cuda, FindsSharedMemoryThatNobodySet) {
  expect_finding(row_sum(head + "  __shared__ float all;\n"
                                "  atomicAdd(&all, sum);\n"
                                "  __syncthreads();\n"
                                "  if (threadIdx.x == 0) out[blockIdx.x] = all * scale;\n"
                                "}\n"),
                 Verdict::wrong, "nonfinite", {5, 11});
}

TEST_F(Cuda, FindsReadsAndWritesOutOfBounds) {
  std::string reads = row_sum(head + through_shared);
  reads.replace(reads.find("i < n;"), 6, "i < n + 4096;");
  auto e = evaluate(reads, sums());
  ASSERT_TRUE(e) << words(e);
  EXPECT_EQ(e->verdict, Verdict::crashed) << words(e);
  EXPECT_EQ(e->rule, "out_of_bounds") << words(e);
  std::string writes = row_sum(head + through_shared);
  writes.replace(writes.find("out[blockIdx.x] ="), 17, "out[blockIdx.x + 1] =");
  e = evaluate(writes, sums());
  ASSERT_TRUE(e) << words(e);
  EXPECT_TRUE(e->verdict == Verdict::wrong || e->verdict == Verdict::crashed) << words(e);
  EXPECT_EQ(e->at, (Location{5, 11})) << words(e);
}

TEST_F(Cuda, FindsATailThatIsLeftOut) {
  std::string text = row_sum(head + through_shared);
  text.replace(text.find("i < n;"), 6, "i < n / 128 * 128;");
  const auto e = evaluate(text, sums());
  ASSERT_TRUE(e) << words(e);
  EXPECT_EQ(e->verdict, Verdict::wrong) << words(e);
  EXPECT_EQ(e->at, (Location{5, 11})) << words(e);
}

TEST_F(Cuda, PointsAtACompileErrorInTheCandidate) {
  expect_finding(row_sum("extern \"C\" __global__ void row_sum(const float* x, float* out, int64_t n, float scale) {\n"
                         "  out[blockIdx.x] = nothing + 1;\n"
                         "}\n"),
                 Verdict::compile_error, "compile_error", {11, 21});
}

TEST_F(Cuda, PointsAtAKernelThatDoesNotExist) {
  const auto e =
      evaluate(row_sum("// row_sum is missing\nextern \"C\" __global__ void other(float* x) { *x = 0; }\n"), sums());
  ASSERT_TRUE(e) << words(e);
  EXPECT_NE(e->verdict, Verdict::measured) << words(e);
  EXPECT_EQ(e->at ? e->at->line : 0, 5) << words(e);
}

TEST_F(Cuda, SaysWhatItCannotEmulate) {
  const auto e = evaluate(row_sum(head + "  asm volatile(\"bar.sync 1, 128;\" ::: \"memory\");\n"
                                         "  if (threadIdx.x == 0) out[blockIdx.x] = sum * scale;\n"
                                         "}\n"),
                          sums());
  ASSERT_FALSE(e) << words(e);
  EXPECT_EQ(e.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(e.error().message, HasSubstr("line 14: inline PTX `bar.sync 1, 128`"));
  EXPECT_THAT(e.error().message, StartsWith("unavailable: "));
}

TEST_F(Cuda, RefusesCandidatesInOtherLanguages) {
  const auto result = world->evaluate({.text = "x", .language = Language::cpp, .name = "a.cpp"}, sums());
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("takes candidates in cuda"));
}

}  // namespace
}  // namespace kerf
