#include "search/policy.h"

namespace kerf {
namespace {

class BestOfN final : public Policy {
 public:
  std::optional<Choice> choose(const Tree& tree, Random&) const override {
    if (tree.exhausted(0, MemoryOperator::fresh)) return std::nullopt;
    return Choice{
        .memory = MemoryOperator::fresh, .propensity = 1, .parents = {}, .reason = "independent of all others"};
  }
};

}  // namespace

std::unique_ptr<Policy> make_best_of_n(const SearchOptions&) { return std::make_unique<BestOfN>(); }

}  // namespace kerf
