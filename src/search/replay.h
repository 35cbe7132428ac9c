// What happened to a search, as data: the store keeps it, and a search of the same options is brought to the same point
// by replaying it. ask(n) is n times ask(1), and an ask that yields nothing leaves no trace, so asks are kept one
// expansion at a time.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "search/search.h"

namespace kerf {

struct Asked {
  Expansion expansion;
};
struct Told {
  ExpansionId id = 0;
  Outcome outcome;
  std::optional<NodeIndex> node;  // what tell returned
};
struct Cancelled {
  ExpansionId id = 0;
};
// A candidate was written. The search learns nothing from it; but of two equal ones the first counts, so that the order
// in which they came is part of what happened.
struct Proposed {
  ExpansionId id = 0;
  std::string candidate;       // digest; empty: nothing new could be written
  std::string closed_by = {};  // of the latter: "budget" where a further call to a model did not fit it
};
using SearchEvent = std::variant<Asked, Told, Cancelled, Proposed>;
[[nodiscard]] ExpansionId expansion_of(const SearchEvent& event);

// Brings a fresh search to where the events left another one. `user` error if it asks for something else than was
// recorded (another seed, other options, or another version of kerf): then nothing may be told to it any more.
// Expansions that were in flight at the end are in search.in_flight(): carry them out again, or cancel them.
[[nodiscard]] Result<> replay(Search& search, std::span<const SearchEvent> events);

[[nodiscard]] nlohmann::json to_json(const SearchEvent& event);
[[nodiscard]] Result<SearchEvent> search_event_from_json(const nlohmann::json& json);
[[nodiscard]] bool operator==(const Expansion& a, const Expansion& b);  // reasons, being words for people, do not count

}  // namespace kerf
