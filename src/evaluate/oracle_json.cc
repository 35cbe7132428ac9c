#include "evaluate/oracle_json.h"

#include <fmt/format.h>

#include <memory>

#include "problem/json_fields.h"

namespace kerf {

using Json = nlohmann::json;

Json problem_json(const Problem& problem, const Sizes& sizes) {
  return {{"source", problem.source},
          {"path", problem.path.empty() ? problem.id : problem.path},
          {"sizes", to_json(sizes)},
          {"mode", problem.mode == Mode::eval ? "eval" : "as_written"},
          {"allow_degenerate", problem.allow_degenerate}};
}

Json placed_json(const std::vector<Placed>& tensors) {
  Json out = Json::array();
  for (const Placed& placed : tensors) {
    Json each = to_json(placed.spec);
    each["name"] = placed.name;
    each["offset"] = placed.offset;
    out.push_back(std::move(each));
  }
  return out;
}

Json named_json(const NamedSpecs& tensors) {
  Json out = Json::array();
  for (const auto& [name, spec] : tensors) {
    Json each = to_json(spec);
    each["name"] = name;
    out.push_back(std::move(each));
  }
  return out;
}

Result<Arena> device_arena(const Json& reply, const NamedSpecs& tensors,
                           std::function<void(const DeviceMemory&)> release) {
  const auto* memory = TRY(field(reply, "memory"));
  auto record = std::make_unique<DeviceMemory>(
      DeviceMemory{.id = TRY(text_field(*memory, "id")),
                   .handle = TRY(text_field(*memory, "handle")),
                   .bytes = static_cast<std::size_t>(TRY(integer_field(*memory, "bytes")))});
  const std::vector<std::int64_t> offsets = TRY(integers_field(*memory, "offsets"));
  if (offsets.size() != tensors.size())
    return fail(ErrorKind::internal, "the oracle placed another number of tensors than there are");
  Arena arena;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    arena.tensors.push_back(
        {.name = tensors[i].first, .spec = tensors[i].second, .offset = static_cast<std::size_t>(offsets[i])});
  }
  arena.device =
      std::shared_ptr<const DeviceMemory>(record.release(), [release = std::move(release)](const DeviceMemory* held) {
        release(*held);
        delete held;
      });
  return arena;
}

Result<OutputJudgement> judgement_from_json(const Json& json) {
  OutputJudgement out{.name = TRY(text_field(json, "name")), .right = TRY(bool_field(json, "right"))};
  // A difference to an infinite or missing value is no number: it arrives as {"float": "inf"}.
  const auto number = [&](const char* name) -> Result<double> {
    const auto* found = TRY(field(json, name));
    const Value value = TRY(value_from_json(*found));
    if (const auto* d = std::get_if<double>(&value.is)) return *d;
    if (const auto* i = std::get_if<std::int64_t>(&value.is)) return static_cast<double>(*i);
    return fail(ErrorKind::internal, fmt::format("field \"{}\" of a judgement is no number", name));
  };
  out.max_error = TRY(number("max_error"));
  out.reference_error = TRY(number("reference_error"));
  out.scale = TRY(number("scale"));
  out.allowed = TRY(number("allowed"));
  out.got = TRY(number("got"));
  out.expected = TRY(number("expected"));
  out.wrong = TRY(integer_field(json, "wrong"));
  out.unwritten = TRY(integer_field(json, "unwritten"));
  out.nonfinite = TRY(integer_field(json, "nonfinite"));
  out.first_wrong = TRY(integers_field(json, "first_wrong"));
  const auto* box = TRY(array_field(json, "box"));
  for (const Json& range : *box) {
    if (!range.is_array() || range.size() != 2 || !range[0].is_number_integer() || !range[1].is_number_integer()) {
      return fail(ErrorKind::internal, "field \"box\" of a judgement holds no pairs of integers");
    }
    out.box.emplace_back(range[0].get<std::int64_t>(), range[1].get<std::int64_t>());
  }
  return out;
}

Result<std::optional<MarginHit>> margin_hit_from_json(const Json& reply) {
  const auto* hit = TRY(field(reply, "hit"));
  if (hit->is_null()) return std::nullopt;
  return MarginHit{.name = TRY(text_field(*hit, "name")),
                   .behind = TRY(bool_field(*hit, "behind")),
                   .distance = static_cast<std::size_t>(TRY(integer_field(*hit, "distance")))};
}

Result<std::optional<Difference>> difference_from_json(const Json& reply) {
  const auto* found = TRY(field(reply, "difference"));
  if (found->is_null()) return std::nullopt;
  return Difference{.name = TRY(text_field(*found, "name")),
                    .first = TRY(integers_field(*found, "first")),
                    .count = TRY(integer_field(*found, "count"))};
}

}  // namespace kerf
