#include "candidate/candidate.h"

#include <array>

#include "base/hash.h"

namespace kerf {
namespace {

constexpr std::array<const char*, 5> names = {"cpp", "cuda", "triton", "gluon", "hip"};

// Whether a line of a Python file imports gluon (triton.experimental.gluon).
bool imports_gluon(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t first = line.find_first_not_of(" \t");
    if (first != std::string_view::npos) {
      const std::string_view code = line.substr(first);
      const bool imports = code.starts_with("import ") || code.starts_with("from ");
      if (imports && code.find("gluon") != std::string_view::npos) return true;
    }
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

const char* to_string(Language language) { return names.at(static_cast<std::size_t>(language)); }

std::optional<Language> language_from(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (name == names.at(i)) return static_cast<Language>(i);
  }
  return std::nullopt;
}

std::optional<Language> language_of(std::string_view path, std::string_view text) {
  if (path.ends_with(".cpp")) return Language::cpp;
  if (path.ends_with(".cu")) return Language::cuda;
  if (path.ends_with(".hip")) return Language::hip;
  if (path.ends_with(".py")) return imports_gluon(text) ? Language::gluon : Language::triton;
  return std::nullopt;
}

std::string Candidate::id() const { return sha256(std::string(to_string(language)) + "\n" + text); }

}  // namespace kerf
