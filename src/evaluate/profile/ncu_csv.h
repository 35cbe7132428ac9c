// The CSV of NVIDIA Nsight Compute: `ncu --csv --page raw`.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "evaluate/profile/kernel_profile.h"

namespace kerf {

// One profile a launch, in order. Lines of ncu's own ("==PROF== …") and of the program that it watched may stand around
// and between the rows. Numbers carry thousands separators; empty cells and words are left out. Kind user: no table, no
// column "Kernel Name", or a row that does not fit it.
[[nodiscard]] Result<std::vector<KernelProfile>> read_ncu_csv(std::string_view text);

}  // namespace kerf
