// Which move is tried next: prior knowledge of what answers which diagnosis, corrected by what moves gained in this
// session (Thompson sampling over normal beliefs of the gain in log speedup).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "evaluate/evaluation.h"

namespace kerf {

class MovePolicy {
 public:
  // Draws a gain for a move on what was found of the candidate that it is tried on: higher is tried first.
  // Deterministic in `random`.
  [[nodiscard]] double draw(const Diagnosis& diagnosis, const std::string& move, Random& random) const;
  // A move that did not end in a measured candidate counts as a loss.
  void learn(std::optional<Bound> bound, const std::string& move, double gain);
  // What is believed of a move: mean and how many times it was seen under this bound. Causes raise what is expected of
  // the moves that answer them; what was seen then counts as ever.
  [[nodiscard]] std::pair<double, int> belief(const Diagnosis& diagnosis, const std::string& move) const;

 private:
  struct Belief {
    double total = 0;
    int count = 0;
  };
  std::map<std::pair<int, std::string>, Belief> seen_;
};

}  // namespace kerf
