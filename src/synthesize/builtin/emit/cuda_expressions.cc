#include "synthesize/builtin/emit/cuda_expressions.h"

#include <set>

#include "synthesize/builtin/emit/cpp_expressions.h"
#include "synthesize/builtin/emit/spelling.h"

namespace kerf {

std::string cuda_name(const std::string& name) {
  static const std::set<std::string> taken = {"sigmoid",   "softplus", "infinity", "not_a_number", "joined",
                                              "in_double", "of_lane",  "consider", "take_in",      "across",
                                              "among",     "get_past", "terms",    "threadIdx",    "blockIdx",
                                              "gridDim",   "blockDim", "all",      "scan",         "steps"};
  return taken.contains(name) ? name + "_" : cpp_name(name);
}

std::string cuda_expression(Op op, const std::vector<std::string>& x, const std::vector<Type>& types,
                            const std::function<void(const std::string&)>& need) {
  if (op == Op::to_float) return types.at(0) == Type::i64 ? "(float)" + x.at(0) : x.at(0) + " ? 1.0f : 0.0f";
  return spelled(Tongue::cuda, op, x, need).value_or("0");
}

}  // namespace kerf
