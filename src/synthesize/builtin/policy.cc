#include "synthesize/builtin/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace kerf {
namespace {

// Gains in log speedup that are expected before anything was seen, and how sure of it we are (in observations).
constexpr double prior_weight = 2;
constexpr double spread = 0.08;

struct Prior {
  Bound bound;
  const char* move;
  double gain;
};
constexpr std::array priors = {
    Prior{Bound::memory, "fuse", 0.30},
    Prior{Bound::memory, "streaming_stores", 0.15},
    Prior{Bound::memory, "passes", 0.15},
    Prior{Bound::memory, "tile", 0.08},
    Prior{Bound::memory, "threads", 0.06},
    Prior{Bound::memory, "split", -0.10},
    Prior{Bound::memory, "prefetch", 0.10},
    Prior{Bound::latency, "prefetch", 0.10},
    Prior{Bound::latency, "passes", 0.12},
    Prior{Bound::compute, "passes", 0.15},
    Prior{Bound::compute, "unroll", 0.08},
    Prior{Bound::compute, "accumulators", 0.08},
    Prior{Bound::compute, "library", 0.05},
    Prior{Bound::latency, "accumulators", 0.12},
    Prior{Bound::latency, "threads", 0.12},
    Prior{Bound::latency, "unroll", 0.06},
    Prior{Bound::occupancy, "threads", 0.25},
    Prior{Bound::occupancy, "tile", 0.10},
    Prior{Bound::launch, "fuse", 0.25},
    Prior{Bound::launch, "threads", 0.12},
    Prior{Bound::host, "fuse", 0.10},
    // GPUs
    Prior{Bound::memory, "registers", 0.25},
    Prior{Bound::memory, "overlap", 0.25},
    Prior{Bound::memory, "vector_loads", 0.10},
    Prior{Bound::memory, "loads_in_flight", 0.08},
    Prior{Bound::memory, "evict_first", 0.05},
    Prior{Bound::memory, "split_rows", 0.05},
    Prior{Bound::latency, "loads_in_flight", 0.15},
    Prior{Bound::latency, "row_lanes", 0.12},
    Prior{Bound::latency, "column_lanes", 0.12},
    Prior{Bound::latency, "block_size", 0.08},
    Prior{Bound::latency, "ticket", 0.10},
    Prior{Bound::compute, "vector_loads", 0.08},
    Prior{Bound::compute, "row_lanes", 0.06},
    Prior{Bound::occupancy, "split_rows", 0.30},
    Prior{Bound::occupancy, "block_size", 0.15},
    Prior{Bound::occupancy, "registers", 0.10},
    Prior{Bound::launch, "split_rows", 0.10},
    Prior{Bound::launch, "persistent", 0.06},
    // Triton
    Prior{Bound::memory, "stages", 0.06},
    Prior{Bound::latency, "stages", 0.12},
    Prior{Bound::latency, "tile", 0.12},
    Prior{Bound::latency, "warps", 0.08},
    Prior{Bound::latency, "rows_of_a_tile", 0.10},
    Prior{Bound::latency, "columns_of_a_tile", 0.10},
    Prior{Bound::occupancy, "warps", 0.15},
    // Products of matrices
    Prior{Bound::compute, "product", 0.30},
    Prior{Bound::memory, "product", 0.20},
    Prior{Bound::latency, "product", 0.15},
    Prior{Bound::compute, "tile", 0.10},
    Prior{Bound::compute, "warps", 0.06},
    Prior{Bound::compute, "stages", 0.06},
    Prior{Bound::compute, "factors", 0.12},
    Prior{Bound::memory, "factors", 0.06},
    Prior{Bound::compute, "turn", 0.04},
    Prior{Bound::compute, "swizzle", 0.04},
    Prior{Bound::occupancy, "split_sum", 0.25},
    Prior{Bound::latency, "split_sum", 0.10},
};

// What answers a cause (docs/diagnosis.md), whatever bounds the candidate.
struct Answer {
  std::string_view cause;
  std::string_view move;
  double gain;
};
constexpr std::array answers = {
    Answer{"imbalance", "threads", 0.20},
    Answer{"imbalance", "tile", 0.15},
    Answer{"false_sharing", "tile", 0.20},
    Answer{"false_sharing", "threads", 0.20},
    Answer{"page_faults", "fuse", 0.25},
    Answer{"round_trips", "fuse", 0.35},
    Answer{"dependency_chain", "accumulators", 0.20},
};

double prior_under(std::optional<Bound> bound, const std::string& move) {
  for (const Prior& prior : priors)
    if (bound == prior.bound && move == prior.move) return prior.gain;
  if (move == "library" || move == "split") return -0.05;
  return move == "fuse" ? 0.1 : 0.01;
}

double prior_of(const Diagnosis& diagnosis, const std::string& move) {
  double gain = prior_under(diagnosis.bound, move);
  for (const Cause& cause : diagnosis.causes)
    for (const Answer& answer : answers)
      if (answer.cause == cause.name && answer.move == move) gain = std::max(gain, answer.gain);
  return gain;
}

int key_of(std::optional<Bound> bound) { return bound ? static_cast<int>(*bound) : -1; }

}  // namespace

std::pair<double, int> MovePolicy::belief(const Diagnosis& diagnosis, const std::string& move) const {
  const auto it = seen_.find({key_of(diagnosis.bound), move});
  const Belief b = it == seen_.end() ? Belief{} : it->second;
  return {(prior_of(diagnosis, move) * prior_weight + b.total) / (prior_weight + b.count), b.count};
}

Gain MovePolicy::gain(const Diagnosis& diagnosis, const std::string& move) const {
  const auto [mean, count] = belief(diagnosis, move);
  return {.mean = mean, .deviation = spread / std::sqrt(prior_weight + count)};
}

void MovePolicy::learn(std::optional<Bound> bound, const std::string& move, double gain) {
  Belief& b = seen_[{key_of(bound), move}];
  b.total += gain;
  ++b.count;
}

}  // namespace kerf
