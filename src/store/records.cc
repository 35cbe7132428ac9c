#include "store/records.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/hash.h"
#include "base/random.h"
#include "problem/json_fields.h"

namespace kerf {
namespace {

using json = nlohmann::json;

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorKind::system, fmt::format("a record of the store is damaged: {}", what));
}

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

}  // namespace

const char* to_string(SessionStatus status) {
  switch (status) {
    case SessionStatus::running:
      return "running";
    case SessionStatus::interrupted:
      return "interrupted";
    case SessionStatus::finished:
      return "finished";
    case SessionStatus::failed:
      return "failed";
  }
  return "?";
}

std::string node_name(const SessionId& session, NodeIndex node) { return fmt::format("{}/{}", session, node); }

json to_json(const Usage& usage) {
  return {{"tokens_in", usage.tokens_in}, {"tokens_out", usage.tokens_out},
          {"cached_in", usage.cached_in}, {"usd", usage.usd},
          {"usd_known", usage.usd_known}, {"seconds", usage.seconds}};
}

Result<Usage> usage_from_json(const json& value) {
  try {
    return Usage{.tokens_in = value.at("tokens_in").get<std::int64_t>(),
                 .tokens_out = value.at("tokens_out").get<std::int64_t>(),
                 .usd = value.at("usd").get<double>(),
                 .seconds = value.at("seconds").get<double>(),
                 .cached_in = value.value("cached_in", std::int64_t{0}),
                 .usd_known = value.value("usd_known", true)};
  } catch (const json::exception& e) {
    return damaged(e.what());
  }
}

json to_json(const Spend& spend) {
  return {{"calls", spend.calls},
          {"tokens_in", spend.tokens_in},
          {"tokens_out", spend.tokens_out},
          {"cached_in", spend.cached_in},
          {"usd", spend.known_usd},
          {"unpriced", spend.unpriced},
          {"saved_usd", spend.saved_usd},
          {"seconds", spend.seconds},
          {"largest_tokens", spend.largest_tokens},
          {"largest_usd", spend.largest_usd}};
}

Result<Spend> spend_from_json(const json& value) {
  try {
    return Spend{.calls = value.value("calls", std::int64_t{0}),
                 .tokens_in = value.at("tokens_in").get<std::int64_t>(),
                 .tokens_out = value.at("tokens_out").get<std::int64_t>(),
                 .cached_in = value.value("cached_in", std::int64_t{0}),
                 .known_usd = value.at("usd").get<double>(),
                 .unpriced = value.value("unpriced", std::int64_t{0}),
                 .saved_usd = value.value("saved_usd", 0.0),
                 .seconds = value.at("seconds").get<double>(),
                 .largest_tokens = value.value("largest_tokens", std::int64_t{0}),
                 .largest_usd = value.value("largest_usd", 0.0)};
  } catch (const json::exception& e) {
    return damaged(e.what());
  }
}

json to_json(const SessionState& state) {
  json speedup = nullptr;
  if (state.speedup && std::isfinite(state.speedup->value + state.speedup->low + state.speedup->high))
    speedup = {{"value", state.speedup->value}, {"low", state.speedup->low}, {"high", state.speedup->high}};
  return {{"status", to_string(state.status)},
          {"stopped_by", state.stopped_by},
          {"message", state.message},
          {"seconds", state.seconds},
          {"candidates", state.candidates},
          {"best", or_null(state.best)},
          {"speedup", speedup},
          {"fraction_of_speed_of_light", or_null(state.fraction_of_speed_of_light)},
          {"spend", to_json(state.spend)}};
}

Result<SessionState> session_state_from_json(const json& value) {
  try {
    SessionState state;
    const std::string status = value.at("status").get<std::string>();
    bool known = false;
    for (const SessionStatus each :
         {SessionStatus::running, SessionStatus::interrupted, SessionStatus::finished, SessionStatus::failed}) {
      if (status != to_string(each)) continue;
      state.status = each;
      known = true;
    }
    if (!known) return damaged(fmt::format("no session is '{}'", status));
    state.stopped_by = value.at("stopped_by").get<std::string>();
    state.message = value.at("message").get<std::string>();
    state.seconds = value.at("seconds").get<double>();
    state.candidates = value.at("candidates").get<std::int64_t>();
    if (!value.at("best").is_null()) state.best = value.at("best").get<NodeIndex>();
    if (const json& s = value.at("speedup"); !s.is_null()) {
      state.speedup = Ratio{s.at("value").get<double>(), s.at("low").get<double>(), s.at("high").get<double>()};
    }
    if (const json& fraction = value.at("fraction_of_speed_of_light"); !fraction.is_null()) {
      state.fraction_of_speed_of_light = fraction.get<double>();
    }
    state.spend = TRY(spend_from_json(value.at("spend")));
    return state;
  } catch (const json::exception& e) {
    return damaged(e.what());
  }
}

json to_json(const Problem& problem) {
  return {{"id", problem.id},
          {"name", problem.name},
          {"source", problem.source},
          {"path", problem.path},
          {"sizes", to_json(problem.sizes)},
          {"mode", problem.mode == Mode::eval ? "eval" : "as_written"},
          {"allow_degenerate", problem.allow_degenerate}};
}

Result<Problem> problem_from_json(const json& value) {
  try {
    Problem problem;
    problem.id = value.at("id").get<std::string>();
    problem.name = value.at("name").get<std::string>();
    problem.source = value.at("source").get<std::string>();
    problem.path = value.at("path").get<std::string>();
    for (const auto& [name, size] : value.at("sizes").items()) problem.sizes[name] = TRY(value_from_json(size));
    problem.mode = value.at("mode") == "eval" ? Mode::eval : Mode::as_written;
    problem.allow_degenerate = value.at("allow_degenerate").get<bool>();
    return problem;
  } catch (const json::exception& e) {
    return damaged(e.what());
  }
}

std::string stored_text(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

Result<json> stored_json(std::string_view text) {
  json value = read_json(text);
  if (value.is_discarded()) return damaged(fmt::format("'{}' is no JSON", text.substr(0, 60)));
  return value;
}

std::string task_id(const TaskRecord& task) {
  if (!task.id.empty()) return task.id;
  return Digest().add(task.problem.id).add(task.problem.digest()).add(task.target).hex();
}

SessionId new_session_id() { return fmt::format("{:012x}", secret_seed() & 0xffff'ffff'ffffU); }

Result<std::int64_t> page_position(const PageRequest& request, std::int64_t first) {
  if (request.after.empty()) return first;
  std::int64_t position = 0;
  const char* end = request.after.data() + request.after.size();
  const auto [stop, code] = std::from_chars(request.after.data(), end, position);
  if (code != std::errc{} || stop != end) {
    return user_error(fmt::format("'{}' is no place in a list: use what the page before gave as next", request.after));
  }
  return position;
}

Result<IdParts> split_id(std::string_view id) {
  IdParts parts;
  const std::size_t slash = id.find('/');
  parts.session = id.substr(0, slash);
  if (slash != std::string_view::npos) {
    const std::string_view digits = id.substr(slash + 1);
    NodeIndex node = 0;
    const auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), node);
    if (code != std::errc{} || stop != digits.data() + digits.size() || node < 0) {
      return user_error(fmt::format("'{}' names no node: write SESSION/NUMBER, as in 3f9c/12", id));
    }
    parts.node = node;
  }
  if (parts.session.empty()) return user_error(fmt::format("'{}' names no session: see `kerf sessions`", id));
  return parts;
}

std::unexpected<Error> no_session(std::string_view id) {
  return user_error(fmt::format("no session is called '{}': see `kerf sessions`", id));
}
std::unexpected<Error> no_node_in(std::string_view session, NodeIndex node) {
  return user_error(fmt::format("session {} has no node {}: see `kerf show {}`", session, node, session));
}
std::unexpected<Error> no_artifact(std::string_view digest) {
  return user_error(fmt::format("the store holds nothing called {}", digest));
}
std::unexpected<Error> busy_session(std::string_view session) {
  return user_error(fmt::format("another kerf is working on session {}: wait for it, or stop it first", session));
}
std::unexpected<Error> several_sessions(std::string_view id, const std::vector<std::string>& which) {
  std::string names;
  for (const std::string& name : which) names += (names.empty() ? "" : ", ") + name;
  return user_error(fmt::format("'{}' may be any of {}: write more of it", id, names));
}

}  // namespace kerf
