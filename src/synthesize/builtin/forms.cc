#include "synthesize/builtin/forms.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/algebra.h"
#include "synthesize/builtin/algebra/appended.h"
#include "synthesize/builtin/algebra/bias.h"
#include "synthesize/builtin/algebra/layouts.h"
#include "synthesize/builtin/algebra/statistics.h"
#include "synthesize/builtin/by_places.h"
#include "synthesize/builtin/recurrent.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {
namespace {

// An unrolled recurrent network has thousands of nodes in core ATen: calls of the exported graph serve it better.
constexpr std::size_t max_nodes = 1000;

std::vector<std::string> operators(const GeneralGraph& graph) {
  std::vector<std::string> names;
  for (const GeneralNode& node : graph.nodes) names.push_back(node.op);
  return names;
}

// What calls give to kernels in Triton is scratch, whose elements lie in order, however they would lie otherwise
// (compose.cc): loops over it are put together by that.
void lay_in_order(GeneralGraph& graph) {
  for (GeneralNode& node : graph.nodes)
    for (std::size_t r = 0; r < node.results.size(); ++r) {
      if (std::ranges::find(graph.outputs, TensorRef{node.name, static_cast<int>(r)}) != graph.outputs.end()) continue;
      GeneralTensor& tensor = node.results[r];
      for (std::size_t w = 0; w < tensor.shape.size(); ++w) tensor.stride[w] = contiguous_strides(tensor.shape[w]);
    }
}

}  // namespace

std::optional<FormedGraph> graph_in(const Understood& problem, GraphForm form, Language language) {
  const Workload& primary = problem.workloads.at(0);
  if ((form == GraphForm::core ? primary.core : primary.exported).nodes.size() > max_nodes) return std::nullopt;
  Result<GeneralGraph> understood = generalise(problem, form);
  if (!understood) return std::nullopt;
  const std::vector<std::string> written = operators(*understood);
  GeneralGraph graph = with_biases_behind(simplify(*std::move(understood)), language);
  if (language == Language::cpp) graph = with_few_rows_turned(std::move(graph));
  graph = with_recurrent_kernels(std::move(graph), language);
  if (language != Language::cpp)
    graph = with_parts_appended(std::move(graph), form == GraphForm::channels_last && language == Language::triton);
  if (form == GraphForm::places_inside && !generates_products(language)) return std::nullopt;
  if (form == GraphForm::channels_last || form == GraphForm::places_inside) {
    std::optional<GeneralGraph> other = form == GraphForm::channels_last ? in_channels_last(std::move(graph), language)
                                                                         : with_places_inside(std::move(graph));
    if (!other) return std::nullopt;
    graph = *std::move(other);
  }
  if (language == Language::triton) {
    lay_in_order(graph);
    graph = with_statistics_apart(std::move(graph));
  }
  if (graph.stores_across != StoresAcross::never) {
    graph = with_results_by_places(std::move(graph), language);
    lay_in_order(graph);
  }
  // Caches put lines together that are written piece by piece; on a GPU each piece goes to L2. What is laid out for the
  // library is turned by kernels of its own.
  if (language == Language::cpp && (form == GraphForm::exported || form == GraphForm::core))
    graph.stores_across = StoresAcross::rows;
  const bool rewritten = operators(graph) != written;
  return FormedGraph{.graph = std::move(graph), .rewritten = rewritten};
}

}  // namespace kerf
