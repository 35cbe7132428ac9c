#include "evaluate/cache_traffic.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <unordered_map>

namespace kerf {
namespace {

// Sums of ranges of numbers that change (Fenwick 1994): plans are unrolled to thousands of steps.
class Sums {
 public:
  explicit Sums(std::size_t size) : nodes_(size + 1) {}
  void add(std::size_t at, double value) {
    for (++at; at < nodes_.size(); at += at & (~at + 1)) nodes_[at] += value;
  }
  [[nodiscard]] double before(std::size_t end) const {
    double sum = 0;
    for (; end > 0; end -= end & (~end + 1)) sum += nodes_[end];
    return sum;
  }

 private:
  std::vector<double> nodes_;
};

}  // namespace

double bytes_beyond(const std::vector<std::vector<Touch>>& steps, double capacity) {
  struct Seen {
    std::size_t step;
    double bytes;
  };
  std::unordered_map<int, Seen> seen;  // by storage: when it was touched last, and how much of it
  Sums touched(steps.size());          // by step: what was touched then and not since
  double beyond = 0;
  for (std::size_t now = 0; now < steps.size(); ++now) {
    std::map<int, double> here;
    for (const Touch& touch : steps[now]) {
      double& bytes = here[touch.storage];
      bytes = std::max(bytes, touch.bytes);
    }
    for (const auto& [storage, bytes] : here) {
      const auto last = seen.find(storage);
      if (last == seen.end()) {
        beyond += bytes;
        continue;
      }
      const double others = touched.before(now) - touched.before(last->second.step) - last->second.bytes;
      beyond += bytes + others <= capacity ? std::max(0.0, bytes - last->second.bytes) : bytes;
    }
    for (const auto& [storage, bytes] : here) {
      const auto [last, fresh] = seen.try_emplace(storage, Seen{.step = now, .bytes = bytes});
      if (!fresh) touched.add(last->second.step, -last->second.bytes);
      touched.add(now, bytes);
      last->second = {.step = now, .bytes = bytes};
    }
  }
  return beyond;
}

}  // namespace kerf
