#include "candidate/plan_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "candidate/identifiers.h"
#include "candidate/plan_error.h"

namespace kerf {

Result<> check_own_names(const Plan& plan) {
  std::vector<std::pair<std::string, Location>> given;
  const auto give = [&given](const std::string& name, Location at, std::string_view as) -> Result<> {
    const auto it = std::ranges::find(given, name, &std::pair<std::string, Location>::first);
    if (it != given.end()) {
      return refuse(
          "name", fmt::format("the name `{}` is given at line {} already: {} needs another", name, it->second.line, as),
          at);
    }
    given.emplace_back(name, at);
    return {};
  };
  for (const auto& [axis, values] : plan.tune) TRY(give(axis.text, axis.at, "a tune axis"));
  for (const auto& [counter, count] : plan.loops) TRY(give(counter.text, counter.at, "a loop counter"));
  for (const Scratch& scratch : plan.scratch) TRY(give(scratch.name, scratch.name_at, "a scratch tensor"));
  for (const Step& step : plan.steps) {
    for (const Located& out : step.out) {
      const bool existing = std::ranges::find(plan.scratch, out.text, &Scratch::name) != plan.scratch.end();
      if (out.text == "_" || is_output_name(out.text) || existing) continue;
      TRY(give(out.text, out.at, "a result"));
    }
    if (!step.loop) continue;
    const bool declared =
        std::ranges::any_of(plan.loops, [&](const auto& loop) { return loop.first.text == step.loop->text; });
    if (!declared) {
      return refuse("name", fmt::format("no loop `{0}`: expected `{0} = count` in [loops]", step.loop->text),
                    step.loop->at);
    }
  }
  return {};
}

}  // namespace kerf
