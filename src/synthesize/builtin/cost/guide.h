// The cost model at work in a session: what other sessions taught, and what this one has measured so far.
#pragma once

#include <optional>
#include <vector>

#include "synthesize/builtin/cost/correction.h"

namespace kerf {

class Guide {
 public:
  // What is believed of a problem that was not seen.
  explicit Guide(const Correction& elsewhere) : belief_(elsewhere.elsewhere()), now_(belief_) {}

  // A recipe of the problem at hand was measured: log of its speedup over what all are compared with.
  void learn(const Features& features, double log_speedup);
  // What changing one recipe into another should gain.
  [[nodiscard]] Gain gain(const Features& from, const Features& to) const;

 private:
  Correction belief_, now_;
  std::vector<Observation> seen_;
};

}  // namespace kerf
