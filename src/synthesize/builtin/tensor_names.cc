#include "synthesize/builtin/tensor_names.h"

#include <fmt/format.h>

#include <cctype>
#include <cstddef>

#include "synthesize/builtin/places.h"

namespace kerf {
namespace {

// As an identifier.
std::string clean(const std::string& name) {
  std::string made;
  for (const char c : name) made += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return made;
}

}  // namespace

TensorNames::TensorNames(const Workload& primary, const GeneralGraph& graph)
    : taken_{"threads", "thread", "none", "init",  "min",  "max",   "abs", "cdiv", "next_pow2",
             "numel",   "i32",    "f32",  "f64",   "and",  "or",    "not", "if",   "else",
             "true",    "false",  "True", "False", "None", "where", "_"} {
  std::set<std::string> workload;
  for (const NamedTensor& t : primary.tensors) workload.insert(t.name);
  taken_.insert(workload.begin(), workload.end());
  for (std::size_t i = 0; i < primary.outputs.size(); ++i) taken_.insert(primary.output_name(i));
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const TensorRef& ref = graph.outputs[i];
    if (!workload.contains(ref.name)) names_.try_emplace({ref.name, ref.index}, primary.output_name(i));
  }
  // Deep networks: what results are called is a large part of a text, which must not be longer than candidates may be.
  constexpr std::size_t many = 400;
  brief_ = graph.nodes.size() > many;
  std::size_t counted = 0;
  for (const GeneralNode& node : graph.nodes) {
    for (std::size_t r = 0; r < node.results.size(); ++r) {
      std::string base = brief_ ? fmt::format("t{}", counted++) : clean(node.name);
      if (!brief_ && r > 0) base += fmt::format("_{}", r);
      const std::pair key(node.name, static_cast<int>(r));
      if (names_.contains(key)) continue;
      std::string name = base;
      for (int k = 2; !take(name); ++k) name = fmt::format("{}_v{}", base, k);
      names_[key] = name;
    }
  }
  for (const GeneralNode& node : graph.nodes)
    if (node.op == appended_operator) names_[{node.name, 0}] = of(storage_of(graph, {node.name, 0}));
}

std::string TensorNames::of(const TensorRef& ref) const {
  const auto it = names_.find({ref.name, ref.index});
  return it == names_.end() ? ref.name : it->second;
}

std::string TensorNames::resolve(const std::string& text) const {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = text[i] == '@' ? text.find('@', i + 1) : std::string::npos;
    if (end == std::string::npos) {
      out += text[i++];
      continue;
    }
    const std::string inside = text.substr(i + 1, end - i - 1);
    const std::size_t hash = inside.rfind('#');
    out += of({inside.substr(0, hash), std::stoi(inside.substr(hash + 1))});
    i = end + 1;
  }
  return out;
}

std::string TensorNames::kernel(const std::string& node) {
  std::string base = "kernel";
  if (const auto named = names_.find({node, 0}); named != names_.end()) base = brief_ ? named->second : node;
  std::string name = clean(base) + "_kernel";
  while (!take(name)) name += "_";
  return name;
}

}  // namespace kerf
