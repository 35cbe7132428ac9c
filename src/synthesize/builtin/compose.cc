#include "synthesize/builtin/compose.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "candidate/expression.h"
#include "candidate/extension.h"
#include "candidate/plan.h"
#include "synthesize/builtin/atoms.h"
#include "synthesize/builtin/call_extents.h"
#include "synthesize/builtin/emit/emit.h"
#include "synthesize/builtin/emit/recurrent.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/lowering.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/builtin/places.h"
#include "synthesize/builtin/recurrent.h"
#include "synthesize/builtin/supported.h"
#include "synthesize/builtin/tensor_names.h"

namespace kerf {
namespace {

constexpr std::size_t max_steps = 1000;
constexpr std::size_t max_tune_points = 16;  // of the 64 that plans may have: each one costs a compilation

// The region with names that say nothing: equal ones are written as equal kernels.
Region nameless(Region region) {
  for (std::size_t v = 0; v < region.code.size(); ++v) region.code[v].name = fmt::format("v{}", v);
  for (Axis& axis : region.axes) axis.extent.text = axis.name;
  return region;
}

class Composer {
 public:
  Composer(const Understood& problem, const GeneralGraph& graph, const std::vector<GeneratedGroup>& groups,
           Language language)
      : problem_(problem),
        primary_(problem.workloads.at(0)),
        graph_(graph),
        groups_(groups),
        language_(language),
        names_(primary_, graph) {}

  Result<std::string> run(const std::vector<std::string>& remarks) {
    std::vector<NodeSet> sets;
    for (const GeneratedGroup& group : groups_) sets.push_back(group.nodes);
    const auto units = units_in_order(graph_, sets);
    if (!units) return fail(ErrorKind::candidate, "fused groups and calls wait for each other");
    std::string steps;
    for (const Unit& unit : *units) {
      if (unit.group) {
        TRY(launch(groups_[*unit.group], steps));
      } else if (is_recurrent_kernel(graph_.nodes[unit.node])) {
        TRY(run_recurrent(graph_.nodes[unit.node], steps));
      } else {
        TRY(call(graph_.nodes[unit.node], steps));
      }
    }
    copy_outputs(steps);
    if (has_lstm_ || has_gru_) {
      source_ = (language_ == Language::cuda ? recurrent_kernels_in_cuda(has_lstm_, has_gru_)
                                             : recurrent_kernels_in_cpp(has_lstm_, has_gru_)) +
                source_;
    }
    if (steps_ > max_steps)
      return fail(
          ErrorKind::candidate,
          fmt::format("the plan would have {} steps, more than the {} that plans may have; make loops of forward "
                      "shorter with --set NAME=VALUE",
                      steps_, max_steps));
    std::string plan;
    for (const std::string& remark : remarks) plan += "# " + remark + "\n";
    plan += "version = 1\n";
    const std::string supports = supported(problem_, graph_, requirements_, names_);
    if (supports.size() > max_expression_bytes)
      return fail(ErrorKind::candidate,
                  fmt::format("what the plan supports takes {} bytes to say, more than an expression may have",
                              supports.size()));
    if (!supports.empty()) plan += "supports = " + toml_string(supports) + "\n";
    if (!tune_.empty()) plan += "[tune]\n" + tune_;
    std::string text = commented(plan + scratch_ + steps);
    if (!source_.empty()) text += "\n" + helpers(language_, helpers_) + source_;
    return text;
  }

 private:
  [[nodiscard]] bool is_python() const { return extension(language_) == std::string_view(".py"); }
  [[nodiscard]] std::string commented(const std::string& plan) const {
    if (!is_python()) return "/* /// kerf\n" + plan + "/// */\n";
    std::string text = "# /// kerf\n# ";
    for (std::size_t i = 0; i < plan.size(); ++i)
      text += plan[i] == '\n' && i + 1 < plan.size() ? "\n# " : std::string(1, plan[i]);
    return text + "# ///\n";
  }

  bool is_output(const TensorRef& ref) const { return std::ranges::find(graph_.outputs, ref) != graph_.outputs.end(); }

  static std::string item(const std::string& expression) {
    return std::ranges::all_of(expression, [](unsigned char c) { return std::isdigit(c) != 0; })
               ? expression
               : toml_string(expression);
  }
  std::string list(const std::vector<std::string>& expressions) const {
    std::string out = "[";
    for (const std::string& e : expressions) out += (out.size() > 1 ? ", " : "") + item(names_.resolve(e));
    return out + "]";
  }

  Result<> launch(const GeneratedGroup& group, std::string& steps) {
    const std::string kernel = names_.kernel(group.region.name);
    Schedule schedule = group.schedule;
    if (points_ * schedule.block.size() > max_tune_points) schedule.block.resize(1);
    // A kernel that was written for another group is launched again.
    const std::string key =
        TRY(emit(language_, nameless(group.region), schedule, "kernel", "BLOCK")).source + to_json(schedule).dump();
    const auto [written, is_new] = written_.try_emplace(key);
    const char* axis = language_ == Language::cpp ? "BLOCK" : "THREADS";
    if (is_new) written->second.tune = groups_.size() == 1 ? axis : fmt::format("{}{}", axis, ++tuned_);
    Emitted made = TRY(emit(language_, group.region, schedule, kernel, written->second.tune));
    for (Requirement& r : made.requirements) requirements_.push_back(std::move(r));
    if (is_new) {
      points_ *= schedule.block.size();
      std::string values;
      for (const std::int64_t v : made.tune.second) values += (values.empty() ? "" : ", ") + std::to_string(v);
      tune_ += fmt::format("{} = [{}]\n", made.tune.first, values);
      written->second.launches = made.launches;
      source_ += made.source;
    }
    for (std::size_t l = 0; l < made.launches.size(); ++l) {
      const EmittedLaunch& first = written->second.launches.at(l);
      made.launches[l].kernel = first.kernel;
      for (std::size_t c = 0; c < first.constants.size(); ++c)
        made.launches[l].constants.at(c).first = first.constants[c].first;
    }
    for (const EmittedScratch& s : made.scratch) {
      add_scratch(s.name, s.dtype, list(s.shape));
      if (s.zero) scratch_ += "zero = true\n";
    }
    for (const RegionStore& store : group.region.stores) {
      if (is_output(store.access.tensor)) continue;
      if (!scratched_.emplace(store.access.tensor.name, store.access.tensor.index).second) continue;  // of another part
      std::vector<std::string> shape;
      for (const Extent& extent : store.shape) shape.push_back(extent.text);
      add_scratch(names_.of(store.access.tensor), to_string(dtype_of(store.access.type)), list(shape));
    }
    for (const EmittedLaunch& l : made.launches) {
      ++steps_;
      const std::string block = l.block.empty() ? "" : fmt::format("block = {}\n", list(l.block));
      steps += fmt::format("[[step]]\nlaunch = \"{}\"\ngrid = {}\n{}args = {}\n", l.kernel, list(l.grid), block,
                           list(l.args));
      std::string constants;
      for (const auto& [name, value] : l.constants)
        constants += fmt::format("{}{} = {}", constants.empty() ? "" : ", ", name, item(names_.resolve(value)));
      if (!constants.empty()) steps += "constexpr = { " + constants + " }\n";
      if (!l.warps.empty()) steps += "num_warps = " + item(l.warps) + "\n";
    }
    for (const std::string& helper : made.helpers)
      if (std::ranges::find(helpers_, helper) == helpers_.end()) helpers_.push_back(helper);
    return {};
  }
  // A recurrent network, by kernels that are the same for all.
  Result<> run_recurrent(const GeneralNode& node, std::string& steps) {
    const auto network = recurrent(graph_, node);
    if (!network || (language_ != Language::cpp && language_ != Language::cuda))
      return fail(ErrorKind::candidate, fmt::format("{} has no kernels in this language", node.op));
    const bool frozen = std::ranges::all_of(network->layers, [&](const RecurrentLayer& layer) {
      const NamedTensor* weight = primary_.find(layer.weight.name);
      return weight && weight->role == Role::parameter;
    });
    std::string prefix = network->lstm ? "lstm" : "gru";
    for (const std::string base = prefix; !names_.take(prefix + "_");) prefix += base;
    EmittedRecurrent made = recurrent_steps(graph_, *network, node, prefix, frozen, language_);
    scratch_ += names_.resolve(made.scratch);
    for (std::size_t r = 0; r < made.shapes.size(); ++r)
      if (const TensorRef ref{node.name, static_cast<int>(r)}; !is_output(ref))
        add_scratch(names_.of(ref), "f32", list(made.shapes[r]));
    steps += names_.resolve(made.steps);
    steps_ += made.count;
    if (names_.take(made.tune)) {
      if (points_ * made.values.size() > max_tune_points) made.values.resize(1);
      points_ *= made.values.size();
      tune_ += fmt::format("{} = [{}]\n", made.tune, fmt::join(made.values, ", "));
    }
    for (Requirement& r : made.requirements) requirements_.push_back(std::move(r));
    if (language_ == Language::cuda && !has_lstm_ && !has_gru_) helpers_.push_back("sigmoid");
    (network->lstm ? has_lstm_ : has_gru_) = true;
    return {};
  }
  void add_scratch(const std::string& name, const std::string& dtype, const std::string& shape) {
    scratch_ += fmt::format("[[scratch]]\nname = \"{}\"\ndtype = \"{}\"\nshape = {}\n", name, dtype, shape);
  }

  std::string argument(const GeneralArgument& a) const {
    if (const auto* ref = std::get_if<TensorRef>(&a.is)) return toml_string(names_.of(*ref));
    if (const auto* dtype = std::get_if<Dtype>(&a.is)) return toml_string(to_string(*dtype));
    if (const auto* items = std::get_if<GeneralArgumentList>(&a.is)) {
      std::string out = "[";
      for (const GeneralArgument& each : *items) out += (out.size() > 1 ? ", " : "") + argument(each);
      return out + "]";
    }
    const auto& constant = std::get<Constant>(a.is);
    return constant.text.empty() ? toml_value(constant.values[0]) : toml_string(constant.text);
  }

  // The in-place form may run where the operand is a call's own result that nothing else reads.
  bool may_run_in_place(const GeneralNode& node) const {
    if (node.inplace.empty() || node.args.empty() || is_output({node.name, 0})) return false;
    const auto* ref = std::get_if<TensorRef>(&node.args[0].is);
    if (!ref || is_output(*ref)) return false;
    const auto at = graph_.position(ref->name);
    if (!at) return false;
    for (const GeneratedGroup& group : groups_)
      if (std::ranges::find(group.nodes, *at) != group.nodes.end()) return false;
    int uses = 0;
    for (const GeneralNode& other : graph_.nodes)
      for (const TensorRef& used : references(other)) uses += used == *ref ? 1 : 0;
    return uses == 1 && !is_trivial(graph_.nodes[*at]);
  }

  Result<> call(const GeneralNode& node, std::string& steps) {
    if (!node.op.starts_with("aten."))
      return fail(ErrorKind::candidate, fmt::format("{} is no ATen operator: plans cannot call it", node.op));
    ++steps_;
    std::string op = may_run_in_place(node) ? node.inplace : node.op;
    std::vector<std::string> args;
    for (const GeneralArgument& a : node.args) args.push_back(argument(a));
    // The trace keeps numbers as operands of tensor overloads (x + 1e-5): plans name tensors there, so say it with a
    // scalar.
    static const std::set<std::string> with_scalar = {"add", "sub", "mul", "div", "eq",        "ne",
                                                      "lt",  "le",  "gt",  "ge",  "remainder", "fmod"};
    const auto is_number = [&](std::size_t at) {
      return at < node.args.size() && std::holds_alternative<Constant>(node.args[at].is);
    };
    const bool inplace = op != node.op;
    if (node.overload() == "Tensor" && with_scalar.contains(node.base()) && is_number(1))
      op = fmt::format("aten.{}{}.Scalar", node.base(), inplace ? "_" : "");
    if (node.overload() == "Tensor" && is_number(0) && !inplace) {
      if (node.base() == "add" || node.base() == "mul" || node.base() == "sub") {
        op = node.base() == "sub" ? "aten.rsub.Scalar" : fmt::format("aten.{}.Scalar", node.base());
        std::swap(args[0], args[1]);
      }
    }
    std::size_t results = node.results.size();
    // Buffers are read-only: statistics of the batch do not need the running ones.
    const std::string base = node.base();
    if ((base == "batch_norm" || base == "instance_norm" || base == "native_batch_norm") && true_at(node, 5))
      args[3] = args[4] = "\"none\"";
    if (base == "_native_batch_norm_legit_functional" && true_at(node, 5)) {
      op = "aten._native_batch_norm_legit.no_stats";
      args.erase(args.begin() + 3, args.begin() + 5);
      results = 3;
    }
    std::string kwargs;
    for (const auto& [key, a] : node.kwargs) {
      if (key == "device" || key == "layout" || key == "pin_memory") continue;
      kwargs += (kwargs.empty() ? "" : ", ") + key + " = " + argument(a);
    }
    std::string joined;
    for (const std::string& a : args) joined += (joined.empty() ? "" : ", ") + a;
    steps += fmt::format("[[step]]\ncall = \"{}\"\nargs = [{}]\n", op, joined);
    if (!kwargs.empty()) steps += "kwargs = { " + kwargs + " }\n";
    static const std::set<std::string> lists = {
        "split",        "split_with_sizes", "chunk",    "unbind", "tensor_split", "broadcast_tensors",
        "unsafe_split", "unsafe_chunk",     "meshgrid", "hsplit", "vsplit",       "dsplit"};
    const bool as_list = results > 1 || lists.contains(base);
    std::string out;
    for (std::size_t r = 0; r < results; ++r) {
      const TensorRef ref{node.name, static_cast<int>(r)};
      const std::string name = as_list && !used(ref) ? "_" : names_.of(ref);
      out += (out.empty() ? "" : ", ") + toml_string(name);
    }
    steps += "out = " + (as_list ? "[" + out + "]" : out) + "\n";
    if (!is_python()) return {};
    // Kernels that are compiled ahead of time read tensors that the plan itself describes.
    for (std::size_t r = 0; r < results; ++r) {
      const TensorRef ref{node.name, static_cast<int>(r)};
      if (!is_output(ref) && is_loaded(ref)) TRY(describe(ref, node.results.at(r)));
    }
    return {};
  }
  bool is_loaded(const TensorRef& ref) const {
    return std::ranges::any_of(groups_, [&](const GeneratedGroup& group) {
      return std::ranges::any_of(group.region.code, [&](const Instruction& i) {
        return i.form == Instruction::Form::load && i.access.tensor == ref;
      });
    });
  }
  // Scratch for a call's result, its shape in terms of what is known before anything runs.
  Result<> describe(const TensorRef& ref, const GeneralTensor& tensor) {
    std::vector<const Workload*> workloads;
    for (const std::size_t w : graph_.workloads) workloads.push_back(&problem_.workloads[w]);
    const Atoms atoms(workloads);
    const auto known = [&](const TensorRef& of, std::size_t d) -> std::optional<Extent> {
      const GeneralTensor* what = graph_.tensor(of);
      if (!what) return std::nullopt;
      Extent extent;
      std::vector<Value> values;
      for (const auto& each : what->shape) {
        extent.values.push_back(each.at(d));
        values.push_back(Value{each.at(d)});
      }
      auto text = atoms.find(values, std::vector<bool>(workloads.size(), true));
      if (!text && scratched_.contains({of.name, of.index})) text = fmt::format("{}.shape[{}]", names_.of(of), d);
      if (!text) return std::nullopt;
      extent.text = *std::move(text);
      return extent;
    };
    std::vector<std::string> shape;
    for (std::size_t d = 0; d < tensor.rank(); ++d) {
      auto extent = extent_of_result(graph_, ref, d, known);
      if (!extent)
        return fail(ErrorKind::candidate, fmt::format("no expression gives extent {} of {}", d, names_.of(ref)));
      shape.push_back(std::move(extent->text));
    }
    add_scratch(names_.of(ref), to_string(tensor.dtype), list(shape));
    scratched_.emplace(ref.name, ref.index);
    return {};
  }
  bool used(const TensorRef& ref) const {
    if (is_output(ref)) return true;
    return std::ranges::any_of(graph_.nodes, [&](const GeneralNode& node) {
      const std::vector<TensorRef> refs = references(node);
      return std::ranges::find(refs, ref) != refs.end();
    });
  }

  // Outputs that are inputs themselves, or one value given twice, are copies.
  void copy_outputs(std::string& steps) {
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const std::string from = names_.of(graph_.outputs[i]), to = primary_.output_name(i);
      if (from == to) continue;
      ++steps_;
      steps += fmt::format("[[step]]\ncall = \"aten.clone.default\"\nargs = [{}]\nout = {}\n", toml_string(from),
                           toml_string(to));
    }
  }

  const Understood& problem_;
  const Workload& primary_;
  const GeneralGraph& graph_;
  const std::vector<GeneratedGroup>& groups_;
  Language language_;
  std::vector<Requirement> requirements_;
  TensorNames names_;
  std::set<std::pair<std::string, int>> scratched_;  // results whose scratch is declared already
  std::string tune_, scratch_, source_;
  std::vector<std::string> helpers_;
  struct Written {
    std::string tune;
    std::vector<EmittedLaunch> launches;  // as they were first: what kernels are called, and their constants
  };
  std::map<std::string, Written> written_;  // by what a nameless region is written as
  std::size_t steps_ = 0, points_ = 1;
  int tuned_ = 0;
  bool has_lstm_ = false, has_gru_ = false;
};

}  // namespace

Result<Candidate> compose(const Understood& problem, const GeneralGraph& graph,
                          const std::vector<GeneratedGroup>& groups, const std::vector<std::string>& remarks,
                          Language language) {
  Composer composer(problem, graph, groups, language);
  Candidate candidate{
      .text = TRY(composer.run(remarks)), .language = language, .name = std::string("candidate") + extension(language)};
  // Whoever judges refuses what is longer than candidates, or expressions, may be.
  if (auto read = read_source(candidate); !read) return std::unexpected(std::move(read).error());
  return candidate;
}

}  // namespace kerf
