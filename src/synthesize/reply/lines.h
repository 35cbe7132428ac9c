// Texts as lines, and the difference of two texts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kerf {

// Without their newlines; a text that ends in a newline has no empty last line. Views into `text`.
[[nodiscard]] std::vector<std::string_view> split_lines(std::string_view text);
[[nodiscard]] std::string_view without_trailing_space(std::string_view line);

// What turns `from` into `to`, as a unified diff without file names ("@@ -1,3 +1,4 @@" and lines that begin with ' ',
// '-' or '+'); empty if their lines are equal. Shortest (Myers, "An O(ND) difference algorithm and its variations",
// 1986) unless the texts differ in more than 1,000 lines: then everything between the common beginning and the common
// end is replaced. A missing last newline is no difference.
[[nodiscard]] std::string unified_diff(std::string_view from, std::string_view to, std::size_t context = 3);

}  // namespace kerf
