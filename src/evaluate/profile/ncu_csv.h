// The CSV of NVIDIA Nsight Compute: `ncu --csv --page raw`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "candidate/device_protocol.h"
#include "evaluate/profile/kernel_profile.h"

namespace kerf {

struct NcuLaunch {
  std::string kernel;
  std::map<std::string, double> counters;  // in base units: ns, bytes, percent
};
// One for each launch, in order. Lines of ncu's own ("==PROF== …") and of the program that it watched may stand around
// and between the rows. Numbers carry thousands separators; empty cells and words are left out. Kind user: no table, no
// column "Kernel Name", or a row that does not fit it.
[[nodiscard]] Result<std::vector<NcuLaunch>> read_ncu_launches(std::string_view text);
// The same under canonical names.
[[nodiscard]] Result<std::vector<KernelProfile>> read_ncu_csv(std::string_view text);

// Counters of Nsight Compute's log, a launch each, into those that were marked for it. Kind unavailable: it has others.
[[nodiscard]] Result<> take_ncu(std::string_view log, ProfileAnswer& answer);
// What it says went wrong ("==ERROR== …"), in one line; empty: nothing.
[[nodiscard]] std::string error_of_ncu(std::string_view log);

}  // namespace kerf
