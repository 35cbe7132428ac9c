// A candidate: one source text in one language, its plan inside. See docs/candidates.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kerf {

enum class Language : std::uint8_t { cpp, cuda, triton, gluon, hip };

[[nodiscard]] const char* to_string(Language language);
[[nodiscard]] std::optional<Language> language_from(std::string_view name);
// By extension; .py is Triton unless it imports gluon. nullopt for anything else.
[[nodiscard]] std::optional<Language> language_of(std::string_view path, std::string_view text);

struct Candidate {
  std::string text;
  Language language = Language::cpp;
  std::string name;                      // file name or node, for messages
  [[nodiscard]] std::string id() const;  // "sha256…" of language and text
};

inline constexpr std::size_t max_candidate_bytes = std::size_t{256} << 10;

}  // namespace kerf
