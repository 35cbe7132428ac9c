#include "synthesize/general.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>

#include "synthesize/builtin/atoms.h"
#include "synthesize/functional.h"

namespace kerf {
namespace {

using Graphs = std::vector<const Graph*>;

// Drops nodes that no output needs. In-place operators count as uses of nothing but what they write.
std::vector<bool> live_nodes(const Graph& graph) {
  std::map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) index[graph.nodes[i].name] = i;
  std::vector<bool> live(graph.nodes.size(), false);
  const auto mark = [&](const TensorRef& ref) {
    if (const auto it = index.find(ref.name); it != index.end()) live[it->second] = true;
  };
  const auto visit = [&](auto&& self, const Argument& argument) -> void {
    if (const auto* ref = std::get_if<TensorRef>(&argument.is)) mark(*ref);
    if (const auto* list = std::get_if<ArgumentList>(&argument.is))
      for (const Argument& each : *list) self(self, each);
  };
  for (const TensorRef& out : graph.outputs) mark(out);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    if (!live[i] || graph.nodes[i].mutates_buffer) continue;
    for (const Argument& argument : graph.nodes[i].args) visit(visit, argument);
    for (const auto& [key, argument] : graph.nodes[i].kwargs) visit(visit, argument);
  }
  return live;
}

class Generaliser {
 public:
  Generaliser(std::vector<const Workload*> workloads, Graphs graphs)
      : workloads_(std::move(workloads)),
        graphs_(std::move(graphs)),
        wanted_(graphs_.size(), true),
        atoms_(workloads_) {}

  GeneralGraph run(const std::set<std::string>& inplace) {
    const Graph& primary = *graphs_[0];
    for (std::size_t w = 1; w < graphs_.size(); ++w) wanted_[w] = same_structure(primary, *graphs_[w]);
    // Texts first, for they may leave workloads out.
    std::vector<std::pair<std::vector<GeneralArgument>, std::vector<std::pair<std::string, GeneralArgument>>>>
        arguments;
    const std::vector<bool> live = live_nodes(primary);
    for (std::size_t n = 0; n < primary.nodes.size(); ++n) {
      arguments.emplace_back();
      if (!live[n]) continue;
      for (std::size_t a = 0; a < primary.nodes[n].args.size(); ++a) {
        std::vector<const Argument*> each;
        for (std::size_t w = 0; w < graphs_.size(); ++w)
          each.push_back(wanted_[w] ? &graphs_[w]->nodes[n].args[a] : nullptr);
        arguments.back().first.push_back(unify(each));
      }
      for (std::size_t k = 0; k < primary.nodes[n].kwargs.size(); ++k) {
        std::vector<const Argument*> each;
        for (std::size_t w = 0; w < graphs_.size(); ++w)
          each.push_back(wanted_[w] ? &graphs_[w]->nodes[n].kwargs[k].second : nullptr);
        arguments.back().second.emplace_back(primary.nodes[n].kwargs[k].first, unify(each));
      }
    }
    GeneralGraph general;
    for (std::size_t w = 0; w < wanted_.size(); ++w)
      if (wanted_[w]) general.workloads.push_back(w);
    for (std::size_t n = 0; n < primary.nodes.size(); ++n) {
      if (!live[n]) continue;
      const GraphNode& node = primary.nodes[n];
      GeneralNode made{.name = node.name,
                       .op = node.op,
                       .inplace = "",
                       .args = std::move(arguments[n].first),
                       .kwargs = std::move(arguments[n].second),
                       .results = {}};
      if (inplace.contains(node.name))
        made.inplace = node.op.substr(0, node.op.find('.', 5)) + "_" + node.op.substr(node.op.find('.', 5));
      for (GeneralArgument& argument : made.args) compact(argument, general.workloads);
      for (auto& [name, argument] : made.kwargs) compact(argument, general.workloads);
      for (std::size_t r = 0; r < node.results.size(); ++r)
        made.results.push_back(
            tensor([&](std::size_t w) { return graphs_[w]->nodes[n].results[r]; }, general.workloads));
      general.nodes.push_back(std::move(made));
    }
    general.outputs = primary.outputs;
    general.exact_convolutions = workloads_[0]->exact_convolutions;
    for (const NamedTensor& named : workloads_[0]->tensors)
      general.tensors.emplace_back(
          named.name, tensor([&](std::size_t w) { return workloads_[w]->find(named.name)->spec; }, general.workloads));
    for (std::size_t i = 0; i < workloads_[0]->outputs.size(); ++i)
      general.tensors.emplace_back(workloads_[0]->output_name(i),
                                   tensor([&](std::size_t w) { return workloads_[w]->outputs[i]; }, general.workloads));
    // Ranks come first: a shape's index that a workload lacks would be an error, not false.
    general.supports = atoms_.predicate(wanted_);
    std::string pinned;
    for (const std::string& pin : pins(general.workloads)) {
      if (!general.supports.contains(pin)) pinned += pin + " and ";
    }
    if (general.supports.empty() && !pinned.empty()) pinned.resize(pinned.size() - 5);
    general.supports.insert(0, pinned);
    return general;
  }

 private:
  // What no variant varied may be baked into the graph: the plan says so. Sizes are trusted to be general only if at
  // least one variant had others, and one only if one had more.
  std::vector<std::string> pins(const std::vector<std::size_t>& included) const {
    std::vector<std::string> terms;
    for (const auto& [name, value] : workloads_[0]->init) {
      const bool varied = std::ranges::any_of(included, [&, &known = name, &primary = value](std::size_t w) {
        return std::ranges::none_of(workloads_[w]->init,
                                    [&](const auto& i) { return i.first == known && i.second == primary; });
      });
      const double* number = std::get_if<double>(&value.is);
      const bool plain = !std::holds_alternative<ValueList>(value.is) && (number == nullptr || std::isfinite(*number));
      if (!varied && plain) terms.push_back("init." + name + " == " + to_string(value));
    }
    for (const NamedTensor& t : workloads_[0]->tensors) {
      if (t.role != Role::input) continue;
      std::vector<std::string> sizes;
      for (std::size_t d = 0; d < t.spec.shape.size(); ++d)
        if (included.size() == 1 || is_one_everywhere(t.name, d, included))
          sizes.push_back(t.name + ".shape[" + std::to_string(d) + "] == " + std::to_string(t.spec.shape[d]));
      if (included.size() == 1 || !sizes.empty())
        terms.push_back(t.name + ".ndim == " + std::to_string(t.spec.shape.size()));
      std::ranges::move(sizes, std::back_inserter(terms));
    }
    return terms;
  }
  // A batch of one in all of them: whatever is traced and written for it goes through one.
  bool is_one_everywhere(const std::string& name, std::size_t d, const std::vector<std::size_t>& included) const {
    return std::ranges::all_of(included, [&](std::size_t w) {
      const NamedTensor* t = workloads_[w]->find(name);
      return t != nullptr && d < t->spec.shape.size() && t->spec.shape[d] == 1;
    });
  }
  bool same_argument(const Argument& a, const Argument& b) const {
    if (const auto* list = std::get_if<ArgumentList>(&a.is)) {
      const auto* other = std::get_if<ArgumentList>(&b.is);
      return other && std::ranges::equal(*list, *other,
                                         [&](const Argument& x, const Argument& y) { return same_argument(x, y); });
    }
    if (const auto* value = std::get_if<Value>(&a.is)) {
      const auto* other = std::get_if<Value>(&b.is);
      if (!other) return false;
      const auto* x = std::get_if<ValueList>(&value->is);
      const auto* y = std::get_if<ValueList>(&other->is);
      return x && y ? x->size() == y->size() : value->is.index() == other->is.index() && !x && !y;
    }
    return a == b;
  }

  bool same_structure(const Graph& a, const Graph& b) const {
    if (a.nodes.size() != b.nodes.size() || a.outputs != b.outputs) return false;
    for (std::size_t n = 0; n < a.nodes.size(); ++n) {
      const GraphNode &x = a.nodes[n], &y = b.nodes[n];
      if (x.name != y.name || x.op != y.op || x.args.size() != y.args.size() || x.kwargs.size() != y.kwargs.size() ||
          x.results.size() != y.results.size())
        return false;
      for (std::size_t i = 0; i < x.args.size(); ++i)
        if (!same_argument(x.args[i], y.args[i])) return false;
      for (std::size_t i = 0; i < x.kwargs.size(); ++i)
        if (x.kwargs[i].first != y.kwargs[i].first || !same_argument(x.kwargs[i].second, y.kwargs[i].second))
          return false;
      for (std::size_t i = 0; i < x.results.size(); ++i)
        if (x.results[i].dtype != y.results[i].dtype || x.results[i].shape.size() != y.results[i].shape.size())
          return false;
    }
    const auto same_tensor = [](const TensorSpec& p, const TensorSpec& q) {
      return p.dtype == q.dtype && p.shape.size() == q.shape.size();
    };
    const Workload &v = *workloads_[0], &w = *workload_of(&b);
    if (v.tensors.size() != w.tensors.size() || v.outputs.size() != w.outputs.size()) return false;
    for (const NamedTensor& t : v.tensors) {
      const NamedTensor* u = w.find(t.name);
      if (!u || !same_tensor(t.spec, u->spec)) return false;
    }
    for (std::size_t i = 0; i < v.outputs.size(); ++i)
      if (!same_tensor(v.outputs[i], w.outputs[i])) return false;
    return true;
  }

  const Workload* workload_of(const Graph* graph) const {
    for (std::size_t w = 0; w < graphs_.size(); ++w)
      if (graphs_[w] == graph) return workloads_[w];
    return workloads_[0];
  }

  GeneralArgument unify(const std::vector<const Argument*>& each) {
    const Argument& first = *each[0];
    if (const auto* ref = std::get_if<TensorRef>(&first.is)) return {*ref};
    if (const auto* dtype = std::get_if<Dtype>(&first.is)) return {*dtype};
    if (const auto* list = std::get_if<ArgumentList>(&first.is)) {
      GeneralArgumentList made;
      for (std::size_t i = 0; i < list->size(); ++i) {
        std::vector<const Argument*> items;
        for (std::size_t w = 0; w < each.size(); ++w)
          items.push_back(each[w] && wanted_[w] ? &std::get<ArgumentList>(each[w]->is)[i] : nullptr);
        made.push_back(unify(items));
      }
      return {std::move(made)};
    }
    std::vector<Value> values;
    for (const Argument* argument : each) values.push_back(argument ? std::get<Value>(argument->is) : Value{});
    return unify_values(values);
  }

  // NaN is the same constant everywhere.
  static bool is_same(const Value& a, const Value& b) {
    const auto* x = std::get_if<double>(&a.is);
    const auto* y = std::get_if<double>(&b.is);
    return a == b || (x && y && std::isnan(*x) && std::isnan(*y));
  }

  GeneralArgument unify_values(const std::vector<Value>& values) {
    if (const auto* list = std::get_if<ValueList>(&values[0].is)) {
      GeneralArgumentList made;
      for (std::size_t i = 0; i < list->size(); ++i) {
        std::vector<Value> items;
        for (std::size_t w = 0; w < values.size(); ++w) {
          const auto* other = std::get_if<ValueList>(&values[w].is);
          items.push_back(wanted_[w] && other ? (*other)[i] : Value{});
        }
        made.push_back(unify_values(items));
      }
      return {std::move(made)};
    }
    Constant constant{.values = values, .text = ""};
    bool same = true;
    for (std::size_t w = 0; w < values.size(); ++w) same = same && (!wanted_[w] || is_same(values[w], values[0]));
    if (same) return {std::move(constant)};
    if (auto text = atoms_.find(values, wanted_)) {
      constant.text = std::move(*text);
    } else {
      for (std::size_t w = 0; w < values.size(); ++w)
        if (!is_same(values[w], values[0])) wanted_[w] = false;
    }
    return {std::move(constant)};
  }

  // Keeps the values of the workloads that are left, and the text only where they differ.
  static void compact(GeneralArgument& argument, const std::vector<std::size_t>& workloads) {
    if (auto* constant = std::get_if<Constant>(&argument.is)) {
      std::vector<Value> kept;
      for (const std::size_t w : workloads) kept.push_back(constant->values[w]);
      constant->values = std::move(kept);
    }
    if (auto* list = std::get_if<GeneralArgumentList>(&argument.is))
      for (GeneralArgument& each : *list) compact(each, workloads);
  }

  template <class Spec>
  static GeneralTensor tensor(Spec&& spec_in, const std::vector<std::size_t>& workloads) {
    GeneralTensor made;
    for (const std::size_t w : workloads) {
      const TensorSpec& spec = spec_in(w);
      made.dtype = spec.dtype;
      made.shape.push_back(spec.shape);
      made.stride.push_back(spec.stride);
    }
    return made;
  }

  std::vector<const Workload*> workloads_;
  Graphs graphs_;
  std::vector<bool> wanted_;
  Atoms atoms_;
};

}  // namespace

const char* to_string(GraphForm form) {
  switch (form) {
    case GraphForm::core:
      return "core";
    case GraphForm::channels_last:
      return "channels_last";
    case GraphForm::places_inside:
      return "places_inside";
    case GraphForm::exported:
      break;
  }
  return "exported";
}

std::int64_t GeneralTensor::numel(std::size_t workload) const {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape[workload]) n *= extent;
  return n;
}

bool GeneralTensor::contiguous() const {
  for (std::size_t w = 0; w < shape.size(); ++w)
    if (!TensorSpec{dtype, shape[w], stride[w]}.contiguous()) return false;
  return true;
}

std::string GeneralNode::base() const {
  const std::size_t dot = op.find('.', 5);
  return op.starts_with("aten.") ? op.substr(5, dot == std::string::npos ? dot : dot - 5) : op;
}

std::string GeneralNode::overload() const {
  const std::size_t dot = op.find('.', 5);
  return dot == std::string::npos ? "default" : op.substr(dot + 1);
}

const GeneralNode* GeneralGraph::node(const std::string& name) const {
  const auto at = position(name);
  return at ? &nodes[*at] : nullptr;
}

std::optional<std::size_t> GeneralGraph::position(const std::string& name) const {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].name == name) return i;
  return std::nullopt;
}

const GeneralTensor* GeneralGraph::tensor(const TensorRef& ref) const {
  for (const auto& [name, tensor] : tensors)
    if (name == ref.name) return &tensor;
  const GeneralNode* found = node(ref.name);
  if (!found || ref.index < 0 || static_cast<std::size_t>(ref.index) >= found->results.size()) return nullptr;
  return &found->results[static_cast<std::size_t>(ref.index)];
}

Result<GeneralGraph> generalise(const Understood& problem, GraphForm form) {
  if (problem.workloads.empty()) return fail(ErrorKind::internal, "a problem without a workload cannot be generalised");
  const auto graph_of = [&](const Workload& w) -> const Graph& {
    return form == GraphForm::core ? w.core : w.exported;
  };
  std::set<std::string> inplace, named;
  for (const NamedTensor& t : problem.workloads[0].tensors) named.insert(t.name);
  std::vector<Graph> functionals;
  std::vector<const Workload*> workloads;
  for (const Workload& workload : problem.workloads) {
    std::set<std::string> here;
    Result<Graph> graph = functionalise(graph_of(workload), here, named);
    if (!graph && workloads.empty()) return std::unexpected(std::move(graph).error());
    functionals.push_back(graph ? std::move(*graph) : Graph{});
    if (workloads.empty()) inplace = std::move(here);
    workloads.push_back(&workload);
  }
  Graphs graphs;
  for (const Graph& graph : functionals) graphs.push_back(&graph);
  if (graphs[0]->outputs.empty())
    return fail(ErrorKind::candidate,
                fmt::format("the {} graph has no outputs: nothing can be planned", to_string(form)));
  return Generaliser(std::move(workloads), std::move(graphs)).run(inplace);
}

void collect_references(const GeneralArgument& argument, std::vector<TensorRef>& into) {
  if (const auto* ref = std::get_if<TensorRef>(&argument.is)) into.push_back(*ref);
  if (const auto* list = std::get_if<GeneralArgumentList>(&argument.is))
    for (const GeneralArgument& each : *list) collect_references(each, into);
}

std::vector<TensorRef> references(const GeneralNode& node) {
  std::vector<TensorRef> found;
  for (const GeneralArgument& argument : node.args) collect_references(argument, found);
  for (const auto& [name, argument] : node.kwargs) collect_references(argument, found);
  return found;
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string toml_value(const Value& value) {
  if (std::holds_alternative<std::monostate>(value.is)) return "\"none\"";
  if (const auto* text = std::get_if<std::string>(&value.is)) return toml_string(*text);
  if (const auto* list = std::get_if<ValueList>(&value.is)) {
    std::string out = "[";
    for (const Value& each : *list) out += (out.size() > 1 ? ", " : "") + toml_value(each);
    return out + "]";
  }
  return to_string(value);
}

std::string expression_of(const Constant& constant) {
  return constant.text.empty() ? to_string(constant.values[0]) : constant.text;
}

}  // namespace kerf
