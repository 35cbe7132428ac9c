#include "synthesize/builtin/cost/guide.h"

#include <cmath>

namespace kerf {
namespace {

constexpr double misjudged = 0.1;  // what features do not say: log time of two recipes that they call equal

}  // namespace

void Guide::learn(const Features& features, double log_speedup) {
  seen_.push_back({.features = features, .log_seconds = -log_speedup});
  now_ = belief_;
  now_.learn(seen_, Correction::noise_here);
}

Gain Guide::gain(const Features& from, const Features& to) const {
  const Gain known = now_.gain(from, to);
  return {.mean = known.mean, .deviation = std::hypot(known.deviation, misjudged)};
}

}  // namespace kerf
