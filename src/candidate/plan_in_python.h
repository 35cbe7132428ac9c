// What a plan's names, expressions and arguments are in Python.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "candidate/names.h"
#include "candidate/plan.h"
#include "problem/problem.h"

namespace kerf {

class PlanInPython {
 public:
  PlanInPython(const Plan& plan, const Workload& workload);

  // The variable for a name of the plan, which is used from now on.
  const std::string& use(const std::string& plan_name);
  // The same without using it.
  [[nodiscard]] const std::string& name(const std::string& plan_name) const { return names_in_python_.at(plan_name); }
  [[nodiscard]] bool used(const std::string& plan_name) const { return used_.contains(plan_name); }
  // Whether memory is there before a step gives it: an output's, a scratch tensor's.
  [[nodiscard]] bool is_target(const std::string& plan_name) const { return targets_.contains(plan_name); }

  // An expression of the plan is Python already, but for names, strides, dtypes and none.
  [[nodiscard]] std::string translate(std::string_view text);
  [[nodiscard]] std::string launch_argument(const PlanArgument& argument);
  // What is neither a name nor an expression is a word that its operator knows.
  [[nodiscard]] std::string call_argument(const PlanArgument& argument);
  // The plan's names that an argument has in it; nothing is used by that.
  [[nodiscard]] std::set<std::string, std::less<>> names_in(const PlanArgument& argument) const;

 private:
  void give(const std::string& plan_name);

  Names names_;
  std::map<std::string, std::string, std::less<>> names_in_python_;
  std::set<std::string, std::less<>> taken_, tensors_, targets_, used_;
};

[[nodiscard]] const char* torch_dtype(Dtype dtype);  // "_torch.float32"

}  // namespace kerf
