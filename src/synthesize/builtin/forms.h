// The forms of a problem's graph that recipes are made of.
#pragma once

#include <optional>

#include "candidate/candidate.h"
#include "synthesize/general.h"

namespace kerf {

struct FormedGraph {
  GeneralGraph graph;
  bool rewritten = false;  // its calls are others than the identity plan's
};

// Generalised, simplified, with biases and layouts as the language's library has them best. nullopt where the problem
// has no such form, where it cannot be understood, or where it has more nodes in it than are worth it.
[[nodiscard]] std::optional<FormedGraph> graph_in(const Understood& problem, GraphForm form, Language language);

}  // namespace kerf
