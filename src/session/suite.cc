#include "session/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "problem/json_fields.h"

namespace kerf {

namespace {

nlohmann::json ratio_json(const Ratio& ratio) {
  return {{"value", ratio.value}, {"low", ratio.low}, {"high", ratio.high}};
}

Result<Ratio> ratio_from(const nlohmann::json& json) {
  Ratio ratio;
  ratio.value = TRY(number_field(json, "value"));
  ratio.low = TRY(number_field(json, "low"));
  ratio.high = TRY(number_field(json, "high"));
  return ratio;
}

Result<SuiteEntry> entry_from(const nlohmann::json& item) {
  SuiteEntry e;
  e.problem = TRY(text_field(item, "problem"));
  e.session = TRY(text_field(item, "session"));
  e.done = TRY(bool_field(item, "done"));
  e.verdict = TRY(text_field(item, "verdict"));
  e.message = TRY(text_field(item, "message"));
  const nlohmann::json* speedup = TRY(field(item, "speedup"));
  if (!speedup->is_object()) return user_error("\"speedup\" is no object");
  for (const auto& [baseline, ratio] : speedup->items()) {
    if (!ratio.is_null()) e.speedup[baseline] = TRY(ratio_from(ratio));
  }
  const nlohmann::json* fraction = TRY(field(item, "fraction_of_speed_of_light"));
  if (fraction->is_number()) e.fraction_of_speed_of_light = fraction->get<double>();
  e.win = TRY(bool_field(item, "win"));
  e.candidates = TRY(integer_field(item, "candidates"));
  e.seconds = TRY(number_field(item, "seconds"));
  if (item.contains("lost")) {  // since it is counted
    const nlohmann::json& lost = item["lost"];
    if (!lost.is_object()) return user_error("\"lost\" is no object");
    for (const auto& [why, n] : lost.items()) {
      if (!n.is_number_integer()) return user_error("\"lost\" counts in whole numbers");
      e.lost[why] = n.get<std::int64_t>();
    }
  }
  e.report = *TRY(field(item, "report"));
  return e;
}

// Numbers within by their value, so that 1/9 comes before 1/10.
bool natural_less(std::string_view a, std::string_view b) {
  const auto take_number = [](std::string_view& s) {
    const std::size_t end = std::min(s.find_first_not_of("0123456789"), s.size());
    std::string_view number = s.substr(0, end);
    s.remove_prefix(end);
    number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
    return number;
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const std::string_view x = take_number(a), y = take_number(b);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
      continue;
    }
    if (a.front() != b.front()) return a.front() < b.front();
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.size() < b.size();
}

}  // namespace

std::string Shard::name() const { return of == 1 ? std::string() : fmt::format("{}of{}", part, of); }

Result<Shard> parse_shard(std::string_view text) {
  Shard shard;
  const char* const end = text.data() + text.size();
  const auto part = std::from_chars(text.data(), end, shard.part);
  if (part.ec == std::errc() && part.ptr != end && *part.ptr == '/') {
    const auto of = std::from_chars(part.ptr + 1, end, shard.of);
    if (of.ec == std::errc() && of.ptr == end && shard.of >= 1 && shard.part >= 1 && shard.part <= shard.of &&
        shard.of <= 10'000)
      return shard;
  }
  return user_error(fmt::format("--shard {}: PART/PARTS was expected, as in 1/4", text));
}

nlohmann::json to_json(const SuiteRun& run) {
  nlohmann::json json = {{"schema", 1},
                         {"id", run.id},
                         {"suite", run.suite},
                         {"select", run.select},
                         {"shard", {{"part", run.shard.part}, {"of", run.shard.of}}},
                         {"created_ms", run.created_ms},
                         {"options", run.options},
                         {"problems", nlohmann::json::array()}};
  for (const SuiteEntry& e : run.entries) {
    nlohmann::json speedup = nlohmann::json::object();
    for (const auto& [baseline, ratio] : e.speedup) speedup[baseline] = ratio_json(ratio);
    json["problems"].push_back(
        {{"problem", e.problem},
         {"session", e.session},
         {"done", e.done},
         {"verdict", e.verdict},
         {"message", e.message},
         {"speedup", std::move(speedup)},
         {"fraction_of_speed_of_light",
          e.fraction_of_speed_of_light ? nlohmann::json(*e.fraction_of_speed_of_light) : nlohmann::json(nullptr)},
         {"win", e.win},
         {"candidates", e.candidates},
         {"seconds", e.seconds},
         {"lost", e.lost},
         {"report", e.report}});
  }
  return json;
}

Result<SuiteRun> suite_run_from_json(const nlohmann::json& json) {
  SuiteRun run;
  if (TRY(integer_field(json, "schema")) != 1) return user_error("this suite run was written by a newer kerf");
  run.id = TRY(text_field(json, "id"));
  run.suite = TRY(text_field(json, "suite"));
  run.select = TRY(text_field(json, "select"));
  if (json.contains("shard")) {  // since there are shards
    const nlohmann::json& shard = json["shard"];
    const std::int64_t part = TRY(integer_field(shard, "part")), of = TRY(integer_field(shard, "of"));
    run.shard = TRY(parse_shard(fmt::format("{}/{}", part, of)));
  }
  run.created_ms = TRY(integer_field(json, "created_ms"));
  run.options = *TRY(field(json, "options"));
  std::set<std::string> seen;
  for (const nlohmann::json& item : *TRY(array_field(json, "problems"))) {
    run.entries.push_back(TRY(entry_from(item)));
    if (!seen.insert(run.entries.back().problem).second)
      return user_error(fmt::format("problem {} stands there twice", run.entries.back().problem));
  }
  return run;
}

std::string differing_options(const nlohmann::json& a, const nlohmann::json& b) {
  static const std::set<std::string> irrelevant{"jobs", "batch", "elsewhere"};
  if (!a.is_object() || !b.is_object()) return a == b ? "" : "options";
  std::set<std::string> names;
  for (const auto& [name, value] : a.items()) names.insert(name);
  for (const auto& [name, value] : b.items()) names.insert(name);
  const auto words = [](const nlohmann::json& object, const std::string& name) {
    if (!object.contains(name)) return std::string("nothing");
    return object[name].is_string() ? object[name].get<std::string>()
                                    : object[name].dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  for (const std::string& name : names) {
    if (irrelevant.contains(name) || (a.contains(name) && b.contains(name) && a[name] == b[name])) continue;
    return fmt::format("{}: {}, and {}", name, words(a, name), words(b, name));
  }
  return {};
}

Result<SuiteRun> merge(const std::string& id, std::span<const SuiteRun> parts) {
  if (parts.empty()) return user_error("nothing to merge");
  SuiteRun merged = parts.front();
  merged.id = id;
  merged.shard = {};
  std::map<std::string, std::pair<SuiteEntry, std::string>> entries;  // with the name of the part
  for (const SuiteRun& part : parts) {
    if (const std::string differs = differing_options(merged.options, part.options); !differs.empty())
      return user_error(fmt::format("{} and {} are no parts of one run ({})", parts.front().id, part.id, differs));
    merged.created_ms = std::min(merged.created_ms, part.created_ms);
    if (part.select != merged.select) merged.select.clear();
    for (const SuiteEntry& entry : part.entries) {
      const auto [it, added] = entries.try_emplace(entry.problem, entry, part.id);
      if (added || !entry.done) continue;
      if (it->second.first.done)
        return user_error(fmt::format("problem {} is done in {} and in {}: which is to count?", entry.problem,
                                      it->second.second, part.id));
      it->second = {entry, part.id};
    }
  }
  merged.entries.clear();
  for (auto& [problem, entry] : entries) merged.entries.push_back(std::move(entry.first));
  std::ranges::sort(merged.entries, natural_less, &SuiteEntry::problem);
  return merged;
}

std::string level_of(const std::string& problem) {
  const std::size_t end = problem.rfind('/');
  if (end == std::string::npos) return {};
  const std::string_view before = std::string_view(problem).substr(0, end);
  return std::string(before.substr(before.rfind('/') + 1));  // npos + 1 is 0
}

}  // namespace kerf
