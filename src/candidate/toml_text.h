// Strings of a TOML text with the place of each of their bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "candidate/plan.h"
#include "candidate/plan_text.h"

namespace kerf {

class TomlText {
 public:
  explicit TomlText(const PlanText& plan);
  // The string value `text` whose opening quote stands at line and column (from 1, in code points) of the TOML.
  [[nodiscard]] Located locate(std::string text, int line, int column) const;

 private:
  const PlanText& plan_;
  std::vector<std::size_t> starts_;  // of lines, in bytes
};

// Where a character outside of ASCII stands that is in neither a string nor a comment: toml++ 3.3 has undefined
// behaviour on some of them (found by plan_fuzz), and a plan needs none.
[[nodiscard]] std::optional<std::size_t> stray_character(std::string_view toml);
// Code points before byte `offset`.
[[nodiscard]] int code_points(std::string_view text, std::size_t offset);

}  // namespace kerf
