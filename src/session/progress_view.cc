#include "session/progress_view.h"

#include <nlohmann/json.hpp>

namespace kerf {

const char* to_string(Phase phase) {
  switch (phase) {
    case Phase::understanding:
      return "understanding";
    case Phase::searching:
      return "searching";
    case Phase::confirming:
      return "confirming";
    case Phase::finished:
      return "finished";
  }
  return "?";
}

nlohmann::json to_json(const Snapshot& s) {
  nlohmann::json json = {{"session", s.session},
                         {"problem", s.problem},
                         {"phase", to_string(s.phase)},
                         {"candidates", s.progress.candidates},
                         {"failed", s.failed},
                         {"in_flight", s.in_flight},
                         {"seconds", s.progress.seconds},
                         {"seconds_left", nullptr},
                         {"best", nullptr},
                         {"reason", s.reason},
                         {"budget", s.budget}};
  if (s.spend.calls > 0) {
    json["spend"] = {{"calls", s.spend.calls},
                     {"tokens_in", s.spend.tokens_in},
                     {"tokens_out", s.spend.tokens_out},
                     {"usd", nullptr}};
    if (const auto usd = s.spend.usd()) json["spend"]["usd"] = *usd;
  }
  if (s.seconds_left) json["seconds_left"] = *s.seconds_left;
  if (s.best) {
    json["best"] = {{"node", *s.best}, {"speedup", nullptr}, {"fraction_of_speed_of_light", nullptr}};
    if (s.best_speedup) {
      json["best"]["speedup"] = {
          {"value", s.best_speedup->value}, {"low", s.best_speedup->low}, {"high", s.best_speedup->high}};
    }
    if (s.best_fraction_of_speed_of_light)
      json["best"]["fraction_of_speed_of_light"] = *s.best_fraction_of_speed_of_light;
  }
  return json;
}

}  // namespace kerf
