#include "problem/json_fields.h"
#include "session/session.h"

namespace kerf {

nlohmann::json to_json(const SessionOptions& o) {
  return {{"policy", o.search.policy},
          {"seed", o.search.seed},
          {"exploration", o.search.exploration},
          {"widening", o.search.widening},
          {"widening_power", o.search.widening_power},
          {"best_weight", o.search.best_weight},
          {"remeasure", o.search.remeasure},
          {"doubt", o.search.doubt},
          {"repair", o.search.repair},
          {"fruitless", o.search.fruitless},
          {"synthesizer", o.synthesizer},
          {"budget", o.budget},
          {"language", o.language},
          {"target", o.target},
          {"graph", o.graph},
          {"jobs", o.jobs},
          {"confirm", o.confirm},
          {"base_url", o.base_url},
          {"max_tokens", o.max_tokens},
          {"effort", o.effort},
          {"replayed", o.replayed},
          {"recorded_evaluations", o.recorded_evaluations},
          {"batch", o.batch},
          {"elsewhere", o.elsewhere},
          {"costs", o.costs}};
}

Result<SessionOptions> session_options_from_json(const nlohmann::json& json) {
  SessionOptions o;
  o.search.policy = TRY(text_field(json, "policy"));
  o.search.seed = static_cast<std::uint64_t>(TRY(integer_field(json, "seed")));
  o.search.exploration = TRY(number_field(json, "exploration"));
  o.search.widening = TRY(number_field(json, "widening"));
  o.search.widening_power = TRY(number_field(json, "widening_power"));
  o.search.best_weight = TRY(number_field(json, "best_weight"));
  o.search.remeasure = static_cast<int>(TRY(integer_field(json, "remeasure")));
  o.search.doubt = TRY(number_field(json, "doubt"));
  o.search.repair = static_cast<int>(TRY(integer_field(json, "repair")));
  if (json.contains("fruitless")) o.search.fruitless = static_cast<int>(TRY(integer_field(json, "fruitless")));
  o.synthesizer = TRY(text_field(json, "synthesizer"));
  o.budget = TRY(text_field(json, "budget"));
  o.language = TRY(text_field(json, "language"));
  o.target = TRY(text_field(json, "target"));
  o.jobs = static_cast<int>(TRY(integer_field(json, "jobs")));
  o.confirm = static_cast<int>(TRY(integer_field(json, "confirm")));
  if (json.contains("max_tokens")) {  // since sessions have models
    o.base_url = TRY(text_field(json, "base_url"));
    o.max_tokens = TRY(integer_field(json, "max_tokens"));
    o.effort = TRY(text_field(json, "effort"));
    o.replayed = TRY(text_field(json, "replayed"));
    o.recorded_evaluations = TRY(bool_field(json, "recorded_evaluations"));
    o.batch = TRY(text_field(json, "batch"));
  }
  if (json.contains("graph")) o.graph = TRY(bool_field(json, "graph"));
  if (json.contains("elsewhere")) o.elsewhere = TRY(text_field(json, "elsewhere"));
  if (json.contains("costs")) o.costs = json.at("costs");
  return o;
}

}  // namespace kerf
