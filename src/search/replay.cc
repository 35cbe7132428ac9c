#include "search/replay.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <type_traits>

namespace kerf {
namespace {

using json = nlohmann::json;

std::string describe(const Expansion& e) {
  std::string parents;
  for (const NodeIndex parent : e.parents) parents += fmt::format(" {}", parent);
  return fmt::format("expansion {} ({}, {}, nodes{})", e.id, to_string(e.task), to_string(e.memory),
                     parents.empty() ? " none" : parents);
}

template <class Enum, std::size_t n>
Result<Enum> read_enum(const json& value, const std::array<Enum, n>& all) {
  for (const Enum each : all) {
    if (value.is_string() && value.get_ref<const std::string&>() == to_string(each)) return each;
  }
  return fail(ErrorKind::system, fmt::format("a recorded step is damaged: {} is none of its words", value.dump()));
}

json reward_json(const Reward& reward) { return {{"mean", reward.mean}, {"standard_error", reward.standard_error}}; }

}  // namespace

bool operator==(const Expansion& a, const Expansion& b) {
  return a.id == b.id && a.task == b.task && a.memory == b.memory && a.propensity == b.propensity &&
         a.parents == b.parents && a.seed == b.seed;
}

Result<> replay(Search& search, std::span<const SearchEvent> events) {
  for (const SearchEvent& event : events) {
    if (const auto* asked = std::get_if<Asked>(&event)) {
      const std::vector<Expansion> again = search.ask(1);
      if (again.empty() || !(again[0] == asked->expansion)) {
        return user_error(
            fmt::format("cannot resume: the record says {}, this kerf asks for {}; the session was begun by "
                        "another version or with other options",
                        describe(asked->expansion), again.empty() ? "nothing" : describe(again[0])));
      }
    } else if (const auto* told = std::get_if<Told>(&event)) {
      const std::optional<NodeIndex> node = TRY(search.tell(told->id, told->outcome));
      if (node != told->node) {
        return user_error(fmt::format("cannot resume: the record says that expansion {} became node {}, here it is {}",
                                      told->id, told->node.value_or(-1), node.value_or(-1)));
      }
    } else if (const auto* cancelled = std::get_if<Cancelled>(&event)) {
      search.cancel(cancelled->id);
    }
  }
  return {};
}

json to_json(const SearchEvent& event) {
  if (const auto* asked = std::get_if<Asked>(&event)) {
    const Expansion& e = asked->expansion;
    return {{"kind", "asked"},
            {"id", e.id},
            {"task", to_string(e.task)},
            {"memory", to_string(e.memory)},
            {"propensity", e.propensity},
            {"parents", e.parents},
            {"seed", e.seed},
            {"reason", e.reason}};
  }
  if (const auto* told = std::get_if<Told>(&event)) {
    return {{"kind", "told"},
            {"id", told->id},
            {"outcome", to_string(told->outcome.kind)},
            {"reward", reward_json(told->outcome.reward)},
            {"fraction_of_speed_of_light", told->outcome.fraction_of_speed_of_light},
            {"node", told->node ? json(*told->node) : json(nullptr)}};
  }
  if (const auto* proposed = std::get_if<Proposed>(&event)) {
    json value = {{"kind", "proposed"}, {"id", proposed->id}, {"candidate", proposed->candidate}};
    if (!proposed->closed_by.empty()) value["closed_by"] = proposed->closed_by;
    return value;
  }
  return {{"kind", "cancelled"}, {"id", std::get<Cancelled>(event).id}};
}

ExpansionId expansion_of(const SearchEvent& event) {
  return std::visit(
      [](const auto& e) -> ExpansionId {
        if constexpr (std::is_same_v<std::decay_t<decltype(e)>, Asked>)
          return e.expansion.id;
        else
          return e.id;
      },
      event);
}

Result<SearchEvent> search_event_from_json(const json& value) {
  try {
    const std::string kind = value.at("kind").get<std::string>();
    const auto id = value.at("id").get<ExpansionId>();
    if (kind == "cancelled") return Cancelled{id};
    if (kind == "proposed") {
      return Proposed{.id = id,
                      .candidate = value.at("candidate").get<std::string>(),
                      .closed_by = value.value("closed_by", std::string())};
    }
    if (kind == "asked") {
      Expansion e;
      e.id = id;
      e.task = TRY(read_enum(value.at("task"), std::array{Task::root, Task::expand, Task::remeasure}));
      e.memory = TRY(read_enum(value.at("memory"), std::array{MemoryOperator::inherit, MemoryOperator::siblings,
                                                              MemoryOperator::combine, MemoryOperator::fresh}));
      e.propensity = value.value("propensity", 1.0);
      e.parents = value.at("parents").get<std::vector<NodeIndex>>();
      e.seed = value.at("seed").get<std::uint64_t>();
      e.reason = value.at("reason").get<std::string>();
      return Asked{std::move(e)};
    }
    if (kind == "told") {
      Told told;
      told.id = id;
      told.outcome.kind = TRY(read_enum(
          value.at("outcome"), std::array{Outcome::Kind::measured, Outcome::Kind::failed, Outcome::Kind::nothing}));
      told.outcome.reward.mean = value.at("reward").at("mean").get<double>();
      told.outcome.reward.standard_error = value.at("reward").at("standard_error").get<double>();
      told.outcome.fraction_of_speed_of_light = value.at("fraction_of_speed_of_light").get<double>();
      if (!value.at("node").is_null()) told.node = value.at("node").get<NodeIndex>();
      return told;
    }
    return fail(ErrorKind::system, fmt::format("a recorded step is damaged: no step is called '{}'", kind));
  } catch (const json::exception& e) {
    return fail(ErrorKind::system, fmt::format("a recorded step is damaged: {}", e.what()));
  }
}

}  // namespace kerf
