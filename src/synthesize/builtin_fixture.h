// What tests of the built-in synthesizer share: what is wrong with a candidate, a GPU's facts, a graph's values.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "candidate/plan.h"
#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/moves.h"
#include "synthesize/graph_text.h"

namespace kerf::testing_builtin {

// Reads the plan and lints it on every workload that it supports; says what is wrong, or nothing.
inline std::string fault(const Candidate& candidate, const Understood& problem) {
  const Result<Source> source = read_source(candidate);
  if (!source) return source.error().message + "\n" + candidate.text;
  const auto points = tune_points(*source);
  if (!points || points->empty()) return "no tune point";
  for (const Workload& workload : problem.workloads) {
    const Result<bool> can = supports(*source, workload);
    if (!can) return can.error().message;
    if (!*can) continue;
    for (const TunePoint& point : *points)
      if (const Result<> checked = lint(*source, workload, point); !checked)
        return checked.error().message + "\n" + candidate.text;
  }
  return "";
}

inline CacheFacts gpu_facts(Language language = Language::cuda) {
  CacheFacts facts;
  facts.language = language;
  facts.sms = 132;
  facts.l2_bytes = 50 << 20;
  return facts;
}

// An RMS norm over the middle dimension.
inline constexpr const char* rms = R"(input x f32 3 5 4
p = aten.pow.Tensor_Scalar x 2 -> f32 3 5 4
m = aten.mean.dim p [1] true -> f32 3 1 4
s = aten.sqrt.default m -> f32 3 1 4
d = aten.div.Tensor x s -> f32 3 5 4
output d)";

// Every group of the recipe, one after the other.
inline std::map<std::string, std::vector<double>> run(const GeneralGraph& graph, const Recipe& recipe, Memory memory) {
  // Groups of these tests depend on each other in the order of their last nodes.
  std::vector<NodeSet> groups = recipe.partition.groups;
  std::ranges::sort(groups, {}, [](const NodeSet& g) { return g.back(); });
  for (const NodeSet& group : groups) interpret(*lower(graph, group), memory, 0);
  return memory;
}

// All nodes of a graph whose output is y, as one region.
inline Result<Region> region_from(const std::string& text) {
  const Case c = parse(text + "\noutput y\n");
  const GeneralGraph graph = *generalise(c.problem, GraphForm::exported);
  NodeSet nodes(graph.nodes.size());
  std::iota(nodes.begin(), nodes.end(), 0U);
  return lower(graph, nodes);
}

// Why they are none.
inline std::string refusal_of(const std::string& text) {
  const Result<Region> region = region_from(text);
  return region ? "" : region.error().message;
}

inline std::vector<double> counted(std::size_t n) {
  std::vector<double> made(n);
  std::iota(made.begin(), made.end(), 0.0);
  return made;
}

// What y is, of what is in memory, and of x = 0, 1, 2, ... where it is not there.
inline std::vector<double> result_of(const std::string& text, Memory memory = {}) {
  const Result<Region> region = region_from(text);
  EXPECT_TRUE(region) << region.error().message;
  if (!region) return {};
  memory.emplace("x", counted(static_cast<std::size_t>(parse(text).problem.workloads[0].tensors.at(0).spec.numel())));
  interpret(*region, memory, 0);
  return std::move(memory["y"]);
}

}  // namespace kerf::testing_builtin
