#include "evaluate/tuning.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

namespace kerf {

Result<Tuned> tune(const TimingTools& tools, const Source& source, const std::vector<TunePoint>& points,
                   const std::vector<Image>& images, const Workload& workload, Random& random) {
  using namespace std::chrono_literals;
  Tuned tuned;
  TimingStage stage(tools, source, workload, 1000us, random);
  TRY(stage.open());
  std::vector<std::size_t> alive(points.size());
  std::iota(alive.begin(), alive.end(), std::size_t{0});
  std::vector<double> best(points.size(), std::numeric_limits<double>::infinity());
  std::optional<Finding> first_failure;
  constexpr double far_behind = 2.5;  // times the best so far: company alone seldom does that to one run
  constexpr double tie = 1.01;        // what the smallest of several times differs by without a reason
  int all_runs = 0;
  const char* stopped = "one_left";
  // Long workloads cannot afford many runs; short ones need several, because single runs are noisy.
  int runs = workload.eager_us > 20'000 ? 1 : 2;
  while (true) {
    double leader = std::numeric_limits<double>::infinity();
    for (const auto i : alive) {
      const auto one = [&]() -> Result<> {
        const auto instance = TRY(stage.load(images[i], points[i]));
        for (int run = 0; run <= runs; ++run) {  // the first one binds the plan and touches pages
          const auto report = TRY(stage.run(*instance, true));
          ++all_runs;
          // The smallest time is the one with the least company: good enough to choose by, never reported.
          if (run > 0) best[i] = std::min(best[i], report.device_us);
          if (best[i] < std::numeric_limits<double>::infinity() && best[i] > far_behind * leader) break;
        }
        leader = std::min(leader, best[i]);
        return {};
      };
      if (auto ran = one(); !ran) {
        Finding finding = TRY(finding_of(std::move(ran).error()));
        tuned.checks.push_back({.name = "tune_point",
                                .passed = false,
                                .detail = {{"point", to_string(points[i])},
                                           {"verdict", to_string(finding.verdict)},
                                           {"message", finding.message}}});
        if (!first_failure) first_failure = std::move(finding);
        best[i] = std::numeric_limits<double>::infinity();
      }
    }
    std::erase_if(alive, [&](std::size_t i) { return !std::isfinite(best[i]); });
    if (alive.empty()) {
      tuned.finding = std::move(first_failure);
      return tuned;
    }
    std::ranges::stable_sort(alive, {}, [&](std::size_t i) { return best[i]; });
    if (alive.size() == 1) break;
    if (runs >= 8 && alive.size() == 2) {
      alive.resize(1);
      break;
    }
    if (runs >= 4 && best[alive.back()] <= tie * best[alive.front()]) {
      stopped = "tie";
      std::ranges::sort(alive);  // the plan's order
      break;
    }
    // Who is clearly out needs no further run.
    while (alive.size() > 1 && best[alive.back()] > 1.5 * best[alive.front()]) alive.pop_back();
    alive.resize(std::max<std::size_t>(1, (alive.size() + 1) / 2));
    if (alive.size() == 1) break;
    for (const auto i : alive) best[i] = std::numeric_limits<double>::infinity();
    runs = std::min(8, 2 * runs);
  }
  tuned.pick = alive.front();
  std::set<std::string> variants;
  for (const Image& image : images) variants.insert(image.digest);
  tuned.checks.push_back({.name = "tune",
                          .passed = true,
                          .detail = {{"points", points.size()},
                                     {"variants", variants.size()},
                                     {"runs", all_runs},
                                     {"stopped", stopped},
                                     {"pick", to_string(points[tuned.pick])}}});
  return tuned;
}

}  // namespace kerf
