#include "candidate/run_protocol.h"

#include <nlohmann/json.hpp>

#include "problem/json_fields.h"

namespace kerf {

namespace {

using json = nlohmann::json;

std::string dump(const json& body) { return body.dump(-1, ' ', false, json::error_handler_t::replace); }

Error decoded_error(const json& body) {
  Error error;
  const auto kind = body.value("kind", 0);
  // A child may only blame the candidate or the system; anything else would let it speak for kerf.
  error.kind = kind == static_cast<int>(ErrorKind::candidate)     ? ErrorKind::candidate
               : kind == static_cast<int>(ErrorKind::unavailable) ? ErrorKind::unavailable
               : kind == static_cast<int>(ErrorKind::internal)    ? ErrorKind::internal
                                                                  : ErrorKind::system;
  error.message = body.value("error", "");
  if (body.contains("line")) error.at = Location{body.value("line", 1), body.value("column", 1)};
  for (const auto& fact : body.value("facts", json::array()))
    error.facts.emplace_back(fact.at(0).get<std::string>(), fact.at(1).get<std::string>());
  return error;
}

// Parses and hands an object without "error" to `read`.
template <class T, class F>
Result<T> decoded(std::string_view body, F&& read) {
  try {
    const json parsed = read_json(body);
    if (parsed.contains("error")) return std::unexpected(decoded_error(parsed));
    return read(parsed);
  } catch (const json::exception& e) {
    return fail(ErrorKind::system, std::string("the other process sent a message that is not understood: ") + e.what());
  }
}

json to_json(const StepWatch& s) {
  return {{"step", s.step},
          {"faults", {s.page_faults, s.major_faults}},
          {"tasks", s.tasks},
          {"busiest_us", s.busiest_us},
          {"all_us", s.all_us},
          {"apart_us", s.apart_us},
          {"chunk_us", s.chunk_us},
          {"lines", {s.lines.lines, s.lines.shared_lines, s.lines.writes, s.lines.shared_writes}},
          {"looked_at", {s.lines.looked_at, s.lines.writable}},
          {"argument", s.lines.argument},
          {"no_lines", s.no_lines}};
}

StepWatch step_watch_from(const json& j) {
  const auto count = [&j](const char* key, std::size_t i) { return j.at(key).at(i).get<std::int64_t>(); };
  const auto list = [&j](const char* key) { return j.at(key).get<std::vector<double>>(); };
  return {.step = j.at("step").get<int>(),
          .page_faults = count("faults", 0),
          .major_faults = count("faults", 1),
          .tasks = j.at("tasks").get<std::int64_t>(),
          .busiest_us = list("busiest_us"),
          .all_us = list("all_us"),
          .apart_us = list("apart_us"),
          .chunk_us = list("chunk_us"),
          .lines = {.lines = count("lines", 0),
                    .shared_lines = count("lines", 1),
                    .writes = count("lines", 2),
                    .shared_writes = count("lines", 3),
                    .looked_at = count("looked_at", 0),
                    .writable = count("looked_at", 1),
                    .argument = j.at("argument").get<int>()},
          .no_lines = j.at("no_lines").get<std::string>()};
}

}  // namespace

std::string encode(const LoadMessage& m) {
  json tune = json::array();
  for (const auto& [name, value] : m.tune) tune.push_back({name, to_json(value)});
  return dump({{"text", m.candidate.text},
               {"language", to_string(m.candidate.language)},
               {"name", m.candidate.name},
               {"workload", to_json(m.workload)},
               {"tune", tune},
               {"threads", m.threads},
               {"memory_limit", m.memory_limit},
               {"sweep_bytes", m.sweep_bytes}});
}

Result<LoadMessage> decode_load(std::string_view body) {
  return decoded<LoadMessage>(body, [](const json& j) -> Result<LoadMessage> {
    LoadMessage m;
    m.candidate.text = j.at("text").get<std::string>();
    const auto language = language_from(j.at("language").get<std::string>());
    if (!language) return fail(ErrorKind::internal, "unknown language " + j.at("language").dump());
    m.candidate.language = *language;
    m.candidate.name = j.at("name").get<std::string>();
    m.workload = TRY(workload_from_json(j.at("workload")));
    for (const auto& pair : j.at("tune"))
      m.tune.emplace_back(pair.at(0).get<std::string>(), TRY(value_from_json(pair.at(1))));
    m.threads = j.at("threads").get<int>();
    m.memory_limit = j.at("memory_limit").get<std::int64_t>();
    m.sweep_bytes = j.at("sweep_bytes").get<std::int64_t>();
    return m;
  });
}

std::string encode(const RunMessage& m) {
  json body = {{"inputs", m.inputs},         {"outputs", m.outputs}, {"sentinel", m.sentinel}, {"seed", m.seed},
               {"descending", m.descending}, {"timed", m.timed},     {"cold", m.cold}};
  if (m.watch) body["watch"] = *m.watch;
  return dump(body);
}

Result<RunMessage> decode_run(std::string_view body) {
  return decoded<RunMessage>(body, [](const json& j) -> Result<RunMessage> {
    RunMessage m{.inputs = j.at("inputs").get<std::vector<std::int64_t>>(),
                 .outputs = j.at("outputs").get<std::vector<std::int64_t>>(),
                 .sentinel = j.at("sentinel").get<std::uint64_t>(),
                 .seed = j.at("seed").get<std::uint64_t>(),
                 .descending = j.at("descending").get<bool>(),
                 .timed = j.at("timed").get<bool>(),
                 .cold = j.at("cold").get<bool>()};
    if (j.contains("watch")) m.watch = j.at("watch").get<std::vector<int>>();
    return m;
  });
}

std::string encode(const RunAnswer& a) {
  json body = {{"device_us", a.device_us},   {"before_us", a.before_us},
               {"prepare_us", a.prepare_us}, {"involuntary_switches", a.involuntary_switches},
               {"shows_host", a.shows_host}, {"step_us", a.step_us}};
  if (a.watched) {
    json steps = json::array();
    for (const StepWatch& step : a.watched->steps) steps.push_back(to_json(step));
    body["watched"] = {
        {"page_fault_us", a.watched->page_fault_us}, {"nodes", a.watched->nodes}, {"steps", std::move(steps)}};
  }
  return dump(body);
}

Result<RunAnswer> decode_answer(std::string_view body) {
  return decoded<RunAnswer>(body, [](const json& j) -> Result<RunAnswer> {
    RunAnswer a{.device_us = j.at("device_us").get<double>(),
                .before_us = j.at("before_us").get<double>(),
                .prepare_us = j.at("prepare_us").get<double>(),
                .involuntary_switches = j.at("involuntary_switches").get<std::int64_t>(),
                .shows_host = j.at("shows_host").get<bool>(),
                .step_us = j.at("step_us").get<std::vector<double>>()};
    if (j.contains("watched")) {
      const json& watched = j.at("watched");
      a.watched =
          RunWatch{.page_fault_us = watched.at("page_fault_us").get<double>(), .nodes = watched.at("nodes").get<int>()};
      for (const json& step : watched.at("steps")) a.watched->steps.push_back(step_watch_from(step));
    }
    return a;
  });
}

std::string encode(const Error& error) {
  json body = {{"error", error.message}, {"kind", static_cast<int>(error.kind)}, {"facts", json::array()}};
  if (error.at) {
    body["line"] = error.at->line;
    body["column"] = error.at->column;
  }
  for (const auto& [key, value] : error.facts) body["facts"].push_back({key, value});
  return dump(body);
}

std::string encode_number(const char* key, std::int64_t value) { return dump({{key, value}}); }

Result<std::int64_t> decode_number(const char* key, std::string_view body) {
  return decoded<std::int64_t>(body,
                               [&](const json& j) -> Result<std::int64_t> { return j.at(key).get<std::int64_t>(); });
}

}  // namespace kerf
