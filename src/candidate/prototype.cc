#include "candidate/prototype.h"

#include <fmt/format.h>

#include <algorithm>

namespace kerf {
namespace {

// Types by text; run() works a range of tasks off. Everything lives in a namespace that no candidate names by accident.
constexpr const char* support = R"(
namespace kerf_trailer {
template <class T> struct Type { static constexpr const char* name = "?"; };
#define KERF_TYPE(T, NAME)                                                           \
  template <> struct Type<T> { static constexpr const char* name = NAME; };          \
  template <> struct Type<T*> { static constexpr const char* name = NAME "*"; };     \
  template <> struct Type<const T*> { static constexpr const char* name = "const " NAME "*"; };
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
#undef KERF_TYPE
using Count = decltype(sizeof(0));
template <Count... I> struct Indexes {};
#if defined(__clang__)
template <class T, T... I> struct Make { using type = Indexes<I...>; };
template <Count N> using Sequence = typename __make_integer_seq<Make, Count, N>::type;
#else
template <Count N> using Sequence = Indexes<__integer_pack(N)...>;
#endif
template <class T> struct Bare { using type = T; };
template <class T> struct Bare<T&> { using type = T; };
template <class T> struct Bare<const T> { using type = T; };
template <class R, class... A> auto plain(R (*)(A...)) -> R (*)(A...);
template <class P, P kernel> struct Kernel;
template <class R, class... A, R (*kernel)(A...)> struct Kernel<R (*)(A...), kernel> {
  static constexpr const char* types[] = {"? result", Type<A>::name..., nullptr};
  static void run(void* const*, long, const long*, long, long, long) {}
};
template <class... A, void (*kernel)(A...)> struct Kernel<void (*)(A...), kernel> {
  static constexpr const char* types[] = {Type<A>::name..., nullptr};
  template <Count... I> static void call(void* const* values, Indexes<I...>) {
    kernel(*static_cast<typename Bare<A>::type*>(values[I])...);
  }
  static void run(void* const* args, long count, const long* grid, long dims, long begin, long end) {
    constexpr Count n = sizeof...(A);
    if (count + dims != static_cast<long>(n)) return;
    void* values[n + 1];
    long index[3] = {0, 0, 0};
    for (long i = 0; i < count; ++i) values[i] = args[i];
    long rest = begin;
    for (long d = 0; d < dims; ++d) {
      values[count + d] = &index[d];
      index[d] = d + 1 < dims ? rest % grid[d] : rest;
      rest /= grid[d];
    }
    for (long task = begin; task < end; ++task) {
      call(values, Sequence<n>());
      for (long d = 0; d < dims; ++d) {
        if (++index[d] < grid[d] || d + 1 == dims) break;
        index[d] = 0;
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
