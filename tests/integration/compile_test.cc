// The real compilers in the real jail: what they make of right, wrong and hostile candidates.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <dlfcn.h>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/paths.h"
#include "candidate/prototype.h"
#include "target/cpu/cpp.h"
#include "target/cpu/hot_loop.h"
#include "target/toolchain.h"

namespace kerf {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string candidate(const std::string& body) {
  return "/* /// kerf\nversion = 1\n[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"x\", \"out\"]\n/// */\n" +
         body;  // body: line 8
}
const std::string kernel = "extern \"C\" void k(const float* x, float* out, int64_t i) { out[i] = x[i]; }\n";

Source source_of(const std::string& body) {
  auto source = read_source({.text = candidate(body), .language = Language::cpp, .name = "test.cpp"});
  EXPECT_TRUE(source) << source.error().message;
  return *std::move(source);
}

std::string fact(const Error& error, const std::string& name) {
  for (const auto& [key, value] : error.facts) {
    if (key == name) return value;
  }
  return "";
}

class Compile : public testing::TestWithParam<Compiler> {
 protected:
  void SetUp() override {
    auto folder = TemporaryDirectory::create("kerf-images");
    ASSERT_TRUE(folder);
    folder_.emplace(*std::move(folder));
    auto backend = make_cpp_backend({.compiler = GetParam(),
                                     .images = folder_->path(),
                                     .limit = std::chrono::seconds(20),
                                     .memory = std::size_t{2} << 30});
    ASSERT_TRUE(backend) << backend.error().message;
    backend_ = *std::move(backend);
  }
  Result<Image> compile(const std::string& body) { return backend_->compile(source_of(body), {}, {}); }
  void refuses(const std::string& body, const std::string& verdict, const std::string& rule,
               std::optional<Location> at = std::nullopt) {
    const auto image = compile(body);
    ASSERT_FALSE(image) << body.substr(0, 200);
    EXPECT_EQ(image.error().kind, ErrorKind::candidate) << image.error().message;
    EXPECT_EQ(fact(image.error(), "verdict"), verdict) << image.error().message;
    EXPECT_EQ(fact(image.error(), "rule"), rule) << image.error().message;
    if (at) {
      EXPECT_EQ(image.error().at, at) << image.error().message;
    }
  }

  std::optional<TemporaryDirectory> folder_;
  std::unique_ptr<LanguageBackend> backend_;
};

INSTANTIATE_TEST_SUITE_P(All, Compile, testing::ValuesIn(find_compilers()), [](const auto& each) {
  return std::string(each.param.family == Compiler::Family::gnu ? "gnu" : "clang") + std::to_string(each.param.major);
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Compile);

TEST_P(Compile, MakesAnImageThatLoadsAndRuns) {
  const auto image = compile(kernel);
  ASSERT_TRUE(image) << image.error().message;
  void* handle = ::dlopen(image->path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(handle, nullptr) << ::dlerror();
  const auto* entries = static_cast<const KernelEntry*>(::dlsym(handle, kernels_symbol));
  ASSERT_NE(entries, nullptr);
  EXPECT_STREQ(entries[0].name, "k");
  const float x[2] = {1, 2};
  float out[2] = {};
  const void* xp = x;
  void* op = out;
  void* args[2] = {&xp, &op};
  const std::int64_t grid[1] = {2};
  entries[0].run(args, 2, grid, 1, 0, 2);
  EXPECT_EQ(out[1], 2);
  ::dlclose(handle);
}

TEST_P(Compile, FindsTheImageAgain) {
  const auto first = compile(kernel), again = compile(kernel), other = compile(kernel + "// changed\n");
  ASSERT_TRUE(first && again && other);
  EXPECT_FALSE(first->cached);
  EXPECT_TRUE(again->cached);
  EXPECT_EQ(again->inspected, first->inspected);
  EXPECT_NE(other->digest, first->digest);
}

TEST_P(Compile, KnowsTheSameCodeUnderOtherCommentsLayoutAndNames) {
  const auto code = [&](const std::string& body) {
    const auto image = compile(body);
    EXPECT_TRUE(image) << image.error().message;
    EXPECT_TRUE(image && !image->code.empty());
    return image ? image->code : "";
  };
  const std::string body = "extern \"C\" void k(const float* x, float* out, int64_t i) { out[i] = 2 * x[i] + 0.5f; }\n";
  const std::string plain = code(body);
  EXPECT_EQ(compile(body)->code, plain) << "from the cache";
  EXPECT_EQ(code("// said otherwise\n\n\n" + body), plain);
  EXPECT_EQ(code("extern \"C\" void k(const float* from, float* to, int64_t at) {\n  const float two = 2;\n"
                 "  to[at] = two * from[at] + .5f;\n}\n"),
            plain);
  EXPECT_NE(code("extern \"C\" void k(const float* x, float* out, int64_t i) { out[i] = 2 * x[i] + 0.25f; }\n"), plain);
  EXPECT_NE(code("extern \"C\" void k(const float* x, float* out, int64_t i) { out[i] = 2 * x[i] - 0.5f; }\n"), plain);
  const std::string table = "static const float t[4] = {1, 2, 3, 4};\n";
  const std::string reads =
      "extern \"C\" void k(const float* x, float* out, int64_t i) { out[i] = x[i] * t[i % 4]; }\n";
  const std::string with = code(table + reads);
  EXPECT_NE(code("static const float t[4] = {1, 2, 3, 5};\n" + reads), with) << "constants count";
  EXPECT_EQ(code("// a table\n" + table + reads), with);
}

TEST_P(Compile, IsSafeFromSeveralThreads) {
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { good += compile(kernel).has_value() ? 1 : 0; });
  threads.clear();
  EXPECT_EQ(good, 4);
}

TEST_P(Compile, PointsAtTheErrorInTheCandidate) {
  const auto image = compile("extern \"C\" void k(const float* x, float* out, int64_t i) {\n  out[i] = total[i];\n}\n");
  ASSERT_FALSE(image);
  EXPECT_EQ(fact(image.error(), "verdict"), "compile_error");
  EXPECT_EQ(image.error().at, (Location{9, 12}));
  EXPECT_THAT(image.error().message, HasSubstr("total"));
}

TEST_P(Compile, SaysWhichLoopIsNotVectorised) {
  const auto image = compile(
      "extern \"C\" void k(const float* __restrict__ x, float* __restrict__ out, int64_t i) {\n"
      "  for (int64_t j = 0; j < 4096; ++j) out[j] = x[j] * 2;\n"
      "  float sum = 0;\n"
      "  for (int64_t j = 0; j < 4096; ++j) { sum = sum * 0.5f + x[j]; out[j] += sum; }\n"
      "}\n");
  ASSERT_TRUE(image) << image.error().message;
  bool vectorised = false, missed = false;
  for (const CompilerRemark& remark : image->remarks) {
    vectorised = vectorised || (remark.line == 9 && !remark.missed);
    missed = missed || (remark.line == 11 && remark.missed);
    EXPECT_GE(remark.line, 8);
    EXPECT_LE(remark.line, 13);
  }
  EXPECT_TRUE(vectorised);
  EXPECT_TRUE(missed);
}

TEST_P(Compile, RefusesStateThatAKernelKeeps) {
  for (const char* state : {"static int64_t calls;", "int64_t calls = 1;", "static volatile int64_t calls;",
                            "__attribute__((section(\".mine\"))) int64_t calls = 1;"}) {
    refuses(std::string(state) +
                "\nextern \"C\" void k(const float* x, float* out, int64_t i) { if (calls++ > 3) out[i] = x[i]; }\n",
            "rejected", "keeps_state", Location{4, 11});
  }
  refuses(
      "extern \"C\" void k(const float* x, float* out, int64_t i) { static float last; out[i] = last; last = x[i]; }\n",
      "rejected", "keeps_state", Location{4, 11});
}

TEST_P(Compile, TakesTablesOfConstants) {
  const auto image = compile(
      "static const float table[4] = {1, 2, 3, 4};\nextern \"C\" void k(const float* x, float* out, int64_t i) {\n"
      "  static constexpr float more[4] = {4, 3, 2, 1};\n  out[i] = x[i] * table[i & 3] + more[(i + 1) & 3];\n}\n");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->inspected.at("writable_bytes").get<int>(), 0) << image->inspected.dump();
}

TEST_P(Compile, NothingOfTheHostCanBeIncluded) {
  refuses("#include \"/etc/passwd\"\n" + kernel, "compile_error", "compile_error", Location{8, 10});
  refuses("#include <stdio.h>\n" + kernel, "compile_error", "compile_error", Location{8, 10});
  refuses("__asm__(\".incbin \\\"/etc/passwd\\\"\");\n" + kernel, "compile_error", "compile_error");
  refuses("#include \"/proc/self/environ\"\n" + kernel, "compile_error", "compile_error");
  refuses("#include \"" KERF_SOURCE "/CMakeLists.txt\"\n" + kernel, "compile_error", "compile_error");
}

TEST_P(Compile, LimitsHoldAgainstHostileSources) {
  refuses("template <int N> struct Deep { static constexpr int v = Deep<N + 1>::v + 1; };\nint deep = Deep<0>::v;\n" +
              kernel,
          "compile_error", "compile_error");
  const auto huge = compile(
      "static char a[4294967296] = {1};\nextern \"C\" void k(const float* x, float* out, int64_t i) { out[i] = a[i] + "
      "x[i]; a[i] = 2; }\n");
  EXPECT_FALSE(huge);
  const auto loud = compile(
      "#define A _Pragma(\"message(\\\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\\")\")\n#define B A A A A A A A A A "
      "A\n#define C B B B B B B B B B B\n#define D C C C C C C C C C C\n"
      "D D D D D D D D D D\n" +
      kernel);
  if (!loud) {
    EXPECT_EQ(loud.error().kind, ErrorKind::candidate) << loud.error().message;
  }
}

TEST_P(Compile, CompilersDoNotRunPlugins) {
  const auto image = compile(
      "#pragma GCC plugin \"/tmp/evil.so\"\n#pragma GCC push_options\n#pragma GCC optimize "
      "(\"plugin=/tmp/evil.so\")\n" +
      kernel);
  if (!image) {
    EXPECT_EQ(image.error().kind, ErrorKind::candidate) << image.error().message;
  }
}

TEST_P(Compile, RefusesWhatReachesOutOfAKernel) {
  refuses(
      "extern \"C\" void k(const float* x, float* out, int64_t i) {\n  float* p = (float*)__builtin_malloc(i * 4); "
      "p[0] = x[i]; *(float**)out = p;\n}\n",
      "rejected", "undefined_symbol", Location{9, 22});
  refuses(
      "extern \"C\" int system(const char*);\nextern \"C\" void k(const float* x, float* out, int64_t i) { out[i] = "
      "(float)system(\"ls\"); }\n",
      "rejected", "undefined_symbol", Location{8, 16});
  refuses("__attribute__((constructor)) static void early() { __asm__ volatile(\"nop\"); }\n" + kernel, "rejected",
          "constructor", Location{8, 16});
  refuses(
      "extern \"C\" void k(const float* x, float* out, int64_t i) {\n  long r = 39;\n  __asm__ volatile(\"syscall\" : "
      "\"+a\"(r) :: \"rcx\", \"r11\", \"memory\");\n  out[i] = r + x[i];\n}\n",
      "rejected", "system_call", Location{10, 3});
  refuses(
      "thread_local int64_t calls;\nextern \"C\" void k(const float* x, float* out, int64_t i) { if (calls++ > 3) "
      "out[i] = x[i]; }\n",
      "rejected", "thread_local", Location{8, 1});
  refuses("int64_t f();\nint64_t g = f();\n" + kernel + "int64_t f() { return __builtin_ia32_rdtsc(); }\n", "rejected",
          "constructor");
}

TEST_P(Compile, AllocatingExamplePointsAtTheCall) {
  const char* shared = std::getenv("KERF_SHARED");
  const std::string path = (shared != nullptr ? std::string(shared) : std::string(KERF_SOURCE "/../shared")) +
                           "/examples/bad/42_allocates.cpp";
  const auto text = read_file(path);
  if (!text) GTEST_SKIP() << "unavailable: " << path;
  const auto source = read_source({.text = *text, .language = Language::cpp, .name = "42"});
  ASSERT_TRUE(source) << source.error().message;
  const auto image = backend_->compile(*source, {}, {});
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().at, (Location{12, 27})) << image.error().message;
  EXPECT_EQ(fact(image.error(), "rule"), "undefined_symbol");
}

// A sum of products, as many partial sums as `accumulators`.
std::string products(int accumulators) {
  std::string body =
      "typedef float V __attribute__((vector_size(32), aligned(4)));\n"
      "extern \"C\" void k(const float* x, float* out, int64_t i) {\n";
  for (int a = 0; a < accumulators; ++a) body += fmt::format("  V s{} = {{}};\n", a);
  body += fmt::format("  for (int64_t j = 0; j < 65536; j += {}) {{\n", 8 * accumulators);
  for (int a = 0; a < accumulators; ++a)
    body += fmt::format("    s{0} += *(const V*)(x + j + {1}) * *(const V*)(x + j + {1} + 65536);\n", a, 8 * a);
  body += "  }\n  V s = s0;\n";
  for (int a = 1; a < accumulators; ++a) body += fmt::format("  s += s{};\n", a);
  return body + "  *(V*)(out + 8 * i) = s;\n}\n";
}

// llvm-mca and objdump of this machine (apt.txt: llvm-19, binutils).
TEST_P(Compile, TheModelTellsAChainFromFullPorts) {
  const auto chain = compile(products(1)), parallel = compile(products(8));
  ASSERT_TRUE(chain && parallel);
  const auto one = model_hot_loop(chain->path, "k"), eight = model_hot_loop(parallel->path, "k");
  ASSERT_TRUE(one) << one.error().message;
  ASSERT_TRUE(eight) << eight.error().message;
  EXPECT_GT(one->code.vector, 0);
  EXPECT_EQ(one->code.vector_bits, 256);
  EXPECT_TRUE(one->model.waits()) << one->model.cycles << " against " << one->model.port_cycles;
  EXPECT_FALSE(eight->model.waits()) << eight->model.cycles << " against " << eight->model.port_cycles;
  EXPECT_LT(eight->model.cycles / 8, 0.6 * one->model.cycles);
  EXPECT_EQ(eight->model.port_work, LoopWork::loads) << "two loads an addition, on " << eight->model.port;

  // A wide loop that computes nothing stands before the one that takes the time.
  const auto after_filling = compile(
      "extern \"C\" void k(const float* x, float* out, int64_t i) {\n"
      "  for (int64_t j = 0; j < 1024; ++j) out[j] = 1.0f;\n"
      "  float s = 0;\n  for (int64_t j = 0; j < 65536; ++j) s += x[j] * x[j];\n  out[i] = s;\n}\n");
  ASSERT_TRUE(after_filling);
  const auto squares = model_hot_loop(after_filling->path, "k");
  ASSERT_TRUE(squares) << squares.error().message;
  EXPECT_GT(squares->code.scalar, 0);
  EXPECT_TRUE(squares->model.waits()) << squares->model.cycles << " against " << squares->model.port_cycles;

  const auto called = compile(
      "extern \"C\" void k(const float* x, float* out, int64_t i) {\n"
      "  for (int64_t j = 0; j < 1024; ++j) out[j] = __builtin_expf(x[j]);\n}\n");
  ASSERT_TRUE(called) << called.error().message;
  const auto calls = model_hot_loop(called->path, "k");
  ASSERT_TRUE(calls) << calls.error().message;
  EXPECT_GE(calls->code.calls, 1) << "as many as a round handles numbers";

  const auto straight = compile(kernel);
  ASSERT_TRUE(straight);
  const auto none = model_hot_loop(straight->path, "k");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("has no loop"));
}

}  // namespace
}  // namespace kerf
