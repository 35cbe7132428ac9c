// Samples of program counters, as lines of the candidate.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "candidate/device_protocol.h"
#include "evaluate/evaluation.h"
#include "target/language.h"
#include "target/nvidia/line_table.h"

namespace kerf {

using LineTables = std::map<std::string, LineTable>;  // by the cubin's file name

// Of the cubins that were sampled, which lie beside the image. Reads files. Kind unavailable: one that is not there, or
// says nothing of lines.
[[nodiscard]] Result<LineTables> line_tables_of(const Image& image, const std::vector<LaunchSamples>& samples);

struct SampledLine {
  int line = 0;                         // in the candidate
  double share = 0;                     // of all samples
  std::map<std::string, double> waits;  // stall -> share of the line's
};
struct SampledLines {
  std::int64_t samples = 0, lost = 0;
  std::vector<SampledLine> lines;  // the largest share first
};
// A launch counts as often as its step is executed in a run. What comes from no line of `file` counts as samples only.
[[nodiscard]] SampledLines sampled_lines(const std::vector<LaunchSamples>& samples, const LineTables& tables,
                                         std::string_view file, const std::function<double(int step)>& executions);

// The lines in which the warps were seen most, as hot spots.
[[nodiscard]] std::vector<HotSpot> hot_lines(const SampledLines& sampled, std::size_t most = 6);

}  // namespace kerf
