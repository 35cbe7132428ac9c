// Plots as SVG that stands alone inside a page: no script, no file beside it. Colours are the custom properties
// --series-0 to --series-3, --ink, --faint and --grid of the page. Text in them is escaped.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evaluate/evaluation.h"

namespace kerf {

// `&`, `<`, `>` and quotes as entities; control characters become spaces.
[[nodiscard]] std::string escape_markup(std::string_view text);

// The share of `total` whose value is larger than x, over x on a logarithmic axis, with a band between the shares for
// the ends of the intervals.
struct ShareCurve {
  std::string name;
  std::vector<Ratio> values;  // all positive; what has no value is in `total` only
  int total = 0;
};
[[nodiscard]] std::string share_plot(const std::vector<ShareCurve>& curves, const std::string& axis);

// A row a thing, its ratios with their intervals on a common logarithmic axis, 1 marked; filled where the interval
// excludes 1. Beside them bars from 0 to 1, if any row has one.
struct ForestRow {
  std::string label;
  std::vector<std::optional<Ratio>> values;  // as many as there are series
  std::optional<double> bar;
  std::string instead;  // words where there is no value
};
[[nodiscard]] std::string forest_plot(const std::vector<std::string>& series, const std::vector<ForestRow>& rows,
                                      const std::string& axis, const std::string& bar_axis);

}  // namespace kerf
