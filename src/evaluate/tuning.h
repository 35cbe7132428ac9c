// Which of a candidate's tune points is the fastest? Blocks, as timing does.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "evaluate/timing_stage.h"

namespace kerf {

// Successive halving over tune points: all run a little, the better half runs more, until one is left (Jamieson &
// Talwalkar, AISTATS 2016). It stops early: a point whose first time is far behind is not run again, and when those
// that are left differ by less than could be told, the first of them is taken. Points that fail to run are left out and
// named in `checks`; when none is left, the first failure is the finding. The check `tune` says what it took: points,
// compiled variants, runs, and why it stopped. The images are in the order of the points.
struct Tuned {
  std::optional<Finding> finding;
  std::size_t pick = 0;
  std::vector<Check> checks;
};
[[nodiscard]] Result<Tuned> tune(const TimingTools& tools, const Source& source, const std::vector<TunePoint>& points,
                                 const std::vector<Image>& images, const Workload& workload, Random& random);

}  // namespace kerf
