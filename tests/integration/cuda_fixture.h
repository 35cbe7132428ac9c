// Tests of CUDA without a GPU: sums of rows, the pieces that kernels for them are made of, and what judges them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "emulated_gpu.h"

namespace kerf::testing_cuda {

// Sums of rows: what reductions, barriers, atomics and tails are good for.
inline constexpr const char* sums_of_rows = R"py(
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return x.sum(dim=1) * self.scale

rows = 24
columns = 1021

def get_inputs():
    return [torch.randn(rows, columns)]

def get_init_inputs():
    return [1.5]
)py";

// The kernel's text begins in line 10.
inline std::string row_sum(const std::string& kernel, const std::string& more = "",
                           const std::string& launch = "row_sum") {
  return "/* /// kerf\nversion = 1\n" + (more.empty() ? "# a sum a row\n" : more) + "[[step]]\nlaunch = \"" + launch +
         "\"\ngrid = [\"x.shape[0]\"]\nblock = [128]\nargs = [\"x\", \"out\", \"x.shape[1]\", \"init.scale\"]\n/// "
         "*/\n" +
         kernel;
}
inline const std::string head =
    "extern \"C\" __global__ void row_sum(const float* x, float* out, int64_t n, float scale) {\n"
    "  x += blockIdx.x * n;\n"
    "  float sum = 0;\n"
    "  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) sum += x[i];\n";
// Behind it: lines 14 and on.
inline const std::string through_shared =
    "  __shared__ float part[128];\n"
    "  part[threadIdx.x] = sum;\n"
    "  __syncthreads();\n"
    "  for (int half = 64; half > 0; half /= 2) {\n"
    "    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];\n"
    "    __syncthreads();\n"
    "  }\n"
    "  if (threadIdx.x == 0) out[blockIdx.x] = part[0] * scale;\n"
    "}\n";

class Cuda : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world =
        std::make_unique<EmulatedGpu>(Language::cuda, [](const Target& target) { return make_cuda_backend(target); });
  }
  static void TearDownTestSuite() { world.reset(); }
  void SetUp() override {
    if (!world->why.empty()) GTEST_SKIP() << world->why;
  }

  static std::shared_ptr<const Understood> sums() {
    static const auto problem =
        world->admit({.id = "test/sums", .name = "sums", .source = sums_of_rows, .path = "sums.py"}, 3);
    return problem;
  }
  static Result<Evaluation> evaluate(const std::string& text, const std::shared_ptr<const Understood>& problem) {
    return world->evaluate({.text = text, .language = Language::cuda, .name = "candidate.cu"}, problem);
  }
  static void expect_right(const std::string& text) {
    const auto e = evaluate(text, sums());
    ASSERT_TRUE(e) << words(e) << "\n" << text;
    EXPECT_EQ(e->verdict, Verdict::measured) << words(e) << "\n" << text;
  }
  static void expect_finding(const std::string& text, Verdict verdict, const std::string& rule, Location at) {
    const auto e = evaluate(text, sums());
    ASSERT_TRUE(e) << words(e) << "\n" << text;
    EXPECT_EQ(e->verdict, verdict) << words(e) << "\n" << text;
    EXPECT_EQ(e->rule, rule) << words(e) << "\n" << text;
    EXPECT_EQ(e->at, at) << words(e) << "\n" << text;
  }

  static inline std::unique_ptr<EmulatedGpu> world;
};

}  // namespace kerf::testing_cuda
