// Exported files, run where there is no kerf: a plain Python with PyTorch, a plain compiler.
#include "candidate/export.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "exported_model.h"
#include "problem/suite.h"

namespace kerf {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

// A call into scratch, a call kept under a name, launches with and without threads, a loop, a prepare step, a tune
// axis.
constexpr const char* row_sum_candidate =
    R"cpp(/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] >= 2 and init.scale != none"
[tune]
BLOCK = [16, 32]
[loops]
t = "x.shape[0]"
[[scratch]]
name = "hidden"
dtype = "f32"
shape = ["x.shape[0]", "fc.weight.shape[0]"]
[[scratch]]
name = "partial"
dtype = "f64"
shape = ["threads", "x.shape[0]"]
zero = true
[[step]]
phase = "prepare"
call = "aten.t.default"
args = ["fc.weight"]
out = "turned"
[[step]]
call = "aten.addmm.default"
args = ["fc.bias", "x", "turned"]
out = "hidden"
[[step]]
launch = "squash"
grid = ["cdiv(numel(hidden), BLOCK)"]
args = ["hidden", "out0", "numel(hidden)", "init.scale"]
[[step]]
for = "t"
launch = "row"
grid = ["cdiv(x.shape[1], BLOCK)"]
args = ["x", "partial", "x.shape[0]", "x.shape[1]", "t", "thread"]
[[step]]
launch = "finish"
grid = ["1"]
args = ["partial", "out1", "x.shape[0]", "threads", "f64(1)", "i32(out1.stride[0])"]
/// */
          extern "C" void squash(const float* hidden, float* out, int64_t n, float scale, int64_t block) {
            for (int64_t i = block * BLOCK; i < n && i < (block + 1) * BLOCK; ++i)
              out[i] = scale / (1 + __builtin_expf(-hidden[i]));
          }
          extern "C" void row(const float* x, double* partial, int64_t rows, int64_t columns, int64_t t, int64_t thread,
                              int64_t block) {
            for (int64_t i = block * BLOCK; i < columns && i < (block + 1) * BLOCK; ++i)
              partial[thread * rows + t] += x[t * columns + i];
          }
          extern "C" void finish(const double* partial, float* out, int64_t rows, int64_t threads, double one,
                                 int stride, int64_t) {
            for (int64_t r = 0; r < rows; ++r) {
              double sum = 0;
              for (int64_t t = 0; t < threads; ++t) sum += partial[t * rows + r];
              out[r * stride] = (float)(one * sum);
            }
          }
    )cpp";

TEST_F(ExportedFile, ThePythonFileAgreesWithTheModelOnItsOwnAndOnOtherShapes) {
  const auto text = exported(ExportFormat::pytorch, row_sum_candidate, problem_of(row_sum_problem));
  ASSERT_TRUE(text) << text.error().message;
  const Finished done = run(*text, "[(7, 100), (1000, 100), (2, 100)]");
  ASSERT_TRUE(done.ok()) << done.describe() << done.errors;
  EXPECT_EQ(done.output, "kerf\nkerf\nlearned 68\nkerf\nkerf\nkerf\n");
}

// Scratch is the results themselves, but where something that is used later lies in the same memory.
TEST_F(ExportedFile, ThePythonFileKeepsApartWhatIsStillUsed) {
  const std::string problem = R"py(
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, x):
        a = torch.relu(x)
        return (a + 1) * a, torch.exp(x) + 1

def get_inputs():
    return [torch.randn(5, 7)]

def get_init_inputs():
    return []
)py";
  const std::string candidate = R"cpp(/* /// kerf
version = 1
[[scratch]]
name = "more"
dtype = "f32"
shape = ["numel(x)"]
[[scratch]]
name = "grown"
dtype = "f32"
shape = ["numel(x)"]
[[step]]
call = "aten.relu.default"
args = ["x"]
out = "a"
[[step]]
call = "aten.view.default"
args = ["a", ["numel(x)"]]
out = "more"
[[step]]
launch = "add_one"
grid = [1]
args = ["more", "more", "numel(x)"]
[[step]]
call = "aten.view.default"
args = ["more", ["x.shape[0]", "x.shape[1]"]]
out = "rows"
[[step]]
call = "aten.mul.Tensor"
args = ["rows", "a"]
out = "out0"
[[step]]
call = "aten.exp.default"
args = ["x"]
out = "e"
[[step]]
call = "aten.view.default"
args = ["e", ["numel(x)"]]
out = "grown"
[[step]]
launch = "add_one"
grid = [1]
args = ["grown", "out1", "numel(x)"]
/// */
                                      extern "C" void add_one(const float* from, float* to, int64_t n, int64_t) {
                                        for (int64_t i = 0; i < n; ++i) to[i] = from[i] + 1;
                                      }
  )cpp";
  const auto text = exported(ExportFormat::pytorch, candidate, problem_of(problem));
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(
      *text,
      HasSubstr(R"(_take("aten.view.default", [a, [_numel(x)]], {}, [("more", _torch.float32, (_numel(x),))], [a]))"));
  EXPECT_THAT(
      *text,
      HasSubstr(R"(_take("aten.view.default", [e, [_numel(x)]], {}, [("grown", _torch.float32, (_numel(x),))], []))"));
  const Finished done = run(*text, "[]");
  ASSERT_TRUE(done.ok()) << done.describe() << done.errors;
  EXPECT_EQ(done.output, "kerf\nkerf\nlearned 9\n");  // eight steps, and a copy into `more`
}

TEST_F(ExportedFile, ThePythonFileRunsTheModelWhereThePlanDoesNotSupportWhatItIsGiven) {
  const auto text = exported(ExportFormat::pytorch, row_sum_candidate, problem_of(row_sum_problem));
  ASSERT_TRUE(text);
  const Finished done = run(*text, "[(1, 100), (3, 100), (0, 100)]");
  ASSERT_TRUE(done.ok()) << done.describe() << done.errors;
  EXPECT_EQ(done.output, "kerf\nkerf\nlearned 68\nmodel\nkerf\nmodel\n");
}

TEST_F(ExportedFile, ThePythonFileRunsTheModelAndSaysSoWhereNoCompilerIs) {
  auto text = exported(ExportFormat::pytorch, row_sum_candidate, problem_of(row_sum_problem));
  ASSERT_TRUE(text);
  const Finished done =
      run("import warnings\nwarnings.simplefilter('default')\n" + *text, "[]", {{"PATH", "/nowhere"}});
  EXPECT_TRUE(done.ok()) << done.errors;
  EXPECT_EQ(done.output, "model\nmodel\n");
  EXPECT_THAT(done.errors, HasSubstr("no C++ compiler works here"));
}

TEST_F(ExportedFile, ThePythonFileHasTheSizesThatWereAskedFor) {
  const auto text = exported(ExportFormat::pytorch, row_sum_candidate,
                             problem_of(row_sum_problem, {{"rows", Value{std::int64_t{12}}}}));
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("\nrows = 12  # here: 64\n"));
  EXPECT_THAT(*text, HasSubstr("\ncolumns = 100\n"));
}

TEST_F(ExportedFile, ASourceIsTheCandidate) {
  EXPECT_EQ(*exported(ExportFormat::source, row_sum_candidate, problem_of(row_sum_problem)), row_sum_candidate);
}

TEST_F(ExportedFile, PlainCppHasNoLibraryCalls) {
  const auto text = exported(ExportFormat::cpp, row_sum_candidate, problem_of(row_sum_problem));
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(text.error().message, HasSubstr("aten.t.default"));
}

constexpr const char* launches_problem = R"py(
import torch
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
    def forward(self, x, y):
        return (x * y).sum(dim=1)
def get_inputs():
    return [torch.randn(64, 100), torch.randn(64, 100)]
def get_init_inputs():
    return []
)py";
constexpr const char* launches_candidate = R"cpp(/* /// kerf
version = 1
[[scratch]]
name = "products"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]"]
[[step]]
launch = "multiply"
grid = ["x.shape[1]", "x.shape[0]"]
args = ["x", "y", "products", "x.shape[1]"]
[[step]]
launch = "add"
grid = ["x.shape[0]"]
args = ["products", "out", "x.shape[1]", "1.0"]
/// */
                                                 extern "C" void multiply(const float* x, const float* y, float* p, int64_t n, int64_t j, int64_t i) {
                                                   p[i * n + j] = x[i * n + j] * y[i * n + j];
                                                 }
                                                 extern "C" void add(const float* p, float* out, int64_t n, float one, int64_t i) {
                                                   float sum = 0;
                                                   for (int64_t j = 0; j < n; ++j) sum += p[i * n + j];
                                                   out[i] = one * sum;
                                                 }
)cpp";

TEST_F(ExportedFile, TheCppFileCompilesAloneAndComputesTheAnswer) {
  const auto text = exported(ExportFormat::cpp, launches_candidate, problem_of(launches_problem));
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("t_x: f32[64, 100]"));
  std::ofstream(folder.path() / "kernel.cc") << *text;
  std::ofstream(folder.path() / "main.cc") << R"cpp(
#include <cstdlib>
#include <cstdio>
    extern "C" long kerf_scratch_bytes();
    extern "C" void kerf_run(const float* x, const float* y, float* out, void* scratch, int threads);
    int main() {
      static float x[6400], y[6400], out[64];
      for (int i = 0; i < 6400; ++i) x[i] = i % 7, y[i] = i % 5;
      void* scratch = aligned_alloc(64, kerf_scratch_bytes());
      kerf_run(x, y, out, scratch, 2);
      for (int r = 0; r < 64; ++r) {
        float sum = 0;
        for (int i = 0; i < 100; ++i) sum += x[r * 100 + i] * y[r * 100 + i];
        if (sum != out[r]) return std::printf("row %d: %f, not %f\n", r, out[r], sum), 1;
      }
    }
  )cpp";
  const auto in = [&](std::vector<std::string> argv) {
    return kerf::run({.argv = std::move(argv), .environment = clean_environment(), .directory = folder.path().string()},
                     std::chrono::minutes(1))
        .value();
  };
  const Finished compiled = in(
      {*find_program("g++"), "-std=c++20", "-O3", "-march=native", "-fopenmp", "kernel.cc", "main.cc", "-o", "kernel"});
  ASSERT_TRUE(compiled.ok()) << compiled.errors;
  const Finished ran = in({(folder.path() / "kernel").string()});
  EXPECT_TRUE(ran.ok()) << ran.describe() << ran.output;
}

// Candidates that were written by hand for problems of the suite, where they are at hand.
TEST_F(ExportedFile, ThePythonFilesOfTheExamplesAgreeWithTheirModels) {
  const char* variable = std::getenv("KERF_SHARED");
  const fs::path shared = variable != nullptr ? fs::path(variable) : fs::path(KERF_SOURCE) / "../shared";
  if (!fs::exists(shared / "examples/candidates")) {
    std::cout << "unavailable: " << shared.string() << " (set KERF_SHARED)\n";
    return;
  }
  const std::map<std::string, std::string> examples = {
      {"L1_036_rmsnorm", "1/36"}, {"L2_071_conv_leaky_relu", "2/71"}, {"L3_040_gru", "3/40"}};
  for (const auto& [name, id] : examples) {
    auto problem = load_problem((shared / "data/kernelbench_dev.jsonl").string() + "#" + id);
    ASSERT_TRUE(problem) << problem.error().message;
    problem->sizes = sizes_for((shared / "data/cpu_sizes.json").string(), *problem).value();
    const std::string candidate = read_file(shared / "examples/candidates" / (name + ".cpp")).value();
    const auto text = exported(ExportFormat::pytorch, candidate, *problem);
    ASSERT_TRUE(text) << name << ": " << text.error().message;
    const Finished done = run(*text, "[]");
    EXPECT_TRUE(done.ok()) << name << ": " << done.describe() << done.errors;
    EXPECT_THAT(done.output, testing::StartsWith("kerf\nkerf\nlearned ")) << name;
  }
}

}  // namespace
}  // namespace kerf
