// File-name patterns: `*`, `?` and `[a-c]` (`[!a-c]`), all within the whole text, `/` included in none of them but
// `**`.
#pragma once

#include <string_view>

namespace kerf {

[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace kerf
