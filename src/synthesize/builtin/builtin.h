// The built-in synthesizer: rewrites the ATen graph into plans and generated kernels. Needs no model and no network.
#pragma once

#include <memory>
#include <optional>

#include "synthesize/builtin/cost/correction.h"
#include "synthesize/synthesizer.h"

namespace kerf {

// Replies from within propose. What it learned lives as long as the object (one session); the same sequence of calls
// gives the same replies. `costs` is what other sessions taught the cost model; without it moves are told apart by
// their names alone.
[[nodiscard]] std::unique_ptr<Synthesizer> make_builtin_synthesizer(std::optional<Correction> costs = std::nullopt);

// The same recipes, drawn by lot and not chosen: what a search, and an order of recipes, must beat. Each proposal
// depends on its request's seed alone, whatever the tree.
[[nodiscard]] std::unique_ptr<Synthesizer> make_random_synthesizer();

}  // namespace kerf
