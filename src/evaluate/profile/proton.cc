#include "evaluate/profile/proton.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "problem/json_fields.h"

namespace kerf {
namespace {

using json = nlohmann::json;

constexpr std::size_t most_scopes = 200;

// A member, or null where `j` is no object or has none.
const json& member(const json& j, const char* key) {
  static const json null;
  if (!j.is_object()) return null;
  const auto at = j.find(key);
  return at == j.end() ? null : *at;
}

double number(const json& j) { return j.is_number() ? j.get<double>() : 0; }
std::string text(const json& j) { return j.is_string() ? j.get<std::string>() : std::string(); }

Result<> walk(const json& node, std::vector<std::string>& path, std::vector<ProtonKernel>& out) {
  const json& metrics = member(node, "metrics");
  const std::string name = text(member(member(node, "frame"), "name"));
  // Kernels alone have a device; a scope with metrics of its user's does not.
  if (member(metrics, "time (ns)").is_number() && member(metrics, "device_type").is_string()) {
    const double launches = number(member(metrics, "count"));
    if (!(launches >= 0 && launches < 1e15)) return user_error("a kernel of the Proton tree has an impossible count");
    out.push_back({.path = path,
                   .kernel = name,
                   .launches = static_cast<std::int64_t>(launches),
                   .us = number(member(metrics, "time (ns)")) * 1e-3});
  }
  const json& children = member(node, "children");
  if (!children.is_array()) return {};
  if (path.size() >= most_scopes) return user_error("the Proton tree is deeper than 200 scopes");
  path.push_back(name);
  for (const json& child : children) TRY(walk(child, path, out));
  path.pop_back();
  return {};
}

}  // namespace

Result<std::vector<ProtonKernel>> read_proton_tree(std::string_view text_of_tree) {
  const json tree = TRY(parse_json(text_of_tree, "the Proton tree"));
  if (!tree.is_array() || tree.empty() || !member(tree[0], "children").is_array()) {
    return user_error(
        "this is no tree of Proton's: expected a .hatchet file, a JSON array whose first element is the root");
  }
  std::vector<ProtonKernel> out;
  std::vector<std::string> path;
  for (const json& child : member(tree[0], "children")) TRY(walk(child, path, out));
  return out;
}

Result<std::vector<ProtonScope>> read_proton_trace(std::string_view text_of_trace) {
  const json trace = read_json(text_of_trace);
  const json& events = member(trace, "traceEvents");
  if (!events.is_array()) return user_error("this is no Chrome trace: expected a JSON object with traceEvents");
  std::map<std::pair<std::string, std::string>, std::vector<double>> durations;
  for (const json& event : events) {
    if (member(event, "ph") != "X") continue;  // other kinds carry no duration
    const json& duration = member(event, "dur");
    if (!duration.is_number() || !member(event, "name").is_string() || !(duration.get<double>() >= 0)) {
      return user_error("an event of the Chrome trace has no name or no duration");
    }
    durations[{text(member(event, "cat")), text(member(event, "name"))}].push_back(duration.get<double>());
  }
  std::map<std::string, double> totals;
  std::vector<ProtonScope> out;
  std::vector<double> sums;
  for (auto& [name, values] : durations) {
    std::ranges::sort(values);
    double sum = 0;
    for (const double value : values) sum += value;
    totals[name.first] += sum;
    sums.push_back(sum);
    out.push_back({.kernel = name.first,
                   .scope = name.second,
                   .events = static_cast<std::int64_t>(values.size()),
                   .median_us = values[values.size() / 2],
                   .most_us = values.back()});
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double total = totals[out[i].kernel];
    out[i].share = total > 0 && std::isfinite(total) ? sums[i] / total : 0;
  }
  std::ranges::stable_sort(out, [](const ProtonScope& a, const ProtonScope& b) {
    return std::pair(a.kernel, -a.share) < std::pair(b.kernel, -b.share);
  });
  return out;
}

}  // namespace kerf
