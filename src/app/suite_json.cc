#include "app/suite_json.h"

#include "app/report.h"

namespace kerf {

namespace {

nlohmann::json ratio_json(const Ratio& r) { return {{"value", r.value}, {"low", r.low}, {"high", r.high}}; }

nlohmann::json mean_json(const SuiteComparison& c) {
  return {{"problems", c.problems}, {"wins", c.wins}, {"losses", c.losses}, {"geometric_mean", ratio_json(c.mean)}};
}

nlohmann::json group_json(const SuiteGroup& group, const SuiteRun& run) {
  nlohmann::json json = {
      {"done", group.done}, {"baselines", nlohmann::json::object()}, {"fast_p", nlohmann::json::object()}};
  for (const SuiteComparison& c : group.comparisons) {
    json["baselines"][c.baseline] = mean_json(c);
    nlohmann::json shares = nlohmann::json::array();
    for (const double p : fast_thresholds) {
      const FastShare share = fast_share(run, group.level, c.baseline, p);
      shares.push_back({{"p", p}, {"value", share.value}, {"low", share.low}, {"high", share.high}});
    }
    json["fast_p"][c.baseline] = std::move(shares);
  }
  return json;
}

}  // namespace

nlohmann::json summary_json(const SuiteRun& run) {
  const SuiteSummary s = summarise(run);
  nlohmann::json json = {{"problems", s.problems},       {"done", s.done},
                         {"verdicts", s.verdicts},       {"lost", s.lost},
                         {"candidates", s.candidates},   {"seconds", s.seconds},
                         {"spend", spend_json(s.spend)}, {"machines", s.machines},
                         {"versions", s.versions},       {"levels", nlohmann::json::object()}};
  for (const SuiteGroup& group : s.groups) {
    if (group.level.empty())
      json.update(group_json(group, run));
    else
      json["levels"][group.level] = group_json(group, run);
  }
  return json;
}

nlohmann::json suite_json(const SuiteRun& run) {
  nlohmann::json json = to_json(run);
  json["summary"] = summary_json(run);
  return json;
}

nlohmann::json difference_json(const SuiteDifference& d) {
  const auto totals = [](const SuiteSummary& s) -> nlohmann::json {
    return {{"done", s.done},
            {"verdicts", s.verdicts},
            {"candidates", s.candidates},
            {"seconds", s.seconds},
            {"spend", spend_json(s.spend)}};
  };
  nlohmann::json json = {{"schema", 1},
                         {"a", d.a},
                         {"b", d.b},
                         {"notes", d.notes},
                         {"totals", {{"a", totals(d.of_a)}, {"b", totals(d.of_b)}}},
                         {"baselines", nlohmann::json::object()},
                         {"problems", nlohmann::json::array()}};
  for (const ChangeSummary& s : d.summaries) {
    json["baselines"][s.baseline] = {
        {"problems", s.problems}, {"better", s.better}, {"worse", s.worse}, {"geometric_mean", ratio_json(s.mean)}};
  }
  for (const ProblemChange& p : d.problems) {
    nlohmann::json change = nlohmann::json::object();
    for (const auto& [baseline, r] : p.change) {
      change[baseline] = ratio_json(r);
      change[baseline]["verdict"] = r.win() ? "better" : r.loss() ? "worse" : "no_difference";
    }
    json["problems"].push_back({{"problem", p.problem},
                                {"change", std::move(change)},
                                {"status", p.status},
                                {"gained", p.gained},
                                {"lost", p.lost}});
  }
  return json;
}

}  // namespace kerf
