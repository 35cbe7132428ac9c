// A made-up world to search in, for tests and benchmarks: what a candidate is worth follows from how it was reached,
// with traps (first steps that pay at once and lead nowhere), failures and noise. No claim about kernels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "search/search.h"

namespace kerf {

struct LandscapeOptions {
  double noise = 0.02;    // standard error of every measurement, in log speedup
  double failure = 0.25;  // chance that a candidate fails
  int deepest = 6;        // steps after which nothing is gained any more
};

// A candidate is a line of steps from the problem. Each line has a promise, drawn at its first step: in a trap the
// first step gains much and later ones nothing; elsewhere the first step gains nothing or loses a little, and later
// ones gain.
class Landscape {
 public:
  Landscape(std::uint64_t seed, LandscapeOptions options) : random_(seed), options_(options) {}

  [[nodiscard]] Outcome root() {
    nodes_.push_back({0, 0, false});
    return {.kind = Outcome::Kind::measured, .reward = {0, 0.5 * options_.noise}};
  }
  // What the expansion comes to. `told` has to be called with the index that it gets.
  [[nodiscard]] Outcome carry_out(const Expansion& expansion) {
    if (expansion.task == Task::root) return root();
    Random random(expansion.seed ^ random_salt_);
    if (expansion.task == Task::remeasure) return measure(worth(expansion.parents[0]), random);
    pending_ = grow(expansion, random);
    if (random.uniform() < options_.failure) return {.kind = Outcome::Kind::failed};
    return measure(pending_.worth, random);
  }
  void told(NodeIndex index) {
    if (static_cast<std::size_t>(index) >= nodes_.size()) nodes_.resize(static_cast<std::size_t>(index) + 1);
    if (index > 0) nodes_[static_cast<std::size_t>(index)] = pending_;
  }
  [[nodiscard]] double worth(NodeIndex index) const { return nodes_[static_cast<std::size_t>(index)].worth; }

 private:
  struct Node {
    double worth = 0;
    int depth = 0;
    bool trap = false;
  };
  [[nodiscard]] Node grow(const Expansion& expansion, Random& random) const {
    const bool fresh = expansion.parents.empty();
    const Node from = fresh ? Node{} : nodes_[static_cast<std::size_t>(expansion.parents[0])];
    Node node = from;
    ++node.depth;
    if (from.depth == 0) {
      node.trap = random.uniform() < 0.7;
      node.worth = node.trap ? 0.25 + 0.15 * random.uniform() : 0.1 * random.uniform() - 0.05;
    } else if (!node.trap && node.depth <= options_.deepest) {
      node.worth += 0.25 * random.uniform();
    } else {
      node.worth -= 0.1 * random.uniform();
    }
    return node;
  }
  [[nodiscard]] Outcome measure(double worth, Random& random) const {
    return {.kind = Outcome::Kind::measured,
            .reward = {worth + options_.noise * random.normal(), options_.noise},
            .fraction_of_speed_of_light = 0};
  }

  Random random_;
  std::uint64_t random_salt_ = random_.next();
  LandscapeOptions options_;
  std::vector<Node> nodes_;
  Node pending_;
};

}  // namespace kerf
