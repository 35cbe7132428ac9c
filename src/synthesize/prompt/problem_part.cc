#include <fmt/format.h>

#include "synthesize/prompt/fence.h"
#include "synthesize/prompt/parts.h"

namespace kerf {
namespace {

constexpr std::size_t short_graph = 40;

std::string words(const Argument& argument) {
  if (const auto* value = std::get_if<Value>(&argument.is)) return to_string(*value);
  if (const auto* ref = std::get_if<TensorRef>(&argument.is))
    return ref->index > 0 ? fmt::format("{}[{}]", ref->name, ref->index) : ref->name;
  if (const auto* dtype = std::get_if<Dtype>(&argument.is)) return to_string(*dtype);
  std::string out;
  for (const Argument& each : std::get<ArgumentList>(argument.is)) out += (out.empty() ? "" : ", ") + words(each);
  return "[" + out + "]";
}

std::string graph_text(const Graph& graph, std::size_t most) {
  std::string out;
  std::size_t shown = 0;
  for (const GraphNode& node : graph.nodes) {
    if (shown++ == most) break;
    std::string args, results;
    for (const Argument& each : node.args) args += (args.empty() ? "" : ", ") + words(each);
    for (const auto& [name, each] : node.kwargs)
      args += fmt::format("{}{}={}", args.empty() ? "" : ", ", name, words(each));
    for (const TensorSpec& spec : node.results) results += (results.empty() ? "" : ", ") + to_string(spec);
    out += fmt::format("{} = {}({})  # {}\n", node.name, node.op, args, results);
  }
  if (graph.nodes.size() > most) return out + fmt::format("… {} more operators\n", graph.nodes.size() - most);
  std::string outputs;
  for (const TensorRef& ref : graph.outputs) outputs += (outputs.empty() ? "" : ", ") + words(Argument{ref});
  return out + fmt::format("return {}\n", outputs);
}

// The PyTorch source, the tensors that a plan can name, the graph. Only the graph can be done without.
class ProblemPart final : public PromptPart {
 public:
  std::string_view name() const override { return "problem"; }
  PromptPlace place() const override { return PromptPlace::session; }
  int priority() const override { return 50; }
  int steps(const SynthesisRequest& request) const override {
    const std::size_t nodes = size_of_graph(request);
    return nodes == 0 ? 0 : nodes <= short_graph ? 1 : 2;
  }
  std::string missing(const SynthesisRequest& request, int step) const override {
    const std::size_t nodes = size_of_graph(request);
    return step == steps(request) ? "the graph of operators"
                                  : fmt::format("{} of {} operators of the graph", nodes - short_graph, nodes);
  }

  std::string write(const SynthesisRequest& request, int step) const override {
    if (!request.problem || request.problem->workloads.empty()) return {};
    const Understood& problem = *request.problem;
    const Workload& workload = problem.workloads.front();
    std::string out = fmt::format("# The problem\n`forward` of this module, as `Model(*get_init_inputs())`{}:\n{}",
                                  problem.problem.mode == Mode::eval ? " in evaluation mode" : "",
                                  fence(problem.problem.source, "python"));
    if (!workload.sizes.empty()) {
      out += "These names of the module have other values than the text says:";
      for (const auto& [name, value] : workload.sizes)
        out += fmt::format(" {}", quote(fmt::format("{} = {}", name, to_string(value)), 200));
      out += "\n";
    }
    out += "\nTensors and values that a plan can name, at the sizes that are timed:\n";
    for (const NamedTensor& tensor : workload.tensors) {
      out += fmt::format("- {} {}: {}", to_string(tensor.role), quote(tensor.name, 200), to_string(tensor.spec));
      if (!tensor.drawn.empty()) out += fmt::format(", drawn as {}", quote(tensor.drawn, 200));
      out += "\n";
    }
    for (const auto& [name, value] : workload.init)
      out += fmt::format("- {}\n", quote(fmt::format("init.{} = {}", name, to_string(value))));
    for (std::size_t i = 0; i < workload.outputs.size(); ++i)
      out += fmt::format("- output {}: {}\n", quote(workload.output_name(i), 60), to_string(workload.outputs[i]));
    out += fmt::format("At least {} bytes must move and {:.4g} floating-point operations must be done.\n",
                       workload.bytes, workload.operations);
    if (problem.workloads.size() > 1)
      out += fmt::format(
          "Hidden variants, with other sizes or hyperparameters: {}. Write for any that you can, and let `supports` "
          "refuse the others.\n",
          problem.workloads.size() - 1);
    if (problem.admission.distributions.size() > 1)
      out += fmt::format("Inputs are drawn from {} distributions; do not count on their values.\n",
                         problem.admission.distributions.size());
    out += fmt::format(
        "Precision: results are compared with a double-precision reference, output by output; the error "
        "may be a small multiple of what PyTorch's own {} result has.\n",
        workload.outputs.empty() ? "f32" : to_string(workload.outputs.front().dtype));
    if (workload.exact_convolutions) out += "PyTorch's TF32 is off here, in convolutions too.\n";
    if (step < steps(request))
      out += fmt::format(
          "\nThe graph of operators:\n{}",
          fence(graph_text(workload.exported, step == 0 ? workload.exported.nodes.size() : short_graph), "text"));
    return out;
  }

 private:
  static std::size_t size_of_graph(const SynthesisRequest& request) {
    return request.problem && !request.problem->workloads.empty()
               ? request.problem->workloads.front().exported.nodes.size()
               : 0;
  }
};

}  // namespace

std::unique_ptr<PromptPart> make_problem_part() { return std::make_unique<ProblemPart>(); }

}  // namespace kerf
