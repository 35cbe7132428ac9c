#include <fmt/format.h>

#include <cmath>

#include "search/policy.h"

namespace kerf {
namespace {

// Hill climbing: the best node until it has nothing more to offer, then the next best.
class Greedy final : public Policy {
 public:
  explicit Greedy(const SearchOptions& options) : options_(options) {}

  std::optional<Choice> choose(const Tree& tree, Random& random) const override {
    const NodeIndex best = tree.best_open();
    if (best == no_node) {  // the root failed, or all is exhausted or being measured
      return tree.open(0) ? build_on(tree, 0, "nothing better to build on", random) : std::nullopt;
    }
    const std::string why = fmt::format("best open node {} ({:.2f}x)", best, std::exp(tree.reward(best).mean));
    if (auto repair = repair_at(tree, best, options_, why, random)) return repair;
    return build_on(tree, best, why, random);
  }

 private:
  SearchOptions options_;
};

}  // namespace

std::unique_ptr<Policy> make_greedy(const SearchOptions& options) { return std::make_unique<Greedy>(options); }

}  // namespace kerf
