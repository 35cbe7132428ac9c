// Which nodes get a confirming run, and what is handed over after it.
#pragma once

#include <optional>
#include <vector>

#include "session/node.h"

namespace kerf {

// All that was measured, most promising first: `best` (what the search thinks best), then by speedup. The mean over a
// node's measurements counts, so that one lucky run does not push ahead.
[[nodiscard]] std::vector<NodeIndex> confirmation_order(const SessionNodes& nodes, std::optional<NodeIndex> best);

// Log speedup over eager, all measurements of the search pooled.
[[nodiscard]] double pooled_log_speedup(const SessionNode& node);

struct HandOver {
  std::optional<NodeIndex> node;
  bool win = false;        // its speedup over eager excludes 1
  bool confirmed = false;  // by a confirming run
  // The node is only the closest there was: what is handed over is the reference itself, as the problem's file has it.
  bool reference = false;
};
// Of confirmed winners the one that was fastest in its confirming run. A speedup whose interval includes 1 is no win:
// then the identity plan is handed over if it was right, unless another is surely faster than that (their intervals lie
// apart). Where the identity plan was refused or could not be written, nothing is at hand that is surely as good as the
// reference, which is then what is handed over. Without any confirming run (interrupted) the same by the search's own
// measurements.
[[nodiscard]] HandOver hand_over(const SessionNodes& nodes);

}  // namespace kerf
