#include "session/experience.h"

#include <algorithm>
#include <utility>

#include "session/session.h"

namespace kerf {
namespace {

constexpr int page = 200;

bool counts(const SessionRecord& record, const ExperienceFilter& filter) {
  if (!filter.problem.empty() && record.problem != filter.problem) return false;
  if (!filter.session.empty() && record.id != filter.session) return false;
  if (!filter.target.empty() && record.target != filter.target) return false;
  if (filter.harness && (!record.versions.is_object() || record.versions.value("harness", 0) != *filter.harness))
    return false;
  return record.options.is_object() && !record.options.value("recorded_evaluations", false);
}

Result<std::optional<MeasuredRecipes>> read_session(Store& store, const SessionId& id, const ExperienceFilter& filter) {
  const SessionRecord record = TRY(store.session(id));
  const nlohmann::json& understood = record.understood;
  if (!understood.is_object() || !understood.contains("workloads")) return std::nullopt;
  MeasuredRecipes made{
      .session = id, .problem = {}, .target = understood.value("target", nlohmann::json()), .recipes = {}};
  if (!filter.machine.empty() && machine_of(made.target) != filter.machine) return std::nullopt;
  const auto language = language_from(record.options.value("language", "cpp"));
  if (!language || (filter.language && *language != *filter.language)) return std::nullopt;
  made.language = *language;
  PageRequest request{.limit = page, .after = {}};
  do {
    Page<NodeRecord> nodes = TRY(store.nodes(id, request));
    for (NodeRecord& node : nodes.items) {
      if (!node.recipe.is_object() || !node.recipe.contains("groups")) continue;
      // The mean of all that was measured of it: what led by luck was measured again.
      std::vector<Evaluation> all = {node.evaluation};
      if (node.evaluations > 1) all = TRY(store.evaluations(id, node.node));
      std::vector<RecipeTime> times;
      for (const Evaluation& evaluation : all)
        if (auto time = recipe_time(evaluation)) times.push_back(*std::move(time));
      if (!times.empty())
        made.recipes.push_back({.candidate = node.candidate, .recipe = std::move(node.recipe), .time = mean_of(times)});
    }
    request.after = nodes.next;
  } while (!request.after.empty());
  if (made.recipes.size() < 2) return std::nullopt;
  const TaskRecord task = TRY(store.task(record.task));
  made.problem = std::make_shared<const Understood>(TRY(understood_from_json(understood, task.problem)));
  if (made.problem->workloads.empty()) return std::nullopt;
  return made;
}

}  // namespace

Result<std::vector<MeasuredRecipes>> load_experience(Store& store, const ExperienceFilter& filter) {
  std::vector<MeasuredRecipes> found;
  std::size_t recipes = 0;
  PageRequest request{.limit = page, .after = {}};
  do {
    const Page<SessionRecord> sessions = TRY(store.sessions(request));
    for (const SessionRecord& record : sessions.items) {
      if (!counts(record, filter)) continue;
      std::optional<MeasuredRecipes> session = TRY(read_session(store, record.id, filter));
      if (!session) continue;
      recipes += session->recipes.size();
      found.push_back(*std::move(session));
      if (recipes >= filter.recipes) break;
    }
    request.after = recipes >= filter.recipes ? std::string() : sessions.next;
  } while (!request.after.empty());
  std::ranges::reverse(found);
  return found;
}

}  // namespace kerf
