#include "evaluate/languages.h"

#include <utility>

namespace kerf {

void Languages::add(Language language, Make make) { entries_[language].make = std::move(make); }

void Languages::add(Language language, LanguageTools tools) { entries_[language].tools = std::move(tools); }

std::string Languages::names() const {
  std::string names;
  for (const auto& [language, entry] : entries_)
    names += (names.empty() ? "" : ", ") + std::string(to_string(language));
  return names;
}

Result<LanguageTools> Languages::find(Language language) {
  const auto found = entries_.find(language);
  if (found == entries_.end()) {
    return fail(ErrorKind::unavailable,
                std::string("unavailable: candidates in ") + to_string(language) + " (there are " + names() + ")");
  }
  Entry& entry = found->second;
  const std::scoped_lock lock(entry.mutex);
  if (!entry.tools) entry.tools = TRY(entry.make());
  return *entry.tools;
}

}  // namespace kerf
