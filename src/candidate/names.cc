#include "candidate/names.h"

#include "candidate/identifiers.h"

namespace kerf {

int Names::add(std::string_view name) {
  const auto [it, fresh] = index_.try_emplace(std::string(name), static_cast<int>(names_.size()));
  if (fresh) names_.emplace_back(name);
  return it->second;
}

std::optional<int> Names::find(std::string_view name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<int> Names::longest_prefix(std::string_view text) const {
  // A name may end wherever a letter, digit or _ is followed by something else.
  std::optional<int> best;
  for (std::size_t end = 1; end <= text.size(); ++end) {
    const char last = text[end - 1];
    if (!is_name_part(last) && last != '.' && last != '-') break;
    if (end < text.size() && is_name_part(text[end])) continue;
    if (const auto found = find(text.substr(0, end))) best = found;
  }
  return best;
}

std::vector<std::string_view> Names::all() const { return {names_.begin(), names_.end()}; }

}  // namespace kerf
