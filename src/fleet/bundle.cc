#include "fleet/bundle.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "base/hash.h"
#include "problem/json_fields.h"
#include "store/records.h"

namespace kerf {

namespace {

using json = nlohmann::json;

constexpr int schema = 1;
constexpr std::size_t max_name_bytes = 4096;
constexpr std::size_t max_problem_bytes = std::size_t{16} << 20;

const char* to_string(Effort effort) { return effort == Effort::confirm ? "confirm" : "screen"; }

Result<Effort> effort_field(const json& value) {
  const std::string effort = TRY(text_field(value, "effort"));
  if (effort == "screen") return Effort::screen;
  if (effort == "confirm") return Effort::confirm;
  return user_error("\"effort\" is neither screen nor confirm");
}

Result<std::uint64_t> count_field(const json& value, const char* name) {
  const std::int64_t n = TRY(integer_field(value, name));
  if (n < 0) return user_error(fmt::format("\"{}\" is negative", name));
  return static_cast<std::uint64_t>(n);
}

Result<> check_schema(const json& value) {
  if (TRY(integer_field(value, "schema")) > schema) return user_error("it was written by a newer kerf: update kerf");
  return {};
}

// What else is wanted of an item. Absent where it is not, so that bundles of before stay the bytes that they were.
constexpr std::array wishes{std::pair("profile", &BundleItem::profile), std::pair("traces", &BundleItem::traces),
                            std::pair("ncu", &BundleItem::ncu)};

json item_json(const BundleItem& item) {
  json out{{"kind", "candidate"},
           {"candidate", item.candidate.id()},
           {"language", to_string(item.candidate.language)},
           {"name", std::filesystem::path(item.candidate.name).filename().string()},
           {"text", item.candidate.text},
           {"effort", to_string(item.effort)},
           {"remeasure", item.remeasure},
           {"expansion", item.expansion}};
  for (const auto& [name, wish] : wishes)
    if (item.*wish) out[name] = true;
  return out;
}

Result<BundleItem> item_from(const json& value) {
  BundleItem item;
  item.candidate.text = TRY(text_field(value, "text"));
  item.candidate.name = TRY(text_field(value, "name"));
  const std::string language = TRY(text_field(value, "language"));
  const auto known = language_from(language);
  if (!known) return user_error("\"language\" names none that this kerf knows");
  item.candidate.language = *known;
  if (item.candidate.text.size() > max_candidate_bytes || item.candidate.name.size() > max_name_bytes)
    return user_error("the candidate is too large");
  if (TRY(text_field(value, "candidate")) != item.candidate.id())
    return user_error("the candidate's digest is not that of its text");
  item.effort = TRY(effort_field(value));
  item.remeasure = TRY(bool_field(value, "remeasure"));
  for (const auto& [name, wish] : wishes)
    if (value.contains(name)) item.*wish = TRY(bool_field(value, name));
  item.expansion = TRY(count_field(value, "expansion"));
  return item;
}

// Whole lines of a text, with their number; what follows the last line feed is left over. Empty lines are none.
Result<std::size_t> each_line(
    std::string_view text, const char* what,
    const std::function<Result<>(std::size_t begin, const json&, std::string_view kind)>& take) {
  std::size_t at = 0;
  for (int number = 1;; ++number) {
    const std::size_t end = text.find('\n', at);
    if (end == text.npos) return at;
    const std::string_view line = text.substr(at, end - at);
    Result<> taken;
    if (auto value = unsealed(line); !value) {
      taken = std::unexpected(value.error());
    } else if (auto kind = text_field(*value, "kind"); !kind) {
      taken = std::unexpected(kind.error());
    } else {
      taken = take(at, *value, *kind);
    }
    if (!taken) return user_error(fmt::format("not {}: line {}: {}", what, number, taken.error().message));
    at = end + 1;
  }
}

}  // namespace

Result<std::string> to_text(Bundle& bundle) {
  if (bundle.items.size() > max_bundle_items)
    return user_error(fmt::format("{} candidates: at most {} go into a bundle", bundle.items.size(), max_bundle_items));
  Problem problem = bundle.problem;
  problem.path = std::filesystem::path(problem.path).filename().string();  // where it lies here is nobody's business
  json head = {{"kind", "bundle"},
               {"schema", schema},
               {"session", bundle.session},
               {"target", bundle.target},
               {"versions", bundle.versions},
               {"items", bundle.items.size()}};
  if (bundle.graph) head["graph"] = true;  // absent, so that bundles of before stay the bytes that they were
  std::string text = TRY(sealed(head));
  const auto refused = [](const std::string& what, const Error& error) {
    return user_error(fmt::format("{} cannot go into a bundle: {}", what, error.message));
  };
  if (problem.source.size() > max_problem_bytes)
    return user_error(
        fmt::format("{} cannot go into a bundle: it is larger than {} MiB", problem.id, max_problem_bytes >> 20));
  auto line = sealed({{"kind", "problem"}, {"digest", problem.digest()}, {"problem", to_json(problem)}});
  if (!line) return refused(problem.id, line.error());
  text += *line;
  for (const BundleItem& item : bundle.items) {
    line = sealed(item_json(item));
    if (!line) return refused(item.candidate.name, line.error());
    if (item.candidate.text.size() > max_candidate_bytes)
      return user_error(fmt::format("{} cannot go into a bundle: it is larger than {} KiB", item.candidate.name,
                                    max_candidate_bytes >> 10));
    text += *line;
  }
  bundle.digest = sha256(text);
  text += TRY(sealed({{"kind", "end"}, {"bundle", bundle.digest}}));
  if (text.size() > max_bundle_bytes)
    return user_error(fmt::format("the bundle would be larger than {} MiB", max_bundle_bytes >> 20));
  return text;
}

Result<Bundle> bundle_from_text(std::string_view text) {
  if (text.size() > max_bundle_bytes)
    return user_error(fmt::format("not a bundle: it is larger than {} MiB", max_bundle_bytes >> 20));
  Bundle bundle;
  std::size_t items = 0;
  bool begun = false, problem = false;
  const auto take = [&](std::size_t begin, const json& value, std::string_view kind) -> Result<> {
    if (!bundle.digest.empty()) return user_error("something stands behind the bundle's end");
    if (!begun) {
      if (kind != "bundle") return user_error("it does not begin as kerf's bundles do");
      TRY(check_schema(value));
      begun = true;
      bundle.session = TRY(text_field(value, "session"));
      bundle.target = TRY(text_field(value, "target"));
      if (value.contains("graph")) bundle.graph = TRY(bool_field(value, "graph"));
      items = TRY(count_field(value, "items"));
      const json* versions = TRY(field(value, "versions"));
      bundle.versions = *versions;
    } else if (kind == "problem" && !problem) {
      const json* found = TRY(field(value, "problem"));
      bundle.problem = TRY(problem_from_json(*found));
      if (TRY(text_field(value, "digest")) != bundle.problem.digest())
        return user_error("the problem's digest is not that of its text");
      if (bundle.problem.source.size() > max_problem_bytes) return user_error("the problem is too large");
      problem = true;
    } else if (kind == "candidate" && bundle.items.size() < max_bundle_items) {
      bundle.items.push_back(TRY(item_from(value)));
    } else if (kind == "end") {
      bundle.digest = TRY(text_field(value, "bundle"));
      if (bundle.digest != sha256(text.substr(0, begin)))
        return user_error("the bundle is damaged: its digest is another");
    } else {
      return user_error("a bundle has no such line there");
    }
    return {};
  };
  const std::size_t read = TRY(each_line(text, "a bundle", take));
  if (!begun) return user_error("not a bundle: it does not begin as kerf's bundles do");
  if (bundle.digest.empty() || read != text.size() || !problem || bundle.items.size() != items)
    return user_error("not a whole bundle: a part of it is missing; copy it again");
  return bundle;
}

Result<std::string> to_line(const ResultsHead& head) {
  return sealed({{"kind", "results"},
                 {"schema", schema},
                 {"bundle", head.bundle},
                 {"session", head.session},
                 {"target", head.target},
                 {"machine", head.machine},
                 {"versions", head.versions}});
}

Result<std::string> to_line(const BundleResult& result) {
  // What compilers and programs say need not be UTF-8.
  const std::string evaluation = to_json(result.evaluation).dump(-1, ' ', false, json::error_handler_t::replace);
  return sealed({{"kind", "evaluation"},
                 {"item", result.item},
                 {"effort", to_string(result.effort)},
                 {"expansion", result.expansion},
                 {"evaluation", json::parse(evaluation)}});
}

Result<Results> results_from_text(std::string_view text) {
  if (text.size() > max_bundle_bytes)
    return user_error(fmt::format("not results: it is larger than {} MiB", max_bundle_bytes >> 20));
  Results results;
  std::set<std::size_t> items;
  const auto take = [&](std::size_t, const json& value, std::string_view kind) -> Result<> {
    ResultsHead& head = results.head;
    if (head.bundle.empty()) {
      if (kind != "results") return user_error("it does not begin as the results of kerf worker run do");
      TRY(check_schema(value));
      head.session = TRY(text_field(value, "session"));
      head.target = TRY(text_field(value, "target"));
      const json* machine = TRY(field(value, "machine"));
      head.machine = *machine;
      const json* versions = TRY(field(value, "versions"));
      head.versions = *versions;
      head.bundle = TRY(text_field(value, "bundle"));
      if (head.bundle.size() != 64) return user_error("it names no bundle");
      return {};
    }
    if (kind != "evaluation") return user_error("results have no such line");
    BundleResult result;
    result.item = TRY(count_field(value, "item"));
    result.effort = TRY(effort_field(value));
    result.expansion = TRY(count_field(value, "expansion"));
    const json* evaluation = TRY(field(value, "evaluation"));
    result.evaluation = TRY(evaluation_from_json(*evaluation));
    if (result.item >= max_bundle_items || !items.insert(result.item).second)
      return user_error("it is of an item that cannot be, or is there already");
    results.results.push_back(std::move(result));
    return {};
  };
  results.whole = TRY(each_line(text, "results", take));
  if (results.head.bundle.empty()) return user_error("not results: it does not begin as those of kerf worker run do");
  return results;
}

bool begins_results(std::string_view text) {
  const auto value = unsealed(text.substr(0, text.find('\n')));
  return value && value->value("kind", json()) == "results";
}

}  // namespace kerf
