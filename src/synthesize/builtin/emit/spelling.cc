#include "synthesize/builtin/emit/spelling.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace kerf {
namespace {

// Patterns over operands. A helper's name stands before a colon; what is empty is as `scalar`, and where that is empty,
// too, there is no spelling.
struct Spelling {
  Op op;
  const char* scalar;
  const char* lanes = "";
  const char* cuda = "";
  const char* triton = "";
};

constexpr std::array spellings = {
    Spelling{Op::neg, "-({0})"},
    Spelling{Op::abs, "abs1({0})", "absv({0})", "fabsf({0})", "tl.abs({0})"},
    Spelling{Op::exp, "exp1({0})", "expv({0})", "expf({0})", "tl.exp({0})"},
    Spelling{Op::log, "log1({0})", "logv({0})", "logf({0})", "tl.log({0})"},
    Spelling{Op::log1p, "log1p1({0})", "log1pv({0})", "log1pf({0})", "log1p:log1p({0})"},
    Spelling{Op::expm1, "expm1_1({0})", "expm1_v({0})", "expm1f({0})", "expm1:expm1({0})"},
    Spelling{Op::sqrt, "sqrt1({0})", "sqrtv({0})", "sqrtf({0})", "tl.sqrt_rn({0})"},
    Spelling{Op::rsqrt, "1.0f / sqrt1({0})", "1.0f / sqrtv({0})", "1.0f / sqrtf({0})", "1.0 / tl.sqrt_rn({0})"},
    Spelling{Op::reciprocal, "1.0f / {0}", "", "", "1.0 / {0}"},
    Spelling{Op::sin, "__builtin_sinf({0})", "sinv({0})", "sinf({0})", "tl.sin({0})"},
    Spelling{Op::cos, "__builtin_cosf({0})", "cosv({0})", "cosf({0})", "tl.cos({0})"},
    Spelling{Op::tanh, "tanh1({0})", "tanhv({0})", "tanhf({0})", "tanh:tanh({0})"},
    Spelling{Op::sigmoid, "sigmoid1({0})", "sigmoidv({0})", "sigmoid:sigmoid({0})", "1.0 / (1.0 + tl.exp(-{0}))"},
    Spelling{Op::softplus, "softplus1({0})", "softplusv({0})", "softplus:softplus({0})", "softplus:softplus({0})"},
    Spelling{Op::erf, "erf1({0})", "erfv({0})", "erff({0})", "tl.erf({0})"},
    Spelling{Op::floor, "__builtin_floorf({0})", "map:map({0}, [](float a) {{ return __builtin_floorf(a); }})",
             "floorf({0})", "tl.floor({0})"},
    Spelling{Op::ceil, "__builtin_ceilf({0})", "map:map({0}, [](float a) {{ return __builtin_ceilf(a); }})",
             "ceilf({0})", "tl.ceil({0})"},
    Spelling{Op::sign, "{0} > 0.0f ? 1.0f : ({0} < 0.0f ? -1.0f : {0})",
             "{0} > 0.0f ? splatv(1.0f) : ({0} < 0.0f ? splatv(-1.0f) : {0})", "",
             "tl.where({0} > 0.0, 1.0, tl.where({0} < 0.0, -1.0, {0}))"},
    Spelling{Op::square, "{0} * {0}"},
    Spelling{Op::relu, "{0} < 0.0f ? 0.0f : {0}", "{0} < 0.0f ? splatv(0.0f) : {0}", "",
             "tl.where({0} < 0.0, 0.0, {0})"},
    Spelling{Op::to_tf32, "", "", "", "to_tf32:to_tf32({0})"},
    Spelling{Op::logical_not, "!{0}", "{0} == 0", "", "{0} == 0"},
    Spelling{Op::add, "{0} + {1}"},
    Spelling{Op::sub, "{0} - {1}"},
    Spelling{Op::mul, "{0} * {1}"},
    Spelling{Op::div, "{0} / {1}"},
    Spelling{Op::pow, "__builtin_powf({0}, {1})", "power:power({0}, {1})", "powf({0}, {1})", "power:power({0}, {1})"},
    Spelling{Op::maximum, "greater:greater({0}, {1})"},
    Spelling{Op::minimum, "smaller:smaller({0}, {1})"},
    Spelling{Op::eq, "{0} == {1}"},
    Spelling{Op::ne, "{0} != {1}"},
    Spelling{Op::lt, "{0} < {1}"},
    Spelling{Op::le, "{0} <= {1}"},
    Spelling{Op::gt, "{0} > {1}"},
    Spelling{Op::ge, "{0} >= {1}"},
    Spelling{Op::logical_and, "{0} && {1}", "{0} & {1}", "", "{0} & {1}"},
    Spelling{Op::logical_or, "{0} || {1}", "{0} | {1}", "", "{0} | {1}"},
    Spelling{Op::where, "{0} ? {1} : {2}", "", "", "tl.where({0}, {1}, {2})"},
};

}  // namespace

std::optional<std::string> spelled(Tongue tongue, Op op, const std::vector<std::string>& operands,
                                   const std::function<void(const std::string&)>& need) {
  for (const Spelling& each : spellings) {
    if (each.op != op) continue;
    const char* own = tongue == Tongue::lanes    ? each.lanes
                      : tongue == Tongue::cuda   ? each.cuda
                      : tongue == Tongue::triton ? each.triton
                                                 : "";
    std::string_view pattern = *own != '\0' ? own : each.scalar;
    if (pattern.empty()) break;
    const std::size_t colon = pattern.find(':');
    if (colon != std::string_view::npos && pattern.substr(0, colon).find_first_of(" {(") == std::string_view::npos) {
      need(std::string(pattern.substr(0, colon)));
      pattern.remove_prefix(colon + 1);
    }
    std::vector<std::string> x = operands;
    x.resize(3);
    return fmt::format(fmt::runtime(pattern), x[0], x[1], x[2]);
  }
  return std::nullopt;
}

}  // namespace kerf
