#include "synthesize/builtin/emit/cuda_expressions.h"

#include <fmt/format.h>

#include <set>

#include "synthesize/builtin/emit/cpp_expressions.h"

namespace kerf {

std::string cuda_name(const std::string& name) {
  static const std::set<std::string> taken = {
      "sigmoid", "softplus", "infinity", "not_a_number", "joined",    "in_double", "of_lane", "consider", "take_in",
      "across",  "among",    "get_past", "terms",        "threadIdx", "blockIdx",  "gridDim", "blockDim", "all"};
  return taken.contains(name) ? name + "_" : cpp_name(name);
}

std::string cuda_expression(Op op, const std::vector<std::string>& x, const std::vector<Type>& types,
                            const std::function<void(const std::string&)>& need) {
  const auto infix = [&](const char* sign) { return fmt::format("{} {} {}", x.at(0), sign, x.at(1)); };
  const auto function = [&](const char* name) { return fmt::format("{}({})", name, x.at(0)); };
  const auto helper = [&](const char* name) {
    need(name);
    return x.size() > 1 ? fmt::format("{}({}, {})", name, x.at(0), x.at(1)) : fmt::format("{}({})", name, x.at(0));
  };
  switch (op) {
    case Op::neg:
      return fmt::format("-({})", x.at(0));
    case Op::abs:
      return function("fabsf");
    case Op::exp:
      return function("expf");
    case Op::log:
      return function("logf");
    case Op::log1p:
      return function("log1pf");
    case Op::expm1:
      return function("expm1f");
    case Op::sqrt:
      return function("sqrtf");
    case Op::rsqrt:
      return "1.0f / " + function("sqrtf");
    case Op::reciprocal:
      return "1.0f / " + x.at(0);
    case Op::sin:
      return function("sinf");
    case Op::cos:
      return function("cosf");
    case Op::tanh:
      return function("tanhf");
    case Op::sigmoid:
      return helper("sigmoid");
    case Op::softplus:
      return helper("softplus");
    case Op::erf:
      return function("erff");
    case Op::floor:
      return function("floorf");
    case Op::ceil:
      return function("ceilf");
    case Op::sign:
      return fmt::format("{0} > 0.0f ? 1.0f : ({0} < 0.0f ? -1.0f : {0})", x.at(0));
    case Op::square:
      return fmt::format("{0} * {0}", x.at(0));
    case Op::relu:
      return fmt::format("{0} < 0.0f ? 0.0f : {0}", x.at(0));
    case Op::to_float:
      return types.at(0) == Type::i64 ? "(float)" + x.at(0) : fmt::format("{} ? 1.0f : 0.0f", x.at(0));
    case Op::logical_not:
      return "!" + x.at(0);
    case Op::add:
      return infix("+");
    case Op::sub:
      return infix("-");
    case Op::mul:
      return infix("*");
    case Op::div:
      return infix("/");
    case Op::pow:
      return fmt::format("powf({}, {})", x.at(0), x.at(1));
    case Op::maximum:
      return helper("greater");
    case Op::minimum:
      return helper("smaller");
    case Op::eq:
      return infix("==");
    case Op::ne:
      return infix("!=");
    case Op::lt:
      return infix("<");
    case Op::le:
      return infix("<=");
    case Op::gt:
      return infix(">");
    case Op::ge:
      return infix(">=");
    case Op::logical_and:
      return infix("&&");
    case Op::logical_or:
      return infix("||");
    case Op::where:
      return fmt::format("{} ? {} : {}", x.at(0), x.at(1), x.at(2));
  }
  return "0";
}

}  // namespace kerf
