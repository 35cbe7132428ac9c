// Names of plans.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kerf {

[[nodiscard]] bool is_identifier(std::string_view text);   // [A-Za-z_][A-Za-z0-9_]*
[[nodiscard]] bool is_name_part(char c);                   // [A-Za-z0-9_]
[[nodiscard]] bool is_output_name(std::string_view text);  // "out", "out0", "out1", …
[[nodiscard]] bool is_function(std::string_view text);     // "min", "cdiv", … of expressions
// Why a plan cannot give this name: no identifier, or a word of the expression language. Empty if it can.
[[nodiscard]] std::string why_no_name(std::string_view text);
// The known word that a person probably meant: at most two edits away. Empty if there is none.
[[nodiscard]] std::string_view nearest(std::string_view text, const std::vector<std::string_view>& known);

}  // namespace kerf
