#include "synthesize/builtin/supported.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <set>

#include "candidate/expression.h"

namespace kerf {
namespace {

// Whether all workloads have the arguments of __init__ that the primary has, and so its parameters' shapes.
bool has_one_init(const Understood& problem, const GeneralGraph& graph) {
  return std::ranges::all_of(
      graph.workloads, [&](std::size_t w) { return problem.workloads[w].init == problem.workloads.front().init; });
}

// Of the workloads for which all requirements hold.
std::string shapes_of_inputs(const Understood& problem, const GeneralGraph& graph,
                             const std::vector<Requirement>& requirements) {
  std::string shapes;
  std::set<std::string> seen;
  for (std::size_t w = 0; w < graph.workloads.size(); ++w) {
    if (!std::ranges::all_of(requirements, [&](const Requirement& r) { return r.holds.at(w); })) continue;
    std::string one;
    for (const NamedTensor& t : problem.workloads[graph.workloads[w]].tensors) {
      if (t.role != Role::input) continue;
      for (std::size_t d = 0; d < t.spec.shape.size(); ++d)
        one += fmt::format("{}{}.shape[{}] == {}", one.empty() ? "" : " and ", t.name, d, t.spec.shape[d]);
    }
    if (!one.empty() && seen.insert(one).second) shapes += (shapes.empty() ? "" : " or ") + one;
  }
  return shapes;
}

// Whether all placeholders are tensors that `supports` may name: it is asked of variants that the graph leaves out,
// too, which may lack parameters.
bool names_inputs(const Understood& problem, const GeneralGraph& graph, const std::string& text) {
  for (std::size_t i = text.find('@'); i != std::string::npos;) {
    const std::size_t end = text.find('@', i + 1);
    const std::string inside = text.substr(i + 1, end - i - 1);
    const TensorRef ref{inside.substr(0, inside.rfind('#')), std::stoi(inside.substr(inside.rfind('#') + 1))};
    if (std::ranges::find(graph.outputs, ref) == graph.outputs.end() &&
        !std::ranges::all_of(problem.workloads, [&](const Workload& w) { return w.find(ref.name) != nullptr; }))
      return false;
    i = text.find('@', end + 1);
  }
  return true;
}

}  // namespace

std::string supported(const Understood& problem, const GeneralGraph& graph,
                      const std::vector<Requirement>& requirements, const TensorNames& names) {
  const auto both = [](std::string& text, const std::string& more) {
    if (text.empty()) {
      text = more;
    } else if (text.find(more) == std::string::npos) {
      text = fmt::format("{} and {}", text.find(" or ") == std::string::npos ? text : "(" + text + ")", more);
    }
  };
  std::string said = graph.supports;
  bool pinned = false;
  for (const Requirement& r : requirements) {
    if (names_inputs(problem, graph, r.text)) {
      both(said, names.resolve(r.text));
    } else {
      pinned = true;
    }
  }
  const std::string shapes = shapes_of_inputs(problem, graph, requirements);
  if (pinned && !shapes.empty()) both(said, "(" + shapes + ")");
  if (said.size() <= max_expression_bytes || !has_one_init(problem, graph) || shapes.empty()) return said;
  said = graph.supports;
  both(said, "(" + shapes + ")");
  return said;
}

}  // namespace kerf
