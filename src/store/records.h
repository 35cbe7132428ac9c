// The parts of records that databases keep as JSON texts.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "store/store.h"

namespace kerf {

[[nodiscard]] nlohmann::json to_json(const SessionState& state);
[[nodiscard]] Result<SessionState> session_state_from_json(const nlohmann::json& json);
[[nodiscard]] nlohmann::json to_json(const Problem& problem);
[[nodiscard]] Result<Problem> problem_from_json(const nlohmann::json& json);
[[nodiscard]] nlohmann::json to_json(const Spend& spend);
[[nodiscard]] Result<Spend> spend_from_json(const nlohmann::json& json);
[[nodiscard]] nlohmann::json to_json(const Usage& usage);
[[nodiscard]] Result<Usage> usage_from_json(const nlohmann::json& json);
// JSON as a store keeps it. Texts of compilers may hold bytes that are no UTF-8: replaced, never a reason to fail.
[[nodiscard]] std::string stored_text(const nlohmann::json& json);
// Parses what a store wrote; what cannot be parsed is a damaged store.
[[nodiscard]] Result<nlohmann::json> stored_json(std::string_view text);
template <class Read>
[[nodiscard]] auto stored(std::string_view text, Read read) -> decltype(read(nlohmann::json())) {
  return read(TRY(stored_json(text)));
}

[[nodiscard]] std::string task_id(const TaskRecord& task);  // its id, or the digest of problem and target
[[nodiscard]] SessionId new_session_id();

// A session's position in a page, a node's: what `after` holds. `user` error if a caller made it up.
[[nodiscard]] Result<std::int64_t> page_position(const PageRequest& request, std::int64_t first);
// "3f9c/12", "3f9c", "last/3" -> the part before the slash, and the node.
struct IdParts {
  std::string session;
  std::optional<NodeIndex> node;
};
[[nodiscard]] Result<IdParts> split_id(std::string_view id);
// `user` errors for ids.
[[nodiscard]] std::unexpected<Error> no_session(std::string_view id);
[[nodiscard]] std::unexpected<Error> no_node_in(std::string_view session, NodeIndex node);
[[nodiscard]] std::unexpected<Error> no_artifact(std::string_view digest);
[[nodiscard]] std::unexpected<Error> busy_session(std::string_view session);
[[nodiscard]] std::unexpected<Error> several_sessions(std::string_view id, const std::vector<std::string>& which);

}  // namespace kerf
