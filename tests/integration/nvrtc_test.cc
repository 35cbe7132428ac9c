// NVRTC as it is installed, and what is read from its cubins.
#include "target/nvidia/nvrtc.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>

#include "cuda_fixture.h"
#include "target/nvidia/cubin.h"

namespace kerf {
namespace {

using namespace testing_cuda;

struct NvrtcTest : testing::Test {
  void SetUp() override {
    const auto library = find_nvrtc();
    if (!library) GTEST_SKIP() << library.error().message;
    auto started = Nvrtc::start(*library);
    ASSERT_TRUE(started) << started.error().message;
    nvrtc = std::move(*started);
  }
  std::unique_ptr<Nvrtc> nvrtc;
};

// sm_90a: what wgmma and TMA need assembles, though nothing here executes it.
TEST_F(NvrtcTest, CompilesForTheArchitectureItself) {
  const auto answer = nvrtc->compile(
      {.text =
           "extern \"C\" __global__ void k(float* x, double y, bool z, int w) {\n"
           "  asm volatile(\"wgmma.fence.sync.aligned;\" ::: \"memory\");\n"
           "  float big[64];\n"
           "  for (int i = 0; i < 64; ++i) big[i] = x[i];\n"
           "  big[w] = (float)y;\n"
           "  for (int i = 0; i < w; ++i) w = (int)big[w & 63];\n"
           "  x[0] = big[w & 63] + z;\n"
           "}\n"
           "template <int N> __global__ void t(float* x) { __shared__ float s[N]; s[0] = *x; *x = s[threadIdx.x]; }\n",
       .options = {"--gpu-architecture=sm_90a"},
       .names = {"k", "t<100>"}});
  ASSERT_TRUE(answer && answer->compiled) << (answer ? answer->log : answer.error().message);
  const auto cubin = read_cubin(answer->cubin);
  ASSERT_TRUE(cubin) << cubin.error().message;
  EXPECT_EQ(cubin->architecture, 90);
  const auto kernel = [&](std::size_t name) {
    return *std::ranges::find(cubin->kernels, answer->symbols[name], &CubinKernel::name);
  };
  const CubinKernel k = kernel(0), t = kernel(1);
  std::vector<int> sizes;
  for (const auto& p : k.parameters) sizes.push_back(p.size);
  EXPECT_EQ(sizes, (std::vector<int>{8, 8, 1, 4}));
  EXPECT_GE(k.local_bytes, 256);  // indexed by a variable: on the stack
  EXPECT_EQ(t.shared_bytes, 400);
  EXPECT_GT(t.registers, 0);
}

TEST_F(NvrtcTest, KnowsTheSameCodeUnderOtherCommentsAndNamesOfVariables) {
  const auto code = [&](const std::string& text, const std::vector<std::string>& names) {
    const auto answer = nvrtc->compile({.text = text, .options = {"--gpu-architecture=sm_90a"}, .names = names});
    EXPECT_TRUE(answer && answer->compiled) << text;
    const auto digest = code_of_cubin(answer->cubin, answer->symbols);
    EXPECT_TRUE(digest) << digest.error().message;
    return digest.value_or("");
  };
  const std::string a = "extern \"C\" __global__ void a(float* x) { x[threadIdx.x] += 1; }\n";
  const std::string b = "extern \"C\" __global__ void b(float* x) { x[threadIdx.x] *= 3; }\n";
  const std::string both = code(a + b, {"a", "b"});
  EXPECT_EQ(code("// said otherwise\n\n" + a + "/* and here */" + b, {"a", "b"}), both);
  EXPECT_EQ(code("extern \"C\" __global__ void a(float* out) { const float one = 1; out[threadIdx.x] += one; }\n" + b,
                 {"a", "b"}),
            both);
  EXPECT_NE(code(a + b, {"b", "a"}), both) << "which kernel is which counts";
  EXPECT_NE(code(a + "extern \"C\" __global__ void b(float* x) { x[threadIdx.x] *= 4; }\n", {"a", "b"}), both);
  EXPECT_NE(
      code(a + "extern \"C\" __global__ void __launch_bounds__(64) b(float* x) { x[threadIdx.x] *= 3; }\n", {"a", "b"}),
      both)
      << "limits are part of it";
}

TEST_F(NvrtcTest, CompilesQuicklyOnceWarm) {
  std::vector<double> ms;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto answer = nvrtc->compile({.text = "typedef long int64_t;\n#line 1\n" + head + through_shared,
                                        .options = {"--gpu-architecture=sm_90a"},
                                        .names = {"row_sum"}});
    ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    ASSERT_TRUE(answer && answer->compiled) << (answer ? answer->log : answer.error().message);
  }
  std::ranges::sort(ms);
  std::cout << fmt::format("NVRTC, warm process: {:.0f} ms (least of 5), {:.0f} ms (median)\n", ms[0], ms[2]);
  EXPECT_LT(ms[0], 1000);
}

}  // namespace
}  // namespace kerf
