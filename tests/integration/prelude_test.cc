// The prelude's functions against double, over every 2039th of the 2^32 floats, compiled as
// candidates are: by each compiler of the machine, for this CPU and for ones without wide vectors.
#include <dlfcn.h>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>

#include "base/paths.h"
#include "base/process.h"
#include "target/cpu/cpp.h"
#include "target/toolchain.h"

namespace kerf {
namespace {

// The largest error is in ulp of the result (of a denormal result: of the smallest normal). Of products with the
// argument it is counted so that a denormal factor may be off by as much; where a function is a difference that loses
// digits, it is in ulp of the argument.
enum class Unit : std::uint8_t { result, product, argument };
struct Function {
  const char* name;
  const char* scalar;
  double (*exact)(double);
  double ulp;
  Unit unit = Unit::result;
};
double exact_sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
double exact_softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
double exact_silu(double x) { return x * exact_sigmoid(x); }
double exact_gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }
const Function functions[] = {
    {"exp16", "exp1", std::exp, 1.5},
    {"expm1_16", "expm1_1", std::expm1, 1.6},
    {"log16", "log1", std::log, 0.9},
    {"log1p16", "log1p1", std::log1p, 1.3},
    {"tanh16", "tanh1", std::tanh, 5.0},
    {"erf16", "erf1", std::erf, 5.5},
    {"sin16", "sinf", std::sin, 2.0},
    {"cos16", "cosf", std::cos, 2.0},
    {"sigmoid16", "sigmoid1", exact_sigmoid, 2.2},
    {"softplus16", "softplus1", exact_softplus, 3.2},
    {"silu16", "silu1", exact_silu, 3.5, Unit::product},
    {"gelu16", "gelu1", exact_gelu, 3.2, Unit::argument},
};

double ulp_of(double value) {
  const double magnitude = std::max(std::fabs(value), 1.17549435e-38);
  return std::ldexp(1.0, static_cast<int>(std::floor(std::log2(magnitude))) - 23);
}

struct Setting {
  Compiler compiler;
  std::string march;
};
std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (const Compiler& compiler : find_compilers()) {
    all.push_back({compiler, "native"});
#if defined(__x86_64__)
    all.push_back({compiler, "x86-64"});
    if (__builtin_cpu_supports("avx2")) all.push_back({compiler, "haswell"});
#endif
  }
  return all;
}

class Prelude : public testing::TestWithParam<Setting> {
 protected:
  // Compiles `body` after the prelude and returns the function `name` of it.
  template <class F>
  F* load(const std::string& body, const char* name) {
    void* handle = compile(body);
    return handle == nullptr ? nullptr : reinterpret_cast<F*>(::dlsym(handle, name));
  }
  static void* compile(const std::string& body) {
    auto folder = TemporaryDirectory::create("kerf-prelude");
    EXPECT_TRUE(folder);
    const auto prelude = cpp_prelude();
    EXPECT_TRUE(prelude);
    EXPECT_TRUE(write_file(folder->path() / "c.cpp", *prelude + body));
    Command command{.argv = {GetParam().compiler.path}, .environment = clean_environment()};
    for (std::string& flag : cpp_flags(GetParam().compiler.family)) {
      command.argv.push_back(flag == "-march=native" ? "-march=" + GetParam().march : std::move(flag));
    }
    const std::string object = folder->path() / "c.so";
    command.argv.insert(command.argv.end(), {"-o", object, folder->path() / "c.cpp", "-l:libm.so.6", "-lgcc"});
    const auto finished = run(command, std::chrono::seconds(60));
    EXPECT_TRUE(finished && finished->ok()) << (finished ? finished->errors.substr(0, 2000) : finished.error().message);
    void* handle = ::dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(handle, nullptr) << ::dlerror();
    return handle;
  }
};
INSTANTIATE_TEST_SUITE_P(All, Prelude, testing::ValuesIn(settings()), [](const auto& each) {
  std::string name = (each.param.compiler.family == Compiler::Family::gnu ? "gnu_" : "clang_") + each.param.march;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Prelude);

#define VISIBLE "extern \"C\" __attribute__((visibility(\"default\"))) "

TEST_P(Prelude, FunctionsKeepTheirStatedErrors) {
  std::string body;
  for (const Function& f : functions) {
    body += std::string(VISIBLE "void v_") + f.name +
            "(const float* x, float* y, int64_t n) { for (int64_t i = 0; i < n; i += 16) store16(y + i, " + f.name +
            "(load16(x + i))); }\n";
    body +=
        std::string(VISIBLE "void s_") + f.name +
        "(const float* __restrict__ x, float* __restrict__ y, int64_t n) { for (int64_t i = 0; i < n; ++i) y[i] = " +
        f.scalar + "(x[i]); }\n";
  }
  // 2^32 floats in steps of a prime: every exponent and sign, two million values, and each edge.
  std::vector<float> x;
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += 2039) {
    const auto b = static_cast<std::uint32_t>(bits);
    float value;
    std::memcpy(&value, &b, 4);
    x.push_back(value);
  }
  const float inf = std::numeric_limits<float>::infinity();
  for (const float edge :
       {0.0F,    -0.0F,    inf,   -inf,      1e-45F, -1e-45F, 1.17549435e-38F,
        3.4e38F, -3.4e38F, 88.0F, 88.72283F, 88.73F, -87.33F, -103.97F,
        -104.5F, 1.0F,     -1.0F, 0.6F,      0.95F,  4.0F,    std::numeric_limits<float>::quiet_NaN()}) {
    x.push_back(edge);
  }
  while (x.size() % 16 != 0) x.push_back(0.5F);
  std::vector<float> y(x.size()), z(x.size());
  using Loop = void(const float*, float*, std::int64_t);
  void* handle = compile(body);
  ASSERT_NE(handle, nullptr);
  for (const Function& f : functions) {
    auto* vector = reinterpret_cast<Loop*>(::dlsym(handle, (std::string("v_") + f.name).c_str()));
    auto* scalar = reinterpret_cast<Loop*>(::dlsym(handle, (std::string("s_") + f.name).c_str()));
    ASSERT_TRUE(vector != nullptr && scalar != nullptr);
    vector(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
    scalar(x.data(), z.data(), static_cast<std::int64_t>(x.size()));
    for (const auto* result : {&y, &z}) {
      double worst = 0;
      float where = 0, got = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double exact = f.exact(static_cast<double>(x[i]));
        const float value = (*result)[i];
        if (std::isnan(exact)) {
          ASSERT_TRUE(std::isnan(value)) << f.name << "(" << x[i] << ") is " << value;
          continue;
        }
        const float rounded = static_cast<float>(exact);
        if (std::isinf(value) || std::isinf(rounded)) {
          // Within the error of the largest float, infinity may come a little early.
          ASSERT_TRUE(value == rounded || std::fabs(exact) > 3.40282e38)
              << f.name << "(" << x[i] << ") is " << value << ", not " << rounded;
          continue;
        }
        const auto argument = static_cast<double>(x[i]);
        const double of = f.unit == Unit::argument  ? argument
                          : f.unit == Unit::product ? std::max(std::fabs(exact), std::fabs(argument) * 1.17549435e-38)
                                                    : exact;
        const double error = std::fabs(static_cast<double>(value) - exact) / ulp_of(of);
        if (!(error <= worst)) worst = error, where = x[i], got = value;
      }
      EXPECT_LE(worst, f.ulp) << f.name << "(" << where << ") is " << got << ", not "
                              << f.exact(static_cast<double>(where));
      RecordProperty(f.name, std::to_string(worst));
      if (std::getenv("KERF_VERBOSE") != nullptr)
        std::fprintf(stderr, "%-12s %s worst %.2f ulp at %g\n", f.name, result == &y ? "vector" : "scalar", worst,
                     static_cast<double>(where));
    }
  }
}

// Sixteen lanes, and as many as a register holds: the same functions by other names.
constexpr std::array kinds = {"16", "v"};
std::string of_kind(std::string text, const std::string& kind) {
  for (std::size_t at = 0; (at = text.find('#', at)) != std::string::npos;) text.replace(at, 1, kind);
  for (std::size_t at = 0; (at = text.find("f32x16", at)) != std::string::npos;)
    text.replace(at, 6, kind == "v" ? "f32v" : "f32x16"), ++at;
  return text;
}

TEST_P(Prelude, PartialLoadsAndStoresTouchNothingElse) {
  const auto lanes_of = load<std::int64_t()>(VISIBLE "int64_t lanes() { return vlen; }\n", "lanes");
  ASSERT_NE(lanes_of, nullptr);
  for (const std::string kind : kinds) {
    const std::int64_t lanes = kind == "v" ? lanes_of() : 16;
    auto* copy = load<void(const float*, float*, std::int64_t)>(
        of_kind(VISIBLE "void copy(const float* x, float* y, int64_t n) { store#(y, load#(x, n, 7.0f), n); }\n", kind),
        "copy");
    auto* fill = load<void(const float*, float*, std::int64_t)>(
        of_kind(VISIBLE "void fill(const float* x, float* y, int64_t n) { store#(y, load#(x, n, 7.0f)); }\n", kind),
        "fill");
    ASSERT_TRUE(copy != nullptr && fill != nullptr);
    for (std::int64_t n = -3; n <= 20; ++n) {
      float x[16], y[16], z[16];
      for (int i = 0; i < 16; ++i) x[i] = static_cast<float>(i + 1), y[i] = z[i] = -1;
      copy(x, y, n);
      fill(x, z, n);
      for (std::int64_t i = 0; i < 16; ++i) {
        EXPECT_EQ(y[i], i < n && i < lanes ? x[i] : -1) << kind << " " << n;
        EXPECT_EQ(z[i], i >= lanes ? -1 : i < n ? x[i] : 7) << kind << " " << n;
      }
    }
  }
}

TEST_P(Prelude, LoadsOfSomeLanesReadNoOthers) {
  auto* some = load<void(const float*, float*, std::int64_t, std::int64_t)>(
      VISIBLE
      "void some(const float* x, float* y, int64_t first, int64_t past) { store16(y, load16(x, first, past, 7.0f)); "
      "}\n",
      "some");
  ASSERT_NE(some, nullptr);
  // What may not be read lies in pages that cannot be.
  const std::size_t page = 65536;
  auto* pages = static_cast<char*>(mmap(nullptr, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(mprotect(pages + page, page, PROT_READ | PROT_WRITE), 0);
  auto* const begin = reinterpret_cast<float*>(pages + page);
  auto* const end = reinterpret_cast<float*>(pages + 2 * page);
  for (std::int64_t first = -20; first <= 20; ++first)
    for (std::int64_t past = -20; past <= 20; ++past) {
      // The lanes that are wanted are the last floats of the page, then the first ones.
      const std::int64_t from = std::clamp<std::int64_t>(first, 0, 16), to = std::clamp<std::int64_t>(past, 0, 16);
      for (float* x : {end - to, begin - from}) {
        for (std::int64_t l = from; l < to; ++l) x[l] = static_cast<float>(l + 1);
        float y[16] = {};
        some(x, y, first, past);
        for (std::int64_t l = 0; l < 16; ++l)
          EXPECT_EQ(y[l], l >= from && l < to ? static_cast<float>(l + 1) : 7) << first << ".." << past;
      }
    }
  munmap(pages, 3 * page);
}

TEST_P(Prelude, ReductionsSeeEveryLaneAndNaN) {
  const auto lanes_of = load<std::int64_t()>(VISIBLE "int64_t lanes() { return vlen; }\n", "lanes");
  ASSERT_NE(lanes_of, nullptr);
  for (const std::string kind : kinds) {
    const std::int64_t lanes = kind == "v" ? lanes_of() : 16;
    auto* reduce = load<void(const float*, float*)>(
        of_kind(VISIBLE
                "void reduce(const float* x, float* y) { f32x16 v = load#(x); y[0] = sum#(v); y[1] = max#(v); "
                "y[2] = min#(v); y[3] = sqrt#(abs#(v))[5]; const auto low = widen_low(v), high = widen_high(v); "
                "y[4] = 0; for (int l = 0; l < (int)(sizeof(v) / 8); ++l) y[4] += low[l] + high[l]; "
                "y[5] = sum#(narrow(low, high)); }\n",
                kind),
        "reduce");
    ASSERT_NE(reduce, nullptr);
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      float x[16] = {}, y[6];
      x[lane] = 3;
      reduce(x, y);
      EXPECT_EQ(y[0], 3);
      EXPECT_EQ(y[1], 3);
      EXPECT_EQ(y[2], 0);
      EXPECT_EQ(y[4], 3);
      EXPECT_EQ(y[5], 3);
      x[lane] = -4;
      reduce(x, y);
      EXPECT_EQ(y[1], 0);
      EXPECT_EQ(y[2], -4);
      EXPECT_EQ(y[3], lane == 5 ? 2 : 0);
      x[lane] = std::numeric_limits<float>::quiet_NaN();
      reduce(x, y);
      EXPECT_TRUE(std::isnan(y[1])) << kind << " " << lane;
      EXPECT_TRUE(std::isnan(y[2])) << kind << " " << lane;
    }
  }
}

TEST_P(Prelude, ChoicesAreMadeLaneByLane) {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  constexpr std::array edges = {0.0F, -0.0F, 1.0F, -1.0F, inf, -inf, nan};
  const auto lanes_of = load<std::int64_t()>(VISIBLE "int64_t lanes() { return vlen; }\n", "lanes");
  ASSERT_NE(lanes_of, nullptr);
  for (const std::string kind : kinds) {
    const std::int64_t lanes = kind == "v" ? lanes_of() : 16;
    auto* choose = load<void(const float*, const float*, float*)>(
        of_kind(VISIBLE "void choose(const float* x, const float* y, float* z) { f32x16 a = load#(x), b = load#(y); "
                        "store#(z, max#(a, b)); store#(z + 16, min#(a, b)); store#(z + 32, maxnan#(a, b)); "
                        "store#(z + 48, minnan#(a, b)); store#(z + 64, select(a < b, a, splat#(7.0f))); "
                        "store#((int32_t*)z + 80, select(a < b, iota#(1), splat#((int32_t)-1))); }\n",
                kind),
        "choose");
    ASSERT_NE(choose, nullptr);
    const auto same = [](float a, float b) {
      return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
    };
    for (const float a : edges)
      for (const float b : edges)
        for (std::int64_t lane = 0; lane < lanes; ++lane) {
          float x[16] = {}, y[16] = {}, z[96];
          x[lane] = a;
          y[lane] = b;
          choose(x, y, z);
          const bool either = std::isnan(a) || std::isnan(b);
          for (std::int64_t l = 0; l < lanes; ++l) {
            const float p = x[l], q = y[l];
            EXPECT_TRUE(same(z[l], p > q ? p : q)) << kind << " " << p << " " << q;
            EXPECT_TRUE(same(z[16 + l], p < q ? p : q)) << kind << " " << p << " " << q;
            EXPECT_TRUE(same(z[32 + l], l == lane && either ? nan : p > q ? p : q)) << kind << " " << p << " " << q;
            EXPECT_TRUE(same(z[48 + l], l == lane && either ? nan : p < q ? p : q)) << kind << " " << p << " " << q;
            EXPECT_TRUE(same(z[64 + l], p < q ? p : 7.0F)) << kind << " " << p << " " << q;
            std::int32_t chosen;
            std::memcpy(&chosen, z + 80 + l, 4);
            EXPECT_EQ(chosen, p < q ? l + 1 : -1);
          }
        }
  }
}

TEST_P(Prelude, LanesAreShuffledByNumber) {
  auto* turn = load<std::int64_t(const float*, float*)>(
      VISIBLE
      "int64_t turn(const float* x, float* y) { const f32v a = loadv(x), b = loadv(x + vlen); "
      "storev(y, shuffle(a, b, [](int l) { return 2 * vlen - 1 - l; })); "
      "storev(y + vlen, shuffle(a, b, [](int l) { return l & 1 ? vlen + l : l; })); return vlen; }\n",
      "turn");
  ASSERT_NE(turn, nullptr);
  float x[32], y[32];
  for (int i = 0; i < 32; ++i) x[i] = static_cast<float>(i);
  const auto lanes = static_cast<int>(turn(x, y));
  for (int l = 0; l < lanes; ++l) {
    EXPECT_EQ(y[l], static_cast<float>(2 * lanes - 1 - l));
    EXPECT_EQ(y[lanes + l], static_cast<float>((l & 1) != 0 ? lanes + l : l));
  }
}

TEST_P(Prelude, Bf16RoundsToNearestEven) {
  auto* round = load<void(const float*, std::uint16_t*)>(VISIBLE
                                                         "void round(const float* x, bf16* y) { store16(y, load16(x)); "
                                                         "for (int i = 0; i < 16; ++i) y[16 + i] = to_bf16(x[i]); }\n",
                                                         "round");
  ASSERT_NE(round, nullptr);
  float x[16] = {1.0F, 1.00390625F, 1.01171875F, -2.5F, 0.0F, -0.0F, 3.4e38F};
  x[7] = std::numeric_limits<float>::infinity();
  std::uint16_t y[32];
  round(x, y);
  const std::uint16_t expected[8] = {0x3f80, 0x3f80, 0x3f82, 0xc020, 0, 0x8000, 0x7f80, 0x7f80};
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(y[i], expected[i]) << i;
    EXPECT_EQ(y[16 + i], expected[i]) << i;
  }
}

}  // namespace
}  // namespace kerf
