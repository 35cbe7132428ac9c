// The passes of a region over its reduced axes: which reductions run in which, what one computes that later ones need.
#pragma once

#include <optional>
#include <vector>

#include "synthesize/builtin/schedule.h"

namespace kerf {

// Two reductions of which `second` needs the result of `first`, but that one pass can do: partial results are corrected
// as more of `first` becomes known. `value` is what both reduce.
struct Joint {
  enum class Kind : std::uint8_t {
    moments,       // sum of v, and of squares of deviations from its mean: pairwise, after Chan, Golub and LeVeque
                   // (1983), doi:10.1080/00031305.1983.10483115
    exponentials,  // maximum of v, and sum of exp(v - maximum): Milakov and Gimelshein (2018), arXiv:1805.02867
  };
  Kind kind = Kind::moments;
  int first = 0, second = 0, value = 0;
};
// Every reduction is in one of them at most.
[[nodiscard]] std::vector<Joint> joints(const Region& region);

// What one pass computes: a joint, or reductions of one operation.
struct KernelPart {
  int wave = 0;
  std::optional<Joint> joint = std::nullopt;
  std::vector<int> reductions = {};  // instructions; of a joint, first and second
  [[nodiscard]] std::vector<int> operands(const Region& region) const;
};
// All of a region's reductions, in the order in which they run.
[[nodiscard]] std::vector<KernelPart> parts(const Region& region, bool joint);

// The value that is worth most to be kept by the pass that computes it first, for those that need it again: a vector
// along the innermost axis, which is reduced. None where every later pass would compute little.
[[nodiscard]] std::optional<int> kept_value(const Region& region, const Schedule& schedule);

// The pass during which the next row is best fetched, an index into parts() or their number for the pass that stores:
// the second that reads the row. None where a row is read once.
[[nodiscard]] std::optional<std::size_t> later_pass(const Region& region, const Schedule& schedule);

}  // namespace kerf
