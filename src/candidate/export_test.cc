#include "candidate/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using testing::HasSubstr;
using testing::Not;

// A workload with awkward names: keywords, dots, what collides once dots are gone.
Workload workload() {
  Workload w;
  const auto tensor = [](std::string name, Role role) {
    return NamedTensor{
        .name = std::move(name), .role = role, .spec = {.dtype = Dtype::f32, .shape = {4, 8}, .stride = {8, 1}}};
  };
  w.tensors = {tensor("x", Role::input), tensor("lambda", Role::input), tensor("conv.weight", Role::parameter),
               tensor("conv_weight", Role::parameter), tensor("lifted_0", Role::constant)};
  w.outputs = {{.dtype = Dtype::f32, .shape = {4, 8}, .stride = {8, 1}}};
  w.init = {{"eps", Value{1e-5}}, {"stride", Value{}}};
  return w;
}

Result<std::string> exported(ExportFormat format, const std::string& plan, const std::string& kernels = "",
                             Problem problem = {.id = "p", .source = "class Model: pass\n"}) {
  static const Workload w = workload();
  const Source source = TRY(read_source({.text = "/* /// kerf\nversion = 1\n" + plan + "/// */\n" + kernels}));
  const std::vector<TunePoint> points = TRY(tune_points(source));
  return export_candidate(format, {.source = &source, .tune = points.at(0), .problem = &problem, .workload = &w});
}

std::string python(const std::string& plan, const std::string& kernels = "") {
  const auto text = exported(ExportFormat::pytorch, plan, kernels);
  EXPECT_TRUE(text) << text.error().message;
  return text ? *text : "";
}

constexpr const char* k = "extern \"C\" void k(float* out, int64_t i) {}\n";

TEST(ExportPython, ExpressionsBecomePythonOverItsOwnNames) {
  const std::string text = python(R"toml(
supports = "x.dtype == 'f32' and x.stride[-1] == 1 and init.stride == none and cdiv(x.shape[0], 2) > 1.5"
[tune]
BLOCK = [16, 32]
[[step]]
launch = "k"
grid = ["cdiv(numel(x), BLOCK)"]
args = ["x", "conv.weight", "conv_weight", "lambda", "out", "f64(init.eps)", "i32(x.stride[0])", "thread", 3, "min(x.ndim, next_pow2(5))"]
)toml",
                                  k);
  EXPECT_THAT(text, HasSubstr("return _dtype(x) == 'f32' and x.stride()[-1] == 1 and init_stride == None and "
                              "_cdiv(x.shape[0], 2) > 1.5"));
  EXPECT_THAT(text, HasSubstr("_launch(\"k\", [x, conv_weight, conv_weight_, "
                              "lambda_, out, _f64(init_eps), _i32(x.stride()[0]), _kerf_thread, 3, "
                              "min(x.ndim, _next_pow2(5))], [_cdiv(_numel(x), BLOCK)])"));
  EXPECT_THAT(text, HasSubstr("    lambda_ = named[\"lambda\"]\n"));
  EXPECT_THAT(text, HasSubstr("    conv_weight = named[\"conv.weight\"]\n"));
  EXPECT_THAT(text, HasSubstr("    init_eps = init[\"eps\"]\n"));
  EXPECT_THAT(text, HasSubstr("    BLOCK = 16\n"));
  EXPECT_THAT(text, HasSubstr("constexpr int64_t BLOCK = 16L;"));
}

TEST(ExportPython, CudaLaunchesSayTheirBlocks) {
  const Workload w = workload();
  const Problem problem{.id = "p", .source = "class Model: pass\n"};
  const auto source = read_source({.text = R"cu(/* /// kerf
version = 1
[tune]
B = [128]
[[step]]
launch = "k<B>"
grid = ["cdiv(numel(x), B)", 2]
block = ["B"]
shared = "4 * B"
cluster = [2]
cooperative = true
args = ["x", "out", "numel(x)", "f32(init.eps)"]
/// */
template <int64_t N> __global__ void k(const float* x, float* out, int64_t n, float eps) {}
)cu",
                                   .language = Language::cuda,
                                   .name = "k.cu"});
  ASSERT_TRUE(source) << source.error().message;
  const auto text = export_candidate(ExportFormat::pytorch, {.source = &*source,
                                                             .tune = tune_points(*source)->at(0),
                                                             .problem = &problem,
                                                             .workload = &w,
                                                             .prelude = "// prelude\n",
                                                             .flags = {"--std=c++20"}});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("_launch(\"k<B>\", [x, out, _numel(x), _f32(init_eps)], "
                               "[_cdiv(_numel(x), B), 2], block=[B], shared=4 * B, cluster=[2], cooperative=True)"));
  EXPECT_THAT(*text, HasSubstr("KERF_DEVICE = \"cuda\"\n"));
  EXPECT_THAT(*text, HasSubstr("KERF_KERNELS = [\"k<B>\"]\n"));
  EXPECT_THAT(*text, HasSubstr("needs PyTorch and, for its kernels, an NVIDIA GPU and NVRTC; no kerf"));
  EXPECT_THAT(*text, Not(HasSubstr("_kerf_machine")));
  const auto cpp = export_candidate(ExportFormat::cpp, {.source = &*source, .problem = &problem, .workload = &w});
  ASSERT_FALSE(cpp);
  EXPECT_THAT(cpp.error().message, HasSubstr("--format pytorch can"));
}

TEST(ExportPython, CallsTakeNamesNumbersWordsAndDtypes) {
  const std::string text = python(R"toml(
[[step]]
call = "aten.sum.dim_IntList"
args = ["x", [1, "x.ndim - 2"]]
kwargs = { keepdim = true, dtype = "f64" }
out = "total"
[[step]]
call = "aten.clone"
args = ["total"]
kwargs = { memory_format = "contiguous_format" }
out = ["copied"]
[[step]]
call = "aten.gelu.default"
args = ["x"]
kwargs = { approximate = "tanh" }
out = "out"
[[step]]
call = "aten.max.dim"
args = ["x", 1]
out = ["_", "indexes"]
)toml");
  EXPECT_THAT(
      text,
      HasSubstr(
          R"py(total, = _call("aten.sum.dim_IntList", [x, [1, x.ndim - 2]], {"keepdim": True, "dtype": _torch.float64}))py"));
  EXPECT_THAT(text,
              HasSubstr(R"py(copied, = _call("aten.clone", [total], {"memory_format": _torch.contiguous_format}))py"));
  EXPECT_THAT(text,
              HasSubstr(R"py(outs[0], = _adopt("aten.gelu.default", [x], {"approximate": "tanh"}, [outs[0]]))py"));
  EXPECT_THAT(text, HasSubstr("KERF_ADOPTED = [0]"));
  EXPECT_THAT(text, HasSubstr(R"py(_, indexes = _call("aten.max.dim", [x, 1], {}))py"));
}

TEST(ExportPython, ScratchIsAllocatedOnceAndBeforeTheLoopThatUsesIt) {
  const std::string text = python(R"toml(
[loops]
t = "x.shape[0]"
[[scratch]]
name = "carry"
dtype = "f64"
shape = ["threads", 8]
zero = true
[[step]]
for = "t"
launch = "k"
grid = [1]
args = ["out", "carry", "t"]
)toml",
                                  k);
  EXPECT_THAT(text, HasSubstr("    carry, = _zeros((\"carry\", _torch.float64, (threads, 8)))\n"
                              "    for t in range(x.shape[0]):\n"
                              "        _launch(\"k\", [out, carry, t], [1])\n"));
}

TEST(ExportPython, WhatPrepareStepsGiveIsKeptUntilParametersChange) {
  const std::string text = python(R"toml(
[[scratch]]
name = "packed"
dtype = "f32"
shape = ["conv.weight.shape[0]"]
[[step]]
phase = "prepare"
call = "aten.t.default"
args = ["conv.weight"]
out = "turned"
[[step]]
phase = "prepare"
launch = "k"
grid = [1]
args = ["packed", 3]
[[step]]
launch = "k"
grid = [1]
args = ["out", "numel(turned) + numel(packed)"]
)toml",
                                  k);
  EXPECT_THAT(text, HasSubstr("def _kerf_prepare(named, init):\n"
                              "    conv_weight = named[\"conv.weight\"]\n"
                              "    turned, = _call(\"aten.t.default\", [conv_weight], {})\n"
                              "    packed = _torch.empty((conv_weight.shape[0],), dtype=_torch.float32, "
                              "device=_kerf_local.device)\n"
                              "    _launch(\"k\", [packed, 3], [1])\n"
                              "    return {\"turned\": turned, \"packed\": packed}\n"));
  EXPECT_THAT(text, HasSubstr("    turned = prepared[\"turned\"]\n    packed = prepared[\"packed\"]\n"
                              "    _launch(\"k\", [out, _numel(turned) + _numel(packed)], [1])\n"));
  EXPECT_THAT(text, HasSubstr("KERF_PREPARES = True\n"));
}

TEST(ExportPython, TheSourceStandsInItWhateverQuotesItHas) {
  const std::string kernel = std::string(k) + "// ''' and a backslash \\n\n";
  const std::string text = python("[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"out\"]\n", kernel);
  EXPECT_THAT(text, HasSubstr("// \\'\\'\\' and a backslash \\\\n\n"));
}

TEST(ExportPython, AConstantThatTracingFoundHasNoNameToTakeItFrom) {
  const auto text = exported(ExportFormat::pytorch,
                             "[[step]]\ncall = \"aten.mul.Tensor\"\nargs = [\"x\", \"lifted_0\"]\nout = \"out\"\n");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(text.error().message, HasSubstr("`lifted_0`"));
}

TEST(ExportPython, SizesReplacePlainAssignmentsOnly) {
  const Problem problem{.id = "p",
                        .source = "n = 5\nn_rows = 6\nm = (1,\n  2)\nif n == 5: pass\nclass Model: pass\n",
                        .sizes = {{"n", Value{std::int64_t{3}}}, {"m", Value{std::int64_t{4}}}}};
  const auto text = exported(ExportFormat::pytorch,
                             "[[step]]\ncall = \"aten.relu.default\"\nargs = [\"x\"]\nout = \"out\"\n", "", problem);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("n = 3  # here: 5\nn_rows = 6\nm = (1,\n  2)\nif n == 5: pass\n"));
}

TEST(ExportCpp, LaunchesHaveEveryNumberInThem) {
  const auto text = exported(ExportFormat::cpp, R"toml(
[[scratch]]
name = "carry"
dtype = "f64"
shape = ["threads", 8]
zero = true
[[step]]
launch = "k"
grid = ["x.shape[1]", 3]
args = ["out", "carry", "x.shape[0]", "init.eps", "thread"]
)toml",
                             k);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("{address(t_out), address(t_carry), bits(4L), bits(0x1.4f8b58p-17f), 0}"));
  EXPECT_THAT(*text, HasSubstr("const long grid[] = {8, 3};\n    kerf_launch(0, slots, 5, 16ULL, grid, 2, threads);"));
  EXPECT_THAT(*text, HasSubstr("kerf_scratch_bytes() { return 4096; }"));
  EXPECT_THAT(*text, HasSubstr("float* t_out, void* scratch, int threads"));
}

TEST(ExportCpp, CallsAreUnavailable) {
  const auto text =
      exported(ExportFormat::cpp, "[[step]]\ncall = \"aten.relu.default\"\nargs = [\"x\"]\nout = \"out\"\n");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(text.error().message, HasSubstr("--format pytorch"));
}

TEST(Export, FormatsHaveNames) {
  EXPECT_EQ(export_format_from("pytorch"), ExportFormat::pytorch);
  EXPECT_EQ(export_format_from("cpp"), ExportFormat::cpp);
  EXPECT_EQ(export_format_from("source"), ExportFormat::source);
  EXPECT_FALSE(export_format_from("PyTorch"));
}

}  // namespace
}  // namespace kerf
