// What a profiler measured of one launch on a GPU, under names that are the same whichever profiler it was.
// docs/diagnosis.md lists them with their units.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "evaluate/evaluator.h"

namespace kerf {

struct KernelProfile {
  std::string kernel;
  double launches = 1;                    // of a run, for which it stands
  std::map<std::string, double> metrics;  // canonical name -> value; what is not known is absent
  [[nodiscard]] bool has(std::string_view name) const { return metrics.contains(std::string(name)); }
  [[nodiscard]] double get(std::string_view name, double otherwise = 0) const {
    const auto at = metrics.find(std::string(name));
    return at == metrics.end() ? otherwise : at->second;
  }
};

// The unit of a canonical name: "us", "B", "1", …; empty if the name is unknown.
[[nodiscard]] std::string_view unit_of_metric(std::string_view name);

// Counters of NVIDIA's profilers (CUPTI and Nsight Compute share the names), in base units (ns, bytes, percent), as
// canonical metrics. Counters that nothing is derived from are left out.
[[nodiscard]] KernelProfile from_nvidia_counters(std::string kernel, const std::map<std::string, double>& counters);

// The counters that from_nvidia_counters() knows, for a profiler to collect; those of `launch__…` are Nsight Compute's
// own and unknown to CUPTI, which knows them from the launch.
[[nodiscard]] std::vector<std::string> nvidia_counters();

// Those that CUPTI knows, in groups that are counted in a run each. The first, which is all that a screen counts, takes
// one pass on GPUs of compute capability 9.0 (integration test), so that what depends on what the caches hold is
// counted with cold ones.
[[nodiscard]] std::vector<std::vector<std::string>> cupti_groups(Effort effort);

}  // namespace kerf
