// Exported files of candidates in CUDA and Triton, where there is no GPU: NVRTC compiles what stands in them, or
// Triton's interpreter runs it, and on tensors in main memory the model runs.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "exported_model.h"
#include "target/nvidia/nvrtc.h"

namespace kerf {
namespace {

TEST_F(ExportedFile, ThePythonFileOfACudaCandidateCompilesAndRunsTheModelWithoutAGpu) {
  if (const auto nvrtc = find_nvrtc(); !nvrtc) GTEST_SKIP() << nvrtc.error().message;
  const std::string candidate = R"cu(/* /// kerf
version = 1
[tune]
B = [64]
[[step]]
call = "aten.linear.default"
args = ["x", "fc.weight", "fc.bias"]
out = "hidden"
[[step]]
launch = "squash<B>"
grid = ["cdiv(numel(hidden), B)"]
block = ["B"]
args = ["hidden", "out0", "numel(hidden)", "init.scale"]
[[step]]
call = "aten.sum.dim_IntList"
args = ["x", [1], true]
out = "out1"
/// */
template <int64_t N> __global__ void squash(const float* hidden, float* out, int64_t n, float scale) {
  const int64_t i = blockIdx.x * N + threadIdx.x;
  if (i < n) out[i] = scale / (1 + expf(-hidden[i]));
}
)cu";
  const auto text = exported(ExportFormat::pytorch, candidate, problem_of(row_sum_problem), Language::cuda);
  ASSERT_TRUE(text) << text.error().message;
  const Finished done = run(*text, "[(7, 100)]");
  ASSERT_TRUE(done.ok()) << done.describe() << done.errors;
  EXPECT_EQ(done.output, "model\nmodel\nmodel\n");
  std::ofstream(folder.path() / "compile.py") << R"py(
import importlib.util, sys
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
m = importlib.util.module_from_spec(spec)
spec.loader.exec_module(m)
for _ in range(2):  # the second time from the cache
    cubin, symbols = m._kerf_compile("sm_90a")
    print(cubin[:4], list(symbols.items()))
)py";
  const auto compiled = kerf::run(
      {.argv = {python(), "-I", (folder.path() / "compile.py").string(), (folder.path() / "exported.py").string()},
       .environment = {{"PATH", "/usr/bin:/bin"}, {"XDG_CACHE_HOME", folder.path().string()}},
       .directory = folder.path().string()},
      std::chrono::minutes(2));
  ASSERT_TRUE(compiled);
  const std::string line = R"(b'\x7fELF' [('squash<B>', '_Z6squashILl64EEvPKfPflf')])"
                           "\n";
  EXPECT_EQ(compiled->output, line + line) << compiled->errors;
}

TEST_F(ExportedFile, ThePythonFileOfATritonCandidateRunsInTheInterpreterAndRunsTheModelWithoutAGpu) {
  const std::string candidate = R"py(# /// kerf
# version = 1
# supports = "x.shape[0] > 1"
# [tune]
# B = [64]
# [[scratch]]
# name = "hidden"
# dtype = "f32"
# shape = ["x.shape[0]", "fc.weight.shape[0]"]
# [[step]]
# call = "aten.linear.default"
# args = ["x", "fc.weight", "fc.bias"]
# out = "hidden"
# [[step]]
# launch = "squash"
# grid = ["cdiv(numel(hidden), B)"]
# args = ["hidden", "out0", "numel(hidden)", "init.scale"]
# num_warps = "B // 32"
# [[step]]
# launch = "sums"
# grid = ["x.shape[0]"]
# args = ["x", "out1", "x.shape[1]"]
# constexpr = { N = "next_pow2(x.shape[1])" }
# ///
import triton
import triton.language as tl


@triton.jit
def plus(a, b):
    return a + b


@triton.jit
def squash(hidden, out, n, scale, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out + i, scale / (1 + tl.exp(-tl.load(hidden + i, mask=i < n))), mask=i < n)


@triton.jit
def sums(x, out, n, N: tl.constexpr):
    row, i = tl.program_id(0), tl.arange(0, N)
    tl.store(out + row, tl.reduce(tl.load(x + row * n + i, mask=i < n, other=0.0), 0, plus))
)py";
  const auto text = exported(ExportFormat::pytorch, candidate, problem_of(row_sum_problem), Language::triton);
  ASSERT_TRUE(text) << text.error().message;
  const Finished here = run(*text, "[(7, 100)]");
  ASSERT_TRUE(here.ok()) << here.describe() << here.errors;
  EXPECT_EQ(here.output, "model\nmodel\nmodel\n");
  const Finished done = run(*text, "[(7, 100), (1, 100)]", {{"TRITON_INTERPRET", "1"}});
  ASSERT_TRUE(done.ok()) << done.describe() << done.errors;
  EXPECT_EQ(done.output, "kerf\nkerf\nlearned 3\nkerf\nmodel\n");
}

}  // namespace
}  // namespace kerf
