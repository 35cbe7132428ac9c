// The languages triton and gluon with the real compiler in the jail, for a GPU that need not be there.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <iostream>

#include "base/paths.h"
#include "candidate/triton_manifest.h"
#include "target/nvidia/cubin.h"
#include "target/nvidia/kernel_prober.h"
#include "target/nvidia/triton.h"
#include "target/nvidia/triton_worker.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TensorSpec tensor(std::vector<std::int64_t> shape, Dtype dtype = Dtype::f32) {
  return {.dtype = dtype, .shape = shape, .stride = contiguous_strides(shape)};
}
Workload rows_of(std::int64_t rows, std::int64_t columns) {
  return {.id = fmt::format("{}x{}", rows, columns),
          .tensors = {{.name = "x", .role = Role::input, .spec = tensor({rows, columns}), .drawn = "randn"}},
          .init = {{"scale", Value{1.5}}},
          .outputs = {tensor({rows, columns})}};
}

// Line 12 is the first of the body.
std::string candidate(const std::string& body,
                      const std::string& keys = "constexpr = { N = \"next_pow2(x.shape[1])\" }",
                      const std::string& args = R"(["x", "out", "x.shape[1]", "init.scale"])") {
  return "# /// kerf\n# version = 1\n# [[step]]\n# launch = \"scale\"\n# grid = [\"x.shape[0]\"]\n# args = " + args +
         "\n# " + keys +
         "\n# ///\nimport triton\nimport triton.language as tl\n\n"
         "@triton.jit\ndef scale(x, out, n, s, N: tl.constexpr):\n" +
         body;
}
const std::string body =
    "    i = tl.arange(0, N)\n"
    "    row = tl.program_id(0).to(tl.int64) * n\n"
    "    tl.store(out + row + i, tl.load(x + row + i, mask=i < n) * s, mask=i < n)\n";

class Triton : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto folder = TemporaryDirectory::create("kerf-triton");
    ASSERT_TRUE(folder);
    images = new TemporaryDirectory(std::move(*folder));
    auto target = load_target("nvidia");
    ASSERT_TRUE(target) << target.error().message;
    auto made = make_triton_backend(*target, {.images = images->path()});
    if (!made) {
      ASSERT_EQ(made.error().kind, ErrorKind::unavailable) << made.error().message;
      why = made.error().message;
      return;
    }
    backend = std::move(*made).release();
  }
  static void TearDownTestSuite() {
    delete std::exchange(backend, nullptr);
    delete std::exchange(images, nullptr);
  }
  void SetUp() override {
    if (!why.empty()) GTEST_SKIP() << why;
  }
  static Source source_of(const std::string& text, Language language = Language::triton) {
    auto source = read_source({.text = text, .language = language, .name = "candidate.py"});
    EXPECT_TRUE(source) << source.error().message;
    return source ? *std::move(source) : Source{};
  }
  static Result<Image> compile(const std::string& text, const std::vector<Workload>& workloads,
                               Language language = Language::triton) {
    return backend->compile(source_of(text, language), {}, workloads);
  }
  static TritonManifest manifest_of(const Image& image) {
    auto manifest = read_triton_manifest(*read_file(image.path));
    EXPECT_TRUE(manifest);
    return manifest ? *std::move(manifest) : TritonManifest{};
  }
  static void expect_error(const std::string& text, const std::string& verdict, Location at, const std::string& words) {
    const auto image = compile(text, {rows_of(64, 1024)});
    ASSERT_FALSE(image) << text;
    EXPECT_EQ(image.error().kind, ErrorKind::candidate) << image.error().message;
    std::string found;
    for (const auto& [key, value] : image.error().facts) found = key == "verdict" ? value : found;
    EXPECT_EQ(found, verdict) << image.error().message;
    EXPECT_EQ(image.error().at, at) << image.error().message;
    EXPECT_THAT(image.error().message, HasSubstr(words));
  }

  static inline TemporaryDirectory* images = nullptr;
  static inline LanguageBackend* backend = nullptr;
  static inline std::string why;
};

TEST_F(Triton, CompilesEachSpecialisationOnceAndKeepsIt) {
  const std::string text = candidate(body);
  // 64 rows or 32 of 1024 are one specialisation; 1021 columns are not divisible by 16.
  const std::vector<Workload> workloads = {rows_of(64, 1024), rows_of(32, 1024), rows_of(64, 1021)};
  const auto start = std::chrono::steady_clock::now();
  const auto image = compile(text, workloads);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ASSERT_TRUE(image) << image.error().message;
  const TritonManifest manifest = manifest_of(*image);
  ASSERT_EQ(manifest.entries.size(), 2U);
  const TritonEntry* whole = manifest.find("scale(*fp32:16, *fp32:16, i32:16, fp32) N=1024 num_warps=4");
  const TritonEntry* ragged = manifest.find("scale(*fp32:16, *fp32:16, i32, fp32) N=1024 num_warps=4");
  ASSERT_TRUE(whole && ragged) << to_text(manifest);
  EXPECT_EQ(whole->parameters.size(), 4U);
  EXPECT_GT(whole->registers, 0);
  const auto cubin = read_cubin(*read_file(images->path() / whole->cubin));
  ASSERT_TRUE(cubin) << cubin.error().message;
  EXPECT_EQ(cubin->architecture, 90);
  std::vector<int> sizes;
  for (const auto& p : cubin->kernels.at(0).parameters) sizes.push_back(p.size);
  std::vector<int> wanted = {8, 8, 4, 4};
  wanted.insert(wanted.end(), whole->scratch.size(), 8);
  EXPECT_EQ(sizes, wanted);

  const auto again = compile(text, workloads);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->cached);
  const auto fewer = compile(text, {workloads[0]});
  ASSERT_TRUE(fewer);
  EXPECT_NE(fewer->digest, image->digest) << "other workloads, other specialisations";
  std::cout << fmt::format("two specialisations: {:.2f} s\n", took);
}

TEST_F(Triton, ManyJobsAreSharedAmongProcesses) {
  const std::string text =
      "import triton\nimport triton.language as tl\n\n\n@triton.jit\n"
      "def scale(x, out, n, B: tl.constexpr):\n    at = tl.program_id(0) * B + tl.arange(0, B)\n"
      "    tl.store(out + at, tl.load(x + at, mask=at < n) * 2.0, mask=at < n)\n";
  std::vector<TritonJob> jobs;
  for (const std::int64_t block : {64, 128, 256, 512})
    for (const int warps : {1, 2, 4})
      jobs.push_back({.kernel = "scale",
                      .signature = {{"x", "*fp32"}, {"out", "*fp32"}, {"n", "i32"}, {"B", "constexpr"}},
                      .constants = {{"B", Value{block}}},
                      .divisible_16 = {},
                      .num_warps = warps,
                      .num_stages = {}});
  const auto workers = TritonWorkers::start(3);
  ASSERT_TRUE(workers) << workers.error().message;
  const auto compiled = [&](bool shared) {
    const auto loaded = (*workers)->load(text);
    EXPECT_TRUE(loaded) << loaded.error().message;
    return shared ? (*workers)->compile(text, **loaded, jobs, 90) : (*loaded)->compile(jobs, 90);
  };
  const auto one = compiled(false), several = compiled(true);
  ASSERT_TRUE(one) << one.error().message;
  ASSERT_TRUE(several) << several.error().message;
  ASSERT_EQ(several->size(), jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_EQ((*several)[i].num_warps, jobs[i].num_warps);
    EXPECT_EQ((*several)[i].ptx, (*one)[i].ptx);
  }
  jobs[5].constants.clear();
  jobs[9].kernel = "nowhere";
  const auto wrong = compiled(true);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, compiled(false).error().message) << "of several errors the first job's";
}

TEST_F(Triton, CompilesAKernelWithProbes) {
  auto* const prober = dynamic_cast<KernelProber*>(backend);
  ASSERT_NE(prober, nullptr);
  const auto made = prober->probed(source_of(candidate(body)), rows_of(64, 1024), {}, 0);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->kernel, "scale");
  EXPECT_EQ(made->parameters, 4);
  EXPECT_GE(made->ops.size(), 2u);
  bool load = false;
  for (const auto& [op, known] : made->ops) load = load || (known.name == "tt.load" && known.line == 16);
  EXPECT_TRUE(load) << "the load of the kernel's last line";
  const auto cubin = read_cubin(*read_file(made->cubin));
  ASSERT_TRUE(cubin) << cubin.error().message;
  EXPECT_EQ(cubin->kernels.at(0).parameters.size(), 5 + made->scratch.size());
  EXPECT_GT(made->plan.bytes(), 0);
}

TEST_F(Triton, KnowsTheSameCodeOnOtherLines) {
  const std::vector<Workload> workloads = {rows_of(64, 1024)};
  const auto plain = compile(candidate(body), workloads),
             moved = compile(candidate("    # said otherwise\n\n" + body), workloads);
  std::string halved = body;
  halved.replace(halved.find("* s,"), 4, "* s / 2,");
  const auto other = compile(candidate(halved), workloads);
  ASSERT_TRUE(plain && moved && other);
  EXPECT_FALSE(plain->code.empty());
  EXPECT_NE(moved->digest, plain->digest);
  EXPECT_EQ(moved->code, plain->code);
  EXPECT_NE(other->code, plain->code);
  EXPECT_EQ(compile(candidate(body), workloads)->code, plain->code) << "from the cache";
}

TEST_F(Triton, DivisibilityMakesLoadsWide) {
  const auto loads = [](const Workload& workload) {
    const auto image = compile(candidate(body), {workload});
    EXPECT_TRUE(image) << image.error().message;
    return image ? image->inspected.at("entries").at(0).at("instructions").at("ld.global").get<int>() : 0;
  };
  const int whole = loads(rows_of(64, 1024)), ragged = loads(rows_of(64, 1021));
  EXPECT_LT(whole, ragged) << "float4 loads where rows start at multiples of 16 bytes";
}

TEST_F(Triton, OneIsAConstant) {
  const auto image = compile(candidate(body, "constexpr = { N = 16 }"), {rows_of(64, 1)});
  ASSERT_TRUE(image) << image.error().message;
  const TritonManifest manifest = manifest_of(*image);
  ASSERT_EQ(manifest.entries.size(), 1U);
  std::vector<int> left;
  for (const auto& p : manifest.entries[0].parameters) left.push_back(p.argument);
  EXPECT_EQ(left, (std::vector<int>{0, 1, 3}));
}

TEST_F(Triton, TellsWhatIsKnownWithoutRunning) {
  const Source source = source_of(candidate(body));
  const Workload workload = rows_of(64, 1024);
  const auto image = backend->compile(source, {}, std::span(&workload, 1));
  ASSERT_TRUE(image) << image.error().message;
  const auto told = backend->check(source, workload, {}, &*image);
  ASSERT_TRUE(told) << told.error().message;
  ASSERT_EQ(told->size(), 1U);
  EXPECT_EQ(told->at(0).at("line"), 4);
  EXPECT_EQ(told->at(0).at("threads"), 128);
  EXPECT_EQ(told->at(0).at("blocks"), 64);
  EXPECT_GT(told->at(0).at("occupancy").get<double>(), 0);
  EXPECT_GT(told->at(0).at("instructions").at("st.global").get<int>(), 0);
}

TEST_F(Triton, PointsAtWhatIsWrong) {
  expect_error(candidate(body, "num_warps = 4"), "rejected", {6, 10}, "N has no value");
  expect_error(candidate(body, "constexpr = { N = 1024 }", R"(["x", "out", "x.shape[1]"])"), "rejected", {6, 10},
               "3 arguments: scale takes 4");
  expect_error(candidate(body, "constexpr = { N = 1024, M = 2 }"), "rejected", {7, 27}, "no tl.constexpr parameter M");
  expect_error(candidate(body, "num_warps = 3"), "rejected", {7, 15}, "num_warps is 3");
  expect_error(candidate("    i = tl.arange(0, 1000)\n"), "compile_error", {14, 9}, "power of 2");
  expect_error(candidate("    tl.store(out, nothing)\n"), "compile_error", {14, 19}, "nothing");
  expect_error(candidate("    if\n"), "compile_error", {14, 7}, "invalid syntax");
  expect_error(candidate(body + "\nraise ValueError('at import')\n"), "compile_error", {18, 1}, "at import");
}

TEST_F(Triton, AModuleReachesNeitherFilesNorNetwork) {
  const std::string probe = body +
                            "\nimport socket\nreached = []\n"
                            "for path in ('/etc/passwd', '" KERF_SOURCE
                            "/CMakeLists.txt'):\n"
                            "    try:\n        open(path).read()\n        reached.append(path)\n"
                            "    except OSError:\n        pass\n"
                            "try:\n    open('/usr/lib/kerf-probe', 'w')\n    reached.append('/usr/lib')\n"
                            "except OSError:\n    pass\n"
                            "try:\n    socket.create_connection(('127.0.0.1', 9), 1)\n    reached.append('network')\n"
                            "except OSError as e:\n    if e.errno == 111: reached.append('network')\n"
                            "raise ValueError('reached: ' + str(reached))\n";
  const auto image = compile(candidate(probe), {rows_of(64, 1024)});
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().message, "reached: []");
}

TEST_F(Triton, ASourceThatKillsItsProcessHarmsNobody) {
  const auto dead = compile(candidate(body + "\nimport os\nos._exit(3)\n"), {rows_of(64, 1024)});
  ASSERT_FALSE(dead);
  EXPECT_EQ(dead.error().kind, ErrorKind::candidate);
  EXPECT_TRUE(compile(candidate(body + "# after a crash\n"), {rows_of(64, 1024)}));
}

TEST_F(Triton, CompilesGluon) {
  const std::string text =
      "# /// kerf\n# version = 1\n# [[step]]\n# launch = \"scale\"\n# grid = [\"x.shape[0]\"]\n"
      "# args = [\"x\", \"out\", \"x.shape[1]\", \"init.scale\"]\n# constexpr = { N = \"next_pow2(x.shape[1])\" }\n# "
      "///\n"
      "from triton.experimental import gluon\nfrom triton.experimental.gluon import language as gl\n\n"
      "@gluon.jit\ndef scale(x, out, n, s, N: gl.constexpr):\n"
      "    layout: gl.constexpr = gl.BlockedLayout([4], [32], [4], [0])\n"
      "    i = gl.arange(0, N, layout=layout)\n"
      "    row = gl.program_id(0).to(gl.int64) * n\n"
      "    gl.store(out + row + i, gl.load(x + row + i, mask=i < n, other=0.0) * s, mask=i < n)\n";
  EXPECT_EQ(language_of("candidate.py", text), Language::gluon);
  const auto image = compile(text, {rows_of(64, 1024)}, Language::gluon);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(manifest_of(*image).entries.size(), 1U);
}

TEST_F(Triton, CompilesTheExampleOfItsPage) {
  const std::string page = *read_file(KERF_SOURCE "/docs/triton.md"), fence = "```python\n";
  const std::size_t begin = page.find(fence) + fence.size();
  const Source source = source_of(page.substr(begin, page.find("```", begin) - begin));
  const std::vector<Workload> workloads = {rows_of(64, 1024), rows_of(3, 1021)};
  const auto points = tune_points(source);
  ASSERT_TRUE(points);
  for (const TunePoint& point : *points) {
    const auto image = backend->compile(source, point, workloads);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(manifest_of(*image).entries.size(), 2U);
    EXPECT_EQ(manifest_of(*image).entries[0].num_warps, std::get<std::int64_t>(point.at(0).second.is));
  }
}

// --- The examples -------------------------------------------------------------------------------------------------

fs::path shared() {
  const char* set = std::getenv("KERF_SHARED");
  return set != nullptr ? fs::path(set) : fs::path(KERF_SOURCE).parent_path() / "shared";
}

TEST_F(Triton, CompilesTheExamples) {
  if (!fs::exists(shared() / "examples")) GTEST_SKIP() << "unavailable: no examples at " << shared();
  const std::map<std::string, Workload> workloads = {
      {"L1_036_rmsnorm.py",
       {.id = "36",
        .tensors = {{.name = "x", .role = Role::input, .spec = tensor({112, 64, 512, 512}), .drawn = "rand"}},
        .init = {{"num_features", Value{std::int64_t{64}}}, {"eps", Value{1e-5}}},
        .outputs = {tensor({112, 64, 512, 512})}}},
      {"L1_095_cross_entropy.py",
       {.id = "95",
        .tensors = {{.name = "predictions", .role = Role::input, .spec = tensor({32768, 4096}), .drawn = "rand"},
                    {.name = "targets", .role = Role::input, .spec = tensor({32768}, Dtype::i64), .drawn = "randint"}},
        .init = {},
        .outputs = {tensor({})}}}};
  for (const auto& [name, workload] : workloads) {
    const Source source = source_of(*read_file(shared() / "examples/candidates" / name));
    const auto points = tune_points(source);
    ASSERT_TRUE(points);
    for (const TunePoint& point : *points) {
      const auto image = backend->compile(source, point, std::span(&workload, 1));
      ASSERT_TRUE(image) << name << " " << to_string(point) << ": " << image.error().message;
      const auto told = backend->check(source, workload, point, &*image);
      ASSERT_TRUE(told) << told.error().message;
      std::cout << fmt::format("{} {}: {:.2f} s, {} registers, {} bytes shared\n", name, to_string(point),
                               image->seconds, told->at(0).at("registers").get<int>(),
                               told->at(0).at("shared_bytes").get<int>());
    }
  }
  Workload sums = rows_of(32768, 4096);
  const auto bad = compile(*read_file(shared() / "examples/bad/39_constexpr_missing.py"), {sums});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().at, (Location{7, 10})) << bad.error().message;
}

}  // namespace
}  // namespace kerf
