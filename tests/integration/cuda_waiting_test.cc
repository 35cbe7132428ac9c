// CUDA without a GPU: blocks that wait for each other, and copies that a barrier is waited for.
#include <gmock/gmock.h>

#include <filesystem>

#include "base/paths.h"
#include "cuda_fixture.h"

namespace kerf {
namespace {

using namespace testing_cuda;
using ::testing::HasSubstr;

class CudaWaiting : public Cuda {
 protected:
  static std::shared_ptr<const Understood> rectifier() {
    static const auto problem = [] {
      std::string text(sums_of_rows);
      text.replace(text.find("x.sum(dim=1) * self.scale"), 25, "torch.relu(x) + 0 * self.scale");
      text.replace(text.find("1021"), 4, "204");
      return world->admit({.id = "test/rectifier", .name = "rectifier", .source = text, .path = "rectifier.py"}, 3);
    }();
    return problem;
  }
};

// Each of a row's blocks sums a piece, and all of them what all have, in the order of the blocks. `wait` is for `done`
// to become `blocks`.
std::string cooperative_sum(const std::string& wait) {
  return "/* /// kerf\nversion = 1\n[[scratch]]\nname = \"part\"\ndtype = \"f32\"\nshape = [\"x.shape[0] * 4\"]\n"
         "[[scratch]]\nname = \"count\"\ndtype = \"i32\"\nshape = [1]\nzero = true\n"
         "[[step]]\nlaunch = \"row_sum\"\ngrid = [\"x.shape[0] * 4\"]\nblock = [64]\ncooperative = true\n"
         "args = [\"x\", \"out\", \"part\", \"count\", \"x.shape[1]\", \"init.scale\"]\n/// */\n"
         "extern \"C\" __global__ void row_sum(const float* x, float* out, float* part, int* done, int64_t n, float "
         "scale) {\n"
         "  __shared__ float mine[64];\n"
         "  const int row = blockIdx.x / 4, piece = blockIdx.x % 4, blocks = gridDim.x;\n"
         "  float sum = 0;\n"
         "  for (int64_t i = piece * 64 + threadIdx.x; i < n; i += 256) sum += x[row * n + i];\n"
         "  mine[threadIdx.x] = sum;\n"
         "  __syncthreads();\n"
         "  if (threadIdx.x == 0) {\n"
         "    for (int i = 1; i < 64; ++i) sum += mine[i];\n"
         "    part[blockIdx.x] = sum;\n"
         "    __threadfence();\n"
         "    atomicAdd(done, 1);\n" +
         wait +
         "    __threadfence();\n"
         "  }\n"
         "  __syncthreads();\n"
         "  sum = 0;\n"
         "  for (int i = 0; i < 4; ++i) sum += __ldcg(part + row * 4 + i);\n"
         "  if (threadIdx.x == 0 && piece == 3 && mine[0] == mine[0]) out[row] = sum * scale;\n"
         "}\n";
}

TEST_F(CudaWaiting, RunsTheBlocksOfACooperativeLaunchTogether) {
  for (const char* wait :
       {"    while (*(volatile int*)done < blocks) __nanosleep(32);\n", "    while (*(volatile int*)done < blocks);\n",
        "    while (atomicAdd(done, 0) < blocks) {}\n",
        "    int seen = 0;\n    do {\n      asm volatile(\"ld.acquire.gpu.global.s32 %0, [%1];\" : \"=r\"(seen) : "
        "\"l\"(done) : \"memory\");\n    } while (seen < blocks);\n"})
    expect_right(cooperative_sum(wait));
}

// A row comes by one bulk copy, what is before and behind its 16-byte units by plain loads.
std::string bulk_sum(const std::string& wait) {
  return row_sum(
      "extern \"C\" __global__ void row_sum(const float* x, float* out, int64_t n, float scale) {\n"
      "  __shared__ alignas(16) float row[2048];\n"
      "  __shared__ uint64_t barrier;\n"
      "  const float* from = x + blockIdx.x * n;\n"
      "  const int skip = (int)((16 - (uint64_t)from % 16) / 4 % 4), whole = (int)((n - skip) / 4 * 4);\n"
      "  const unsigned at = (unsigned)__cvta_generic_to_shared(&barrier);\n"
      "  if (threadIdx.x == 0) {\n"
      "    asm volatile(\"mbarrier.init.shared::cta.b64 [%0], 1;\" ::\"r\"(at) : \"memory\");\n"
      "    asm volatile(\"fence.mbarrier_init.release.cluster;\" ::: \"memory\");\n"
      "    asm volatile(\"mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;\" ::\"r\"(at), \"r\"(whole * 4) : "
      "\"memory\");\n"
      "    asm volatile(\n"
      "        \"cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];\" ::\"r\"(\n"
      "            (unsigned)__cvta_generic_to_shared(row)), \"l\"(from + skip), \"r\"(whole * 4), \"r\"(at) : "
      "\"memory\");\n"
      "  }\n"
      "  __syncthreads();\n" +
          wait +
          "  float sum = 0;\n"
          "  for (int i = threadIdx.x; i < whole; i += 128) sum += row[i];\n"
          "  if (threadIdx.x < skip) sum += from[threadIdx.x];\n"
          "  for (int64_t i = skip + whole + threadIdx.x; i < n; i += 128) sum += from[i];\n"
          "  __shared__ float part[128];\n"
          "  part[threadIdx.x] = sum;\n"
          "  __syncthreads();\n"
          "  if (threadIdx.x == 0) {\n"
          "    for (int i = 1; i < 128; ++i) sum += part[i];\n"
          "    out[blockIdx.x] = sum * scale;\n"
          "  }\n"
          "}\n",
      "supports = \"x.shape[1] >= 8 and x.shape[1] <= 2048\"\n");
}

TEST_F(CudaWaiting, BulkCopiesTakePlaceWhenTheirBarrierIsWaitedFor) {
  expect_right(bulk_sum(
      "  int done = 0;\n"
      "  while (!done) {\n"
      "    asm volatile(\"{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.b32 %0, 1, "
      "0, p; }\" : \"=r\"(done) : \"r\"(at), \"r\"(0) : \"memory\");\n"
      "  }\n"));
  expect_right(
      bulk_sum("  asm volatile(\"{\\n.reg .pred P1;\\nWAIT: mbarrier.try_wait.parity.shared::cta.b64 P1, [%0], "
               "%1;\\n@P1 bra DONE;\\nbra WAIT;\\nDONE:\\n}\" ::\"r\"(at), \"r\"(0) : \"memory\");\n"));
  const auto e = evaluate(bulk_sum(""), sums());
  ASSERT_TRUE(e) << words(e);
  EXPECT_EQ(e->verdict, Verdict::wrong) << words(e);
}

std::string case_of_gpu(const std::string& name) {
  const auto text = read_file(std::filesystem::path(KERF_CASES) / "gpu" / name);
  EXPECT_TRUE(text) << name;
  return text.value_or("");
}

std::string without(std::string text, const std::string& first, const std::string& behind_last) {
  const std::size_t begin = text.find(first), end = text.find(behind_last, begin);
  EXPECT_TRUE(begin != text.npos && end != text.npos) << first;
  return text.erase(begin, end - begin);
}

TEST_F(CudaWaiting, MovesBoxesByTensorMaps) {
  for (const char* name : {"e_tensor_map.cu", "f_tensor_map_swizzled.cu"}) {
    const auto e = evaluate(case_of_gpu(name), rectifier());
    ASSERT_TRUE(e) << words(e);
    EXPECT_EQ(e->verdict, Verdict::measured) << name << ": " << words(e);
  }
  const auto narrow = evaluate(case_of_gpu("g_tensor_map_narrow.cu"), rectifier());
  ASSERT_TRUE(narrow) << words(narrow);
  EXPECT_EQ(words(narrow).substr(0, 19), "rejected tensor_map");
}

TEST_F(CudaWaiting, TensorCopiesTakePlaceWhenTheyAreWaitedFor) {
  const std::string text = case_of_gpu("e_tensor_map.cu");
  const auto early = evaluate(without(text, "  int done = 0;", "  for (int i"), rectifier());
  ASSERT_TRUE(early) << words(early);
  EXPECT_EQ(early->verdict, Verdict::wrong) << words(early);
  const auto unwritten =
      evaluate(without(text, "    asm volatile(\"cp.async.bulk.wait_group", "  }\n}\n"), rectifier());
  ASSERT_TRUE(unwritten) << words(unwritten);
  EXPECT_EQ(unwritten->verdict, Verdict::wrong) << words(unwritten);
  EXPECT_EQ(unwritten->rule, "unwritten") << words(unwritten);
}

TEST_F(CudaWaiting, FindsTensorCopiesThatDoNotFitTheirMap) {
  std::string text = case_of_gpu("e_tensor_map.cu");
  text.replace(text.find("alignas(128) float"), 18, "alignas(16) float pad[4], ");
  const auto e = evaluate(text, rectifier());
  ASSERT_TRUE(e) << words(e);
  EXPECT_EQ(e->verdict, Verdict::wrong) << words(e);
  EXPECT_THAT(e->message.value_or(""), HasSubstr("no multiple of 128"));
}

TEST_F(CudaWaiting, FindsBlocksThatWaitForEver) {
  expect_finding(cooperative_sum("    while (*(volatile int*)done <= blocks) __nanosleep(32);\n"), Verdict::wrong,
                 "deadlock", {31, 1});
}

TEST_F(CudaWaiting, RefusesMoreBlocksThanRunAtATime) {
  std::string text = cooperative_sum("    while (*(volatile int*)done < blocks) __nanosleep(32);\n");
  text.replace(text.find("grid = [\"x.shape[0] * 4\"]"), 25, "grid = [\"x.shape[0] * 400\"]");
  const auto e = evaluate(text, sums());
  ASSERT_TRUE(e) << words(e);
  EXPECT_EQ(e->verdict, Verdict::rejected) << words(e);
  EXPECT_EQ(e->rule.value_or(""), "cooperative") << words(e);
}

}  // namespace
}  // namespace kerf
