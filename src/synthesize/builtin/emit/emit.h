// One door to the emitters.
#pragma once

#include <string>
#include <vector>

#include "candidate/candidate.h"
#include "synthesize/builtin/emit/emitted.h"
#include "synthesize/builtin/schedule.h"

namespace kerf {

// `name` is the kernel's (launches after the first get suffixes), `tune` the name of its tune axis. Fails (kind
// candidate) where the schedule is illegal for the region.
[[nodiscard]] Result<Emitted> emit(Language language, const Region& region, const Schedule& schedule,
                                   const std::string& name, const std::string& tune);
// What stands before the kernels: imports, and the helpers that they need.
[[nodiscard]] std::string helpers(Language language, const std::vector<std::string>& used);
// Whether the built-in synthesizer writes it.
[[nodiscard]] bool has_emitter(Language language);

}  // namespace kerf
