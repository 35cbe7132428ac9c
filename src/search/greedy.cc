#include <fmt/format.h>

#include <cmath>

#include "search/policy.h"

namespace kerf {
namespace {

// Hill climbing: the best node until it has nothing more to offer, then the next best.
class Greedy final : public Policy {
 public:
  std::optional<Choice> choose(const Tree& tree, Random& random) const override {
    const NodeIndex best = tree.best_open();
    if (best == no_node) {  // the root failed, or all is exhausted or being measured
      return tree.open(0) ? build_on(tree, 0, "nothing better to build on", random) : std::nullopt;
    }
    return build_on(tree, best, fmt::format("best open node {} ({:.2f}x)", best, std::exp(tree.reward(best).mean)),
                    random);
  }
};

}  // namespace

std::unique_ptr<Policy> make_greedy(const SearchOptions&) { return std::make_unique<Greedy>(); }

}  // namespace kerf
