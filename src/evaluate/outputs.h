// Memory that a candidate writes, and memory that it reads and that changes between its runs: what Oracle does to it
// where it is main memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "evaluate/oracle.h"

namespace kerf {

// 64 bits to fill outputs and scratch with before a run. In every dtype each element that they make is finite, not zero
// and not small: what is read without having been written is seen. Drawn anew for every run, so that no kernel can know
// it.
[[nodiscard]] std::uint64_t make_sentinel(Random& random);

[[nodiscard]] Result<Arena> make_outputs(const Workload& workload, Placement placement);

// The bytes of an output's own pages that are not its own: a write that misses the tensor by a little lands there,
// where no guard page notices.
void fill_margins(Arena& outputs, std::uint64_t sentinel);
[[nodiscard]] std::optional<MarginHit> find_margin_hit(const Arena& outputs, std::uint64_t sentinel);

[[nodiscard]] std::optional<Difference> find_difference(const Arena& a, const Arena& b);

// Exchanges random elements within each of the named tensors: other values at most places that were looked at before,
// the same distribution, range and multiset. Tensors of fewer than two elements stay. Returns the bytes moved.
std::size_t perturb(Arena& trial, const std::vector<std::string>& names, Random& random);

}  // namespace kerf
