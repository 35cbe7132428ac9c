// What rules ask of dimensions and sizes.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "synthesize/builtin/formulas.h"

namespace kerf {

[[nodiscard]] inline std::size_t dim_of(const Rule& r, std::size_t at, const char* key, int otherwise,
                                        std::size_t rank) {
  const int given = r.args.none(at, key) ? otherwise : r.args.dim(at, key);
  const int d = given < 0 ? given + static_cast<int>(rank) : given;
  if (d < 0 || static_cast<std::size_t>(d) >= rank) throw CannotLower{"a dimension out of range"};
  return static_cast<std::size_t>(d);
}

[[nodiscard]] inline Extent extent_of(const Rule& r, const std::vector<int>& dim) {
  Extent made = one(r.l.workloads());
  for (const int axis : dim) made = made * r.l.extent(axis);
  return made;
}

[[nodiscard]] inline Extent extent_of(const Constant& constant) {
  Extent made{.text = expression_of(constant), .values = {}};
  for (const Value& value : constant.values) {
    const auto* n = std::get_if<std::int64_t>(&value.is);
    if (!n) throw CannotLower{"a size must be an integer"};
    made.values.push_back(*n);
  }
  return made;
}

// The extent of dimension `d` of a result, for comparison: it has no text.
[[nodiscard]] inline std::vector<std::int64_t> sizes_of(const Rule& r, std::size_t result, std::size_t d) {
  std::vector<std::int64_t> found;
  for (const auto& shape : r.node.results.at(result).shape) found.push_back(shape.at(d));
  return found;
}

inline void expect_size(const Rule& r, std::size_t result, std::size_t d, const Extent& extent) {
  if (sizes_of(r, result, d) != extent.values) throw CannotLower{"a result of another size than its formula gives"};
}

[[nodiscard]] inline const GeneralArgumentList& list_at(const Rule& r, std::size_t at, const char* key) {
  const GeneralArgument* argument = r.args.get(at, key);
  const auto* list = argument ? std::get_if<GeneralArgumentList>(&argument->is) : nullptr;
  if (!list) throw CannotLower{"a list was expected"};
  return *list;
}

}  // namespace kerf
