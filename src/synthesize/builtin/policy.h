// Which move is tried next: prior knowledge of what answers which diagnosis, corrected by what moves gained in this
// session, as normal beliefs of the gain in log speedup (for Thompson sampling).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/evaluation.h"
#include "synthesize/builtin/cost/guide.h"

namespace kerf {

class MovePolicy {
 public:
  // The gain of a move on what was found of the candidate that it is tried on, before its recipe is looked at.
  [[nodiscard]] Gain gain(const Diagnosis& diagnosis, const std::string& move) const;
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
