// kerf sessions, kerf show, kerf export: what the store knows.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/report.h"
#include "app/tree_text.h"
#include "app/wiring.h"
#include "app/words.h"
#include "base/paths.h"
#include "session/confirm.h"
#include "session/recording.h"
#include "synthesize/mixed_synthesizer.h"
#include "synthesize/model/model_json.h"

namespace kerf {

namespace {

nlohmann::json session_json(const SessionRecord& record, bool busy) {
  const SessionState& s = record.state;
  nlohmann::json json = {{"session", record.id},          {"problem", record.problem},
                         {"target", record.target},       {"created", iso_time(record.created_ms)},
                         {"status", to_string(s.status)}, {"working", busy},
                         {"stopped_by", s.stopped_by},    {"candidates", s.candidates},
                         {"seconds", s.seconds},          {"best", nullptr},
                         {"options", record.options}};
  if (json["options"].is_object()) json["options"].erase("costs");  // a matrix that says nothing to readers
  if (s.best) {
    json["best"] = {{"node", *s.best}, {"speedup", nullptr}, {"fraction_of_speed_of_light", nullptr}};
    if (s.speedup)
      json["best"]["speedup"] = {{"value", s.speedup->value}, {"low", s.speedup->low}, {"high", s.speedup->high}};
    if (s.fraction_of_speed_of_light) json["best"]["fraction_of_speed_of_light"] = *s.fraction_of_speed_of_light;
  }
  return json;
}

std::string status_words(const SessionRecord& record, bool busy) {
  if (record.state.status == SessionStatus::running) return busy ? "running" : "died, can be resumed";
  if (record.state.status == SessionStatus::finished) return "finished";
  return fmt::format("{}, can be resumed", to_string(record.state.status));
}

SessionResult result_of(const SessionRecord& record, const SessionNodes& nodes) {
  const HandOver handed = hand_over(nodes);
  const SessionState& s = record.state;
  return {.session = record.id,
          .status = s.status,
          .stopped = {.by = s.stopped_by, .why = s.message.empty() ? "it still runs or its process died" : s.message},
          .candidates = s.candidates,
          .seconds = s.seconds,
          .spend = s.spend,
          .best = handed.node,
          .win = handed.win,
          .confirmed = handed.confirmed,
          .reference = handed.reference,
          .error = std::nullopt};
}

nlohmann::json node_json(const SessionId& session, const SessionNode& node) {
  nlohmann::json json = {
      {"node", node.index},
      {"name", node_name(session, node.index)},
      {"parents", node.expansion.parents},
      {"memory", to_string(node.expansion.memory)},
      {"propensity", node.expansion.propensity},
      {"reason", node.expansion.reason},
      {"move", node.proposal.move},
      {"rationale", node.proposal.rationale},
      {"by", nullptr},
      {"outcome", to_string(node.outcome.kind)},
      {"candidate", node.has_candidate() ? nlohmann::json(node.proposal.candidate.id()) : nlohmann::json(nullptr)},
      {"evaluation", to_json(node.evaluation)},
      {"remeasured", nlohmann::json::array()},
      {"confirmed", nullptr}};
  // Who of several wrote it, and how likely it was that this one was asked.
  if (const auto& recipe = node.proposal.recipe; recipe.is_object() && recipe.contains("member"))
    json["by"] = {{"member", recipe["member"]}, {"propensity", recipe.value("propensity", nlohmann::json())}};
  for (const Evaluation& again : node.remeasured) json["remeasured"].push_back(to_json(again));
  if (node.confirmed) json["confirmed"] = to_json(*node.confirmed);
  return json;
}

// All exchanges of the node's expansion, in order: of several synthesizers, those that had nothing first.
Result<std::vector<Exchange>> exchanges_of(Store& store, const SessionId& session, const SessionNode& node) {
  const SessionRecord record = TRY(store.session(session));
  const SessionOptions options = TRY(session_options_from_json(record.options));
  const auto members =
      TRY(parse_synthesizers(options.replayed.empty() ? options.synthesizer : options.replayed)).size();
  std::vector<Exchange> all;
  for (int member = 0; member < static_cast<int>(members); ++member) {
    for (int attempt = member * attempts_per_member;; ++attempt) {
      std::optional<Exchange> one = TRY(store.exchange(session, {.expansion = node.expansion.id, .attempt = attempt}));
      if (!one) break;
      all.push_back(*std::move(one));
    }
  }
  return all;
}

Result<nlohmann::json> conversation_json(Store& store, const SessionId& session, const SessionNode& node) {
  nlohmann::json all = nlohmann::json::array();
  for (const Exchange& e : TRY(exchanges_of(store, session, node))) {
    all.push_back({{"attempt", e.purpose.attempt},
                   {"model", e.model},
                   {"digest", e.request_digest},
                   {"request", e.request},
                   {"reply", to_json(e.reply)}});
  }
  return all;
}

// What was said, each turn once: a request repeats all that was said before it.
Result<std::string> conversation_text(Store& store, const SessionId& session, const SessionNode& node) {
  std::string text;
  for (const Exchange& e : TRY(exchanges_of(store, session, node))) {
    const ModelRequest request = TRY(model_request_from_json(e.request));
    if (e.purpose.attempt % attempts_per_member == 0) {
      for (const Part& part : request.system) text += part.text;
      for (std::size_t i = 0; i + 1 < request.messages.size(); ++i) {
        text += fmt::format("\n=== {} ===\n", request.messages[i].role == Speaker::user ? "kerf" : e.model);
        for (const Part& part : request.messages[i].parts) text += part.text;
      }
    }
    text += "\n=== kerf ===\n";
    if (!request.messages.empty()) {
      for (const Part& part : request.messages.back().parts) text += part.text;
    }
    Spend spend;
    spend.add(e.reply);
    text += fmt::format("\n=== {} ({}, {}) ===\n{}\n", e.model, to_string(e.reply.finish), spend_words(spend),
                        e.reply.text);
  }
  return text;
}

}  // namespace

Result<int> list_sessions(const SessionsOptions& options) {
  const auto wiring = TRY(Wiring::open_to_read(options.common.store));
  Store& store = wiring->store();
  const Page<SessionRecord> page = TRY(store.sessions({.limit = options.limit, .after = options.after}));
  nlohmann::json json = {{"schema", 1}, {"sessions", nlohmann::json::array()}, {"next", nullptr}};
  std::vector<std::vector<std::string>> rows{
      {"session", "started", "problem", "status", "candidates", "best vs eager", "SOL"}};
  for (const SessionRecord& record : page.items) {
    const bool busy = record.state.status == SessionStatus::running && store.busy(record.id).value_or(false);
    if (options.common.json) {
      json["sessions"].push_back(session_json(record, busy));
      continue;
    }
    const SessionState& s = record.state;
    rows.push_back({record.id, iso_time(record.created_ms), fit(record.problem, 40), status_words(record, busy),
                    std::to_string(s.candidates), s.speedup ? ratio_words(*s.speedup) : "-",
                    s.fraction_of_speed_of_light ? percent_words(*s.fraction_of_speed_of_light) : "-"});
  }
  if (options.common.json) {
    if (!page.next.empty()) json["next"] = page.next;
    TRY(print(json.dump(2) + "\n"));
  } else if (page.items.empty()) {
    TRY(print("no sessions yet: kerf optimize PROBLEM starts one\n"));
  } else {
    TRY(print(table(rows, {4, 6})));
    if (!page.next.empty()) TRY(print(fmt::format("more: kerf sessions --after {}\n", page.next)));
  }
  return exit_success;
}

Result<int> show(const ShowOptions& options) {
  const auto wiring = TRY(Wiring::open_to_read(options.common.store));
  Store& store = wiring->store();
  const Found found = TRY(store.find(options.id));
  const SessionRecord record = TRY(store.session(found.session));
  const SessionNodes nodes = TRY(load_nodes(store, found.session));
  if (found.node) {
    if (*found.node < 0 || static_cast<std::size_t>(*found.node) >= nodes.size()) {
      return user_error(fmt::format("session {} has {}, no node {}", record.id,
                                    count_words(static_cast<std::int64_t>(nodes.size()), "node"), *found.node));
    }
    const SessionNode& node = nodes[static_cast<std::size_t>(*found.node)];
    if ((options.prompt || options.conversation) && !options.common.json) {
      if (node.proposal.prompt.empty())
        return user_error(fmt::format("node {} was not written from a prompt", node_name(record.id, node.index)));
      const std::string text = options.prompt ? node.proposal.prompt : TRY(conversation_text(store, record.id, node));
      TRY(print(text));
      return exit_success;
    }
    if (options.diagnosis && !options.common.json) {
      TRY(print(diagnosis_text(node.best_known())));
      return exit_success;
    }
    if (options.common.json) {
      nlohmann::json json = node_json(record.id, node);
      if (options.prompt) json["prompt"] = node.proposal.prompt;
      if (options.conversation) json["conversation"] = TRY(conversation_json(store, record.id, node));
      if (options.source) json["source"] = node.proposal.candidate.text;
      TRY(print(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
    } else {
      std::string text = node_text(record.id, nodes, node);
      if (options.source) text += "\n" + node.proposal.candidate.text;
      TRY(print(text));
    }
    return exit_success;
  }
  if (options.prompt || options.conversation)
    return user_error(fmt::format("--prompt and --conversation are of a node: kerf show {}/1 --prompt", record.id));
  const bool busy = TRY(store.busy(record.id));
  const SessionResult result = result_of(record, nodes);
  if (options.diagnosis && !options.common.json) {
    if (!result.best) return user_error(fmt::format("session {} has no best node yet", record.id));
    TRY(print(fmt::format("{}\n", node_name(record.id, *result.best)) +
              diagnosis_text(nodes[static_cast<std::size_t>(*result.best)].best_known())));
    return exit_success;
  }
  const Report report{.problem = record.problem,
                      .problem_name = {},
                      .target = record.target,
                      .result = result,
                      .nodes = &nodes,
                      .folder = {},
                      .files = {},
                      .spec = {}};
  if (options.common.json) {
    nlohmann::json json = report_json(report);
    json["state"] = session_json(record, busy);
    json["tree"] = tree_digest(nodes);
    json["nodes"] = nlohmann::json::array();
    for (const SessionNode& node : nodes) json["nodes"].push_back(node_json(record.id, node));
    TRY(print(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
    return exit_success;
  }
  std::string text = report_text(report);
  text +=
      fmt::format("\nThe tree ({}; * is the best line)\n", status_words(record, busy)) + tree_text(nodes, result.best);
  if (options.source && result.best)
    text += "\n" + nodes[static_cast<std::size_t>(*result.best)].proposal.candidate.text;
  TRY(print(text));
  return exit_success;
}

}  // namespace kerf
