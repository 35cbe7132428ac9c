// Names of files that hold candidates.
#pragma once

#include "candidate/candidate.h"

namespace kerf {

[[nodiscard]] const char* extension(Language language);  // ".cu"

}  // namespace kerf
