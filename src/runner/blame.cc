#include "runner/blame.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

namespace kerf {

std::unexpected<Error> blame_write_beside(const Program& program, TensorId tensor, const std::string& name) {
  const auto reaches = [tensor](const BoundArgument& a) { return a.reaches_memory() && a.tensor == tensor; };
  for (const BoundStep& step : program.steps | std::views::reverse) {
    const auto* launch = std::get_if<BoundLaunch>(&step.does);
    if (launch != nullptr && std::ranges::any_of(launch->args, reaches))
      return blame("wrong", "out_of_bounds_write", fmt::format("{} writes beside {}", launch->kernel, name), step.at);
  }
  return blame("wrong", "out_of_bounds_write", fmt::format("something writes beside {}", name), std::nullopt);
}

}  // namespace kerf
