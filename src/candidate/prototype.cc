#include "candidate/prototype.h"

#include <fmt/format.h>

#include <algorithm>

namespace kerf {
namespace {

// Types by text; run() works a range of tasks off. Everything lives in a namespace that no candidate names by accident,
// and no identifier is one letter long: candidates like to #define those.
constexpr const char* support = R"(
namespace kerf_trailer {
template <class kf_T> struct Type { static constexpr const char* name = "?"; };
#define KERF_TYPE(kf_T, NAME)                                                           \
  template <> struct Type<kf_T> { static constexpr const char* name = NAME; };          \
  template <> struct Type<kf_T*> { static constexpr const char* name = NAME "*"; };     \
  template <> struct Type<const kf_T*> { static constexpr const char* name = "const " NAME "*"; };
KERF_TYPE(float, "f32")
KERF_TYPE(double, "f64")
KERF_TYPE(long, "i64")
KERF_TYPE(long long, "i64")
KERF_TYPE(int, "i32")
KERF_TYPE(short, "i16")
KERF_TYPE(signed char, "i8")
KERF_TYPE(unsigned char, "u8")
KERF_TYPE(bool, "bool")
#ifdef __FLT16_MAX__
KERF_TYPE(_Float16, "f16")
#endif
#ifdef KERF_PRELUDE
KERF_TYPE(::bf16, "bf16")
#endif
#ifdef KERF_CUDA
KERF_TYPE(unsigned, "i32")
KERF_TYPE(unsigned long, "i64")
KERF_TYPE(unsigned long long, "i64")
KERF_TYPE(unsigned short, "i16")
template <> struct Type<::CUtensorMap> { static constexpr const char* name = "tensor_map"; };
template <class kf_T> struct Type<kf_T*> { static constexpr const char* name = "?*"; };
template <class kf_T> struct Type<const kf_T*> { static constexpr const char* name = "const ?*"; };
#endif
#undef KERF_TYPE
using Count = decltype(sizeof(0));
template <Count... kf_I> struct Indexes {};
#if defined(__clang__)
template <class kf_T, kf_T... kf_I> struct Make { using type = Indexes<kf_I...>; };
template <Count kf_N> using Sequence = typename __make_integer_seq<Make, Count, kf_N>::type;
#else
template <Count kf_N> using Sequence = Indexes<__integer_pack(kf_N)...>;
#endif
template <class kf_T> struct Bare { using type = kf_T; };
template <class kf_T> struct Bare<kf_T&> { using type = kf_T; };
template <class kf_T> struct Bare<const kf_T> { using type = kf_T; };
template <class kf_R, class... kf_A> auto plain(kf_R (*)(kf_A...)) -> kf_R (*)(kf_A...);
template <class kf_P, kf_P kernel> struct Kernel;
template <class kf_R, class... kf_A, kf_R (*kernel)(kf_A...)> struct Kernel<kf_R (*)(kf_A...), kernel> {
  static constexpr const char* types[] = {"? result", Type<kf_A>::name..., nullptr};
  static void run(void* const*, long, const long*, long, long, long) {}
};
template <class... kf_A, void (*kernel)(kf_A...)> struct Kernel<void (*)(kf_A...), kernel> {
  static constexpr const char* types[] = {Type<kf_A>::name..., nullptr};
  template <Count... kf_I> static void call(void* const* values, Indexes<kf_I...>) {
    kernel(*static_cast<typename Bare<kf_A>::type*>(values[kf_I])...);
  }
  static void run(void* const* args, long count, const long* grid, long dims, long begin, long end) {
    constexpr Count kf_n = sizeof...(kf_A);
    if (count + dims != static_cast<long>(kf_n)) return;
    void* values[kf_n + 1];
    long index[3] = {0, 0, 0};
    for (long kf_i = 0; kf_i < count; ++kf_i) values[kf_i] = args[kf_i];
    long rest = begin;
    for (long kf_d = 0; kf_d < dims; ++kf_d) {
      values[count + kf_d] = &index[kf_d];
      index[kf_d] = kf_d + 1 < dims ? rest % grid[kf_d] : rest;
      rest /= grid[kf_d];
    }
    for (long task = begin; task < end; ++task) {
      call(values, Sequence<kf_n>());
      for (long kf_d = 0; kf_d < dims; ++kf_d) {
        if (++index[kf_d] < grid[kf_d] || kf_d + 1 == dims) break;
        index[kf_d] = 0;
      }
    }
  }
};
struct Entry {
  const char* name;
  const char* const* types;
  void (*run)(void* const*, long, const long*, long, long, long);
};
}  // namespace kerf_trailer
)";

}  // namespace

std::vector<std::string> kernels_of(const Source& source) {
  std::vector<std::string> kernels;
  for (const Step& step : source.plan.steps) {
    if (step.kind != Step::Kind::launch) continue;
    if (std::ranges::find(kernels, step.target.text) == kernels.end()) kernels.push_back(step.target.text);
  }
  return kernels;
}

std::string trailer(const Source& source) {
  std::string text = "\n#line 1 \"kerf_trailer\"";
  text += support;
  text += "extern \"C\" __attribute__((visibility(\"default\"))) const kerf_trailer::Entry kerf_kernels[];\n";
  text += "const kerf_trailer::Entry kerf_kernels[] = {\n";
  for (const std::string& kernel : kernels_of(source)) {
    const auto step = std::ranges::find_if(source.plan.steps, [&](const Step& each) {
      return each.kind == Step::Kind::launch && each.target.text == kernel;
    });
    // One line a kernel, so that an error of the compiler falls on the plan's line.
    text += fmt::format(
        "#line {0} \"kerf_plan\"\n{{\"{1}\", kerf_trailer::Kernel<decltype(kerf_trailer::plain(::{1})), ::{1}>::types, "
        "kerf_trailer::Kernel<decltype(kerf_trailer::plain(::{1})), ::{1}>::run}},\n",
        step->target.at.line, kernel);
  }
  return text + "{nullptr, nullptr, nullptr}};\n";
}

std::string constants(const TunePoint& point) {
  struct Speller {
    std::string operator()(bool value) const { return value ? "bool {} = true" : "bool {} = false"; }
    std::string operator()(std::int64_t value) const {
      // The smallest integer has no literal of its own.
      if (value == INT64_MIN) return "int64_t {} = -9223372036854775807L - 1";
      return "int64_t {} = " + fmt::format("{}L", value);
    }
    std::string operator()(double value) const { return "double {} = " + fmt::format("{:a}", value); }
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(const std::string&) const { return {}; }
    std::string operator()(const ValueList&) const { return {}; }
  };
  std::string text;
  for (const auto& [name, value] : point) {
    const std::string form = std::visit(Speller{}, value.is);
    if (!form.empty()) text += "constexpr " + fmt::format(fmt::runtime(form), name) + ";\n";
  }
  return text;
}

}  // namespace kerf
