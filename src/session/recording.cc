#include "session/recording.h"

#include <fmt/format.h>

#include <utility>

#include "base/hash.h"
#include "problem/json_fields.h"
#include "store/records.h"
#include "synthesize/model/model_json.h"

namespace kerf {

namespace {

using json = nlohmann::json;

constexpr int schema = 1;

std::string line(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

template <class Read>
auto read(const json& value, const char* name, Read how) -> decltype(how(value)) {
  const json* found = TRY(field(value, name));
  return how(*found);
}

json exchange_json(const Exchange& e) {
  return {{"kind", "exchange"},       {"expansion", e.purpose.expansion}, {"attempt", e.purpose.attempt},
          {"model", e.model},         {"digest", e.request_digest},       {"request", e.request},
          {"reply", to_json(e.reply)}};
}

Result<Exchange> exchange_from(const json& value) {
  Exchange e;
  e.purpose = {.expansion = static_cast<std::uint64_t>(TRY(integer_field(value, "expansion"))),
               .attempt = static_cast<int>(TRY(integer_field(value, "attempt")))};
  e.model = TRY(text_field(value, "model"));
  e.request_digest = TRY(text_field(value, "digest"));
  const json* request = TRY(field(value, "request"));
  const json* reply = TRY(field(value, "reply"));
  e.request = *request;
  e.reply = TRY(model_reply_from_json(*reply));
  return e;
}

// One line of the file into what it is of.
Result<> take_line(Recording& recording, const std::string& kind, const json& value, bool& begun) {
  if (!begun) {
    if (kind != "recording") return user_error("it does not begin as a recording of kerf does");
    if (TRY(integer_field(value, "schema")) > schema) return user_error("it was written by a newer kerf: update kerf");
    begun = true;
    recording.session = TRY(text_field(value, "session"));
    recording.options = TRY(read(value, "options", session_options_from_json));
    recording.script.fruitless = recording.options.search.fruitless;
    const json* versions = TRY(field(value, "versions"));
    recording.versions = *versions;
  } else if (kind == "problem") {
    recording.problem = TRY(read(value, "problem", problem_from_json));
  } else if (kind == "understood") {
    const json* understood = TRY(field(value, "understood"));
    recording.understood = *understood;
  } else if (kind == "exchange") {
    recording.exchanges.push_back(TRY(exchange_from(value)));
    const Purpose& purpose = recording.exchanges.back().purpose;
    recording.script.calls.emplace(purpose.expansion, purpose.attempt);
  } else if (kind == "event") {
    recording.script.events.push_back(TRY(read(value, "event", search_event_from_json)));
  } else if (kind == "evaluation" || kind == "confirmed") {
    Evaluation evaluation = TRY(read(value, "evaluation", evaluation_from_json));
    if (kind == "confirmed") {
      recording.confirmed[TRY(text_field(value, "candidate"))] = std::move(evaluation);
    } else {
      recording.evaluations[static_cast<ExpansionId>(TRY(integer_field(value, "expansion")))] = std::move(evaluation);
    }
  } else if (kind == "end") {
    recording.script.stopped = {.by = TRY(text_field(value, "stopped_by")), .why = TRY(text_field(value, "why"))};
    recording.tree = TRY(text_field(value, "tree"));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Understood>> Recording::problem_understood() const {
  if (!understood.is_object() || !understood.contains("workloads")) {
    return user_error(
        fmt::format("session {} did not keep its problem as it was understood: it cannot be replayed", session));
  }
  return std::make_shared<const Understood>(TRY(understood_from_json(understood, problem)));
}

Result<Recording> record_session(Store& store, const SessionId& id) {
  const SessionRecord record = TRY(store.session(id));
  Recording recording;
  recording.session = id;
  recording.options = TRY(session_options_from_json(record.options));
  recording.script.fruitless = recording.options.search.fruitless;
  // A recording of a replay is one of what was replayed.
  if (!recording.options.replayed.empty())
    recording.options.synthesizer = std::exchange(recording.options.replayed, std::string());
  recording.options.recorded_evaluations = false;
  recording.problem = TRY(store.task(record.task)).problem;
  recording.understood = record.understood;
  recording.versions = record.versions;
  PageRequest request{.limit = 200, .after = {}};
  do {
    Page<ExchangeRecord> page = TRY(store.exchanges(id, request));
    for (ExchangeRecord& each : page.items) {
      recording.script.calls.emplace(each.exchange.purpose.expansion, each.exchange.purpose.attempt);
      recording.exchanges.push_back(std::move(each.exchange));
    }
    request.after = page.next;
  } while (!request.after.empty());
  recording.script.events = TRY(store.events(id));
  const bool ended = record.state.status == SessionStatus::finished;
  if (ended) recording.script.stopped = {.by = record.state.stopped_by, .why = record.state.message};

  const SessionNodes nodes = TRY(load_nodes(store, id));
  recording.tree = tree_digest(nodes);
  std::map<ExpansionId, NodeIndex> remeasuring;
  std::map<NodeIndex, std::size_t> remeasured;
  for (const SearchEvent& event : recording.script.events) {
    if (const auto* asked = std::get_if<Asked>(&event)) {
      if (asked->expansion.task == Task::remeasure) remeasuring[asked->expansion.id] = asked->expansion.parents.at(0);
    } else if (const auto* told = std::get_if<Told>(&event)) {
      if (const auto of = remeasuring.find(told->id); of != remeasuring.end()) {
        const auto& all = nodes.at(static_cast<std::size_t>(of->second)).remeasured;
        const std::size_t nth = remeasured[of->second]++;
        if (nth < all.size()) recording.evaluations[told->id] = all[nth];
      } else if (told->node) {
        recording.evaluations[told->id] = nodes.at(static_cast<std::size_t>(*told->node)).evaluation;
      }
    }
  }
  for (const SessionNode& node : nodes) {
    if (node.confirmed) recording.confirmed[node.proposal.candidate.id()] = *node.confirmed;
  }
  return recording;
}

std::string to_text(const Recording& recording) {
  std::string text = line({{"kind", "recording"},
                           {"schema", schema},
                           {"session", recording.session},
                           {"options", to_json(recording.options)},
                           {"versions", recording.versions}});
  text += line({{"kind", "problem"}, {"problem", to_json(recording.problem)}});
  text += line({{"kind", "understood"}, {"understood", recording.understood}});
  std::multimap<ExpansionId, const Exchange*> exchanges;
  for (const Exchange& exchange : recording.exchanges) exchanges.emplace(exchange.purpose.expansion, &exchange);
  // What came of an expansion stands before the step that it led to.
  for (const SearchEvent& event : recording.script.events) {
    const ExpansionId id = expansion_of(event);
    if (!std::holds_alternative<Asked>(event)) {
      const auto [begin, end] = exchanges.equal_range(id);
      for (auto it = begin; it != end; ++it) text += line(exchange_json(*it->second));
      exchanges.erase(begin, end);
    }
    if (std::holds_alternative<Told>(event)) {
      if (const auto found = recording.evaluations.find(id); found != recording.evaluations.end())
        text += line({{"kind", "evaluation"}, {"expansion", id}, {"evaluation", to_json(found->second)}});
    }
    text += line({{"kind", "event"}, {"event", to_json(event)}});
  }
  for (const auto& [id, exchange] : exchanges) text += line(exchange_json(*exchange));
  for (const auto& [candidate, evaluation] : recording.confirmed) {
    text += line({{"kind", "confirmed"}, {"candidate", candidate}, {"evaluation", to_json(evaluation)}});
  }
  text += line({{"kind", "end"},
                {"stopped_by", recording.script.stopped.by},
                {"why", recording.script.stopped.why},
                {"tree", recording.tree}});
  return text;
}

Result<Recording> recording_from_text(std::string_view text) {
  Recording recording;
  bool begun = false;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (one.empty()) continue;
    const json value = read_json(one);
    const std::string kind =
        value.is_object() ? value.value("kind", json()).is_string() ? value["kind"].get<std::string>() : std::string()
                          : std::string();
    if (kind.empty()) return user_error(fmt::format("not a recording: line {} is none of a recording's", number));
    if (const Result<> taken = take_line(recording, kind, value, begun); !taken) {
      return user_error(fmt::format("not a recording: line {}: {}", number, taken.error().message));
    }
  }
  if (!begun) return user_error("not a recording: it is empty");
  return recording;
}

std::string tree_digest(const SessionNodes& nodes) {
  const auto evaluation = [](const Evaluation& e) { return line(to_json(e)); };
  Digest digest;
  for (const SessionNode& node : nodes) {
    json expansion = to_json(SearchEvent(Asked{node.expansion}));
    expansion.erase("reason");  // words for people
    digest.add(fmt::format("{}", node.index))
        .add(line(expansion))
        .add(node.proposal.candidate.text)
        .add(node.proposal.move)
        .add(node.proposal.rationale)
        .add(to_string(node.outcome.kind))
        // The last bits of a logarithm differ between machines.
        .add(fmt::format("{:.9g} {:.9g}", node.outcome.reward.mean, node.outcome.reward.standard_error))
        .add(evaluation(node.evaluation));
    for (const Evaluation& again : node.remeasured) digest.add("again").add(evaluation(again));
    if (node.confirmed) digest.add("confirmed").add(evaluation(*node.confirmed));
  }
  return digest.hex();
}

Result<Evaluation> RecordedEvaluator::find(const std::string& candidate, const EvaluationRequest& request) const {
  const auto missing = [&](const std::string& what) {
    return user_error(fmt::format("the recording has no {}", what));
  };
  if (request.effort == Effort::confirm) {
    const auto found = recording_->confirmed.find(candidate);
    // As it was then: the run failed through no fault of the candidate's.
    if (found == recording_->confirmed.end())
      return fail(ErrorKind::system, "the recording has no confirming run of it");
    return found->second;
  }
  const auto found = recording_->evaluations.find(request.expansion);
  if (found == recording_->evaluations.end())
    return missing(fmt::format("evaluation for expansion {}", request.expansion));
  if (!found->second.candidate.empty() && found->second.candidate != candidate)
    return missing(
        fmt::format("evaluation of what was written for expansion {}: another candidate was", request.expansion));
  return found->second;
}

void RecordedEvaluator::submit(Candidate candidate, EvaluationRequest request, Done done) {
  loop_.post([generation = generation_, then = *generation_, evaluation = find(candidate.id(), request),
              done = std::move(done)]() mutable {
    if (*generation != then) return done(fail(ErrorKind::cancelled, "cancelled"));
    done(std::move(evaluation));
  });
}

}  // namespace kerf
