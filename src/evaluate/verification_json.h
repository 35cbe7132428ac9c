// A verification as text, which is how the cache keeps it.
#pragma once

#include <string>

#include "evaluate/verify.h"

namespace kerf {

[[nodiscard]] std::string to_text(const Verification& v);
[[nodiscard]] Result<Verification> verification_from(const std::string& text);

}  // namespace kerf
