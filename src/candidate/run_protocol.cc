#include "candidate/run_protocol.h"

#include <nlohmann/json.hpp>

namespace kerf {

namespace {

using nlohmann::json;

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
    const json parsed = json::parse(body);
    if (parsed.contains("error")) return std::unexpected(decoded_error(parsed));
    return read(parsed);
  } catch (const json::exception& e) {
    return fail(ErrorKind::system, std::string("the other process sent a message that is not understood: ") + e.what());
  }
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
  return dump({{"inputs", m.inputs},
               {"outputs", m.outputs},
               {"sentinel", m.sentinel},
               {"seed", m.seed},
               {"descending", m.descending},
               {"timed", m.timed},
               {"cold", m.cold}});
}

Result<RunMessage> decode_run(std::string_view body) {
  return decoded<RunMessage>(body, [](const json& j) -> Result<RunMessage> {
    return RunMessage{.inputs = j.at("inputs").get<std::vector<std::int64_t>>(),
                      .outputs = j.at("outputs").get<std::vector<std::int64_t>>(),
                      .sentinel = j.at("sentinel").get<std::uint64_t>(),
                      .seed = j.at("seed").get<std::uint64_t>(),
                      .descending = j.at("descending").get<bool>(),
                      .timed = j.at("timed").get<bool>(),
                      .cold = j.at("cold").get<bool>()};
  });
}

std::string encode(const RunAnswer& a) {
  return dump({{"device_us", a.device_us},
               {"before_us", a.before_us},
               {"prepare_us", a.prepare_us},
               {"involuntary_switches", a.involuntary_switches},
               {"step_us", a.step_us}});
}

Result<RunAnswer> decode_answer(std::string_view body) {
  return decoded<RunAnswer>(body, [](const json& j) -> Result<RunAnswer> {
    return RunAnswer{.device_us = j.at("device_us").get<double>(),
                     .before_us = j.at("before_us").get<double>(),
                     .prepare_us = j.at("prepare_us").get<double>(),
                     .involuntary_switches = j.at("involuntary_switches").get<std::int64_t>(),
                     .step_us = j.at("step_us").get<std::vector<double>>()};
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
