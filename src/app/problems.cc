// Problems as the command line names them, and what was understood of one.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/wiring.h"
#include "app/words.h"
#include "problem/suite.h"

namespace kerf {

Result<> apply(const ProblemOptions& options, Problem& problem) {
  if (!options.sizes.empty()) {
    for (auto& [name, value] : TRY(sizes_for(options.sizes, problem))) problem.sizes[name] = std::move(value);
  }
  for (const std::string& set : options.set) {
    auto [name, value] = TRY(parse_set(set));
    problem.sizes[name] = std::move(value);
  }
  problem.mode = options.mode == "eval" ? Mode::eval : Mode::as_written;
  problem.allow_degenerate = options.allow_degenerate;
  return {};
}

Result<Problem> read_problem(const ProblemOptions& options) {
  Problem problem = TRY(load_problem(options.spec));
  TRY(apply(options, problem));
  return problem;
}

Result<std::shared_ptr<const Understood>> understand(Wiring& wiring, const Problem& problem) {
  constexpr int hidden_variants = 4;
  Understood understood = TRY(wait_for<Understood>(
      wiring.loop(), [&oracle = wiring.oracle(), problem] { return oracle.admit(problem, hidden_variants); }));
  if (!understood.admission.admitted) {
    return user_error(fmt::format("{} is refused: {}", problem.id, understood.admission.refused));
  }
  if (understood.workloads.empty())
    return fail(ErrorKind::internal, "the oracle admitted a problem without a workload");
  return std::make_shared<const Understood>(std::move(understood));
}

Result<std::shared_ptr<const Understood>> understand_again(Wiring& wiring, const SessionRecord& record,
                                                           const Problem& problem, SessionParts& parts) {
  auto now = TRY(understand(wiring, problem));
  const auto kept = understood_from_json(record.understood, problem);
  const auto same = [](const Workload& a, const Workload& b) {
    return a.id == b.id && a.exact_convolutions == b.exact_convolutions;
  };
  if (!kept || !std::ranges::equal(kept->workloads, now->workloads, same)) return now;
  if (record.understood.contains("target")) parts.target_facts = record.understood["target"];
  return std::make_shared<const Understood>(*kept);
}

namespace {

std::string sizes_words(const Sizes& sizes) {
  std::vector<std::string> words;
  for (const auto& [name, value] : sizes) words.push_back(name + " = " + to_string(value));
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string reference(const TensorRef& ref) {
  return ref.index == 0 ? ref.name : fmt::format("{}[{}]", ref.name, ref.index);
}

std::string argument_words(const Argument& argument) {
  if (const auto* value = std::get_if<Value>(&argument.is)) return to_string(*value);
  if (const auto* tensor = std::get_if<TensorRef>(&argument.is)) return reference(*tensor);
  if (const auto* dtype = std::get_if<Dtype>(&argument.is)) return to_string(*dtype);
  std::vector<std::string> words;
  for (const Argument& a : std::get<ArgumentList>(argument.is)) words.push_back(argument_words(a));
  return fmt::format("[{}]", fmt::join(words, ", "));
}

std::string graph_text(const Graph& graph) {
  std::string text;
  for (const GraphNode& node : graph.nodes) {
    std::vector<std::string> args, results;
    for (const Argument& a : node.args) args.push_back(argument_words(a));
    for (const auto& [name, a] : node.kwargs) args.push_back(name + "=" + argument_words(a));
    for (const TensorSpec& spec : node.results) results.push_back(to_string(spec));
    text += fmt::format("  {} = {}({})  {}{}\n", node.name, node.op, fmt::join(args, ", "), fmt::join(results, ", "),
                        node.mutates_buffer ? "  (updates a buffer: not judged)" : "");
  }
  std::vector<std::string> outputs;
  for (const TensorRef& ref : graph.outputs) outputs.push_back(reference(ref));
  return text + fmt::format("  return {}\n", fmt::join(outputs, ", "));
}

std::string problem_text(const Understood& u, bool graph) {
  std::string text =
      fmt::format("{}{}\n", u.problem.id,
                  u.problem.name.empty() || u.problem.name == u.problem.id ? "" : " (" + u.problem.name + ")");
  if (!u.workloads.empty()) {
    const Workload& w = u.workloads.front();
    if (!w.sizes.empty()) text += "sizes in force: " + sizes_words(w.sizes) + "\n";
    if (!u.module_sizes.empty()) {
      std::vector<std::string> words;
      for (const auto& [name, value] : u.module_sizes) words.push_back(name + " = " + to_string(value));
      text += fmt::format("--set can change: {}\n", fmt::join(words, ", "));
    }
    std::vector<std::vector<std::string>> rows;
    for (const NamedTensor& tensor : w.tensors) {
      bool varies = false;
      for (const Workload& other : u.workloads) {
        const NamedTensor* same = other.find(tensor.name);
        varies = varies || same == nullptr || !(same->spec == tensor.spec);
      }
      rows.push_back({"  " + tensor.name, to_string(tensor.role), to_string(tensor.spec),
                      u.workloads.size() > 1 ? (varies ? "varies" : "fixed") : "", tensor.drawn});
    }
    for (std::size_t i = 0; i < w.outputs.size(); ++i) {
      rows.push_back({"  " + w.output_name(i), "output", to_string(w.outputs[i]), "", ""});
    }
    text += "\nNames in a plan\n" + table(rows);
    for (const auto& [name, value] : w.init) text += fmt::format("  init.{} = {}\n", name, to_string(value));
    text +=
        fmt::format("\nWork: {} that must move, {}; eager ran in {} while being admitted\n",
                    bytes_words(static_cast<double>(w.bytes)), operations_words(w.operations), time_words(w.eager_us));
    text += fmt::format("Graph: {} as exported, {} as core ATen\n",
                        count_words(static_cast<std::int64_t>(w.exported.nodes.size()), "call"),
                        count_words(static_cast<std::int64_t>(w.core.nodes.size()), "call"));
    if (graph) text += "\nExported\n" + graph_text(w.exported) + "\nCore ATen\n" + graph_text(w.core);
    for (std::size_t i = 1; i < u.workloads.size(); ++i) {
      text += fmt::format("Hidden variant {}: {}\n", i, sizes_words(u.workloads[i].sizes));
    }
  }
  const Admission& a = u.admission;
  text += a.admitted ? "\nAdmitted" : "\nRefused: " + a.refused;
  if (!a.distributions.empty()) text += fmt::format(", judged on inputs: {}", fmt::join(a.distributions, ", "));
  text += "\n";
  if (!a.fooled_by_own_inputs.empty()) {
    text += fmt::format("On the file's own inputs alone these trivial answers would pass: {}\n",
                        fmt::join(a.fooled_by_own_inputs, ", "));
  }
  for (const std::string& note : a.notes) text += "Note: " + one_line(note) + "\n";
  return text;
}

}  // namespace

Result<int> show_problem(const ProblemShowOptions& options) {
  const Problem problem = TRY(read_problem(options.problem));
  const auto wiring = TRY(Wiring::open({.store = options.common.store}));
  constexpr int hidden_variants = 4;
  const Understood understood = TRY(wait_for<Understood>(
      wiring->loop(), [&oracle = wiring->oracle(), problem] { return oracle.admit(problem, hidden_variants); }));
  if (options.common.json) {
    nlohmann::json json = {{"schema", 1},
                           {"problem", problem.id},
                           {"name", problem.name},
                           {"admission", to_json(understood.admission)},
                           {"workloads", nlohmann::json::array()},
                           {"module_sizes", nlohmann::json::object()}};
    for (const Workload& workload : understood.workloads) json["workloads"].push_back(to_json(workload));
    for (const auto& [name, value] : understood.module_sizes) json["module_sizes"][name] = to_json(value);
    TRY(print(json.dump(2) + "\n"));
  } else {
    TRY(print(problem_text(understood, options.graph)));
  }
  return understood.admission.admitted ? exit_success : exit_user;
}

}  // namespace kerf
