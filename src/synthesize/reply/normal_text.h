// What is left of a candidate when comments and layout are taken away: two of one normal text are one candidate.
#pragma once

#include <string>

#include "candidate/candidate.h"

namespace kerf {

// The plan without its comments and layout, then the source without comments, with single spaces only where two words
// would run together; lines of the preprocessor stay lines. Of languages other than cpp and cuda, white space at the
// ends of lines and empty lines are taken away.
[[nodiscard]] std::string normal_text(const Candidate& candidate);
[[nodiscard]] std::string normal_digest(const Candidate& candidate);

}  // namespace kerf
