// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "evaluate/evaluation.h"

namespace kerf {

inline constexpr const char* languages_there_are =
    "cpp on target cpu, and cuda, triton and gluon on target nvidia (--target)";

[[nodiscard]] std::string time_words(double us);                               // "812 us", "1.24 ms", "2.1 s"
[[nodiscard]] std::string duration_words(double seconds);                      // "45 s", "3 min 20 s", "2 h 05 min"
[[nodiscard]] std::string bytes_words(double bytes);                           // "33.6 MB"
[[nodiscard]] std::string operations_words(double operations);                 // "2.1 GFLOP"
[[nodiscard]] std::string usd_words(double usd);                               // "$0.0123", "$4.20"
[[nodiscard]] std::string ratio_words(const Ratio& ratio);                     // "2.48x (2.44 to 2.51)"
[[nodiscard]] std::string percent_words(double fraction);                      // "86 %"
[[nodiscard]] std::string count_words(std::int64_t n, std::string_view what);  // "1 candidate", "3 candidates"
[[nodiscard]] std::string short_digest(std::string_view digest);               // 12 hexadecimal digits
// The first `columns` of a line of UTF-8, an ellipsis where it was cut. Control characters become spaces, so that
// nothing that came from a problem or a candidate can steer the terminal.
[[nodiscard]] std::string fit(std::string_view line, std::size_t columns);
[[nodiscard]] std::string one_line(std::string_view text);
// Columns of a terminal that a text takes.
[[nodiscard]] std::size_t columns_of(std::string_view text);

// Left-aligned columns with two blanks between; `right` holds the indices of right-aligned ones.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows,
                                const std::vector<std::size_t>& right = {});
[[nodiscard]] std::string markdown_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace kerf
