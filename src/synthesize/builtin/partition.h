// Which operators are generated together, and which are left to the library.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "candidate/candidate.h"
#include "synthesize/builtin/ir.h"
#include "synthesize/general.h"

namespace kerf {

using NodeSet = std::vector<std::size_t>;  // positions in a graph, ascending

// Groups that are generated; every other node is a library call.
struct Partition {
  std::vector<NodeSet> groups;
  friend bool operator==(const Partition&, const Partition&) = default;
};

enum class Fusing : std::uint8_t { full, none };  // none: every generated operator is a group of its own

// Which products are generated: none, those that are an attention, all of matrices, convolutions, too.
enum class Products : std::uint8_t { library, attention, matrices, own };

// Greedy, in the graph's order: an operator joins the groups of its operands where one loop nest can do them all and
// nothing outside has to run in between. Views and copies alone are not generated. In C++ what cuts rows into pieces of
// two or three elements, as an image does that grows, is left to the library: a loop would hardly begin before it ends.
[[nodiscard]] Partition partition(const GeneralGraph& graph, Fusing fusing, Products products = Products::library,
                                  Language language = Language::cuda);

// Whether the group can be one region and no path leaves it and comes back.
[[nodiscard]] bool legal(const GeneralGraph& graph, const Partition& partition, const NodeSet& group,
                         bool tentative = false);
[[nodiscard]] bool has_attention(const GeneralGraph& graph, const Partition& partition);
// What a candidate runs as one: a group, or an operator that is left to the library.
struct Unit {
  std::optional<std::size_t> group;  // index into the groups
  std::size_t node = 0;              // the operator, or the group's last
};
// Each after what it uses, else in the graph's order. nullopt where units wait for each other.
[[nodiscard]] std::optional<std::vector<Unit>> units_in_order(const GeneralGraph& graph,
                                                              const std::vector<NodeSet>& groups);
// Whether all units of the partition can be put in an order.
[[nodiscard]] bool orderable(const GeneralGraph& graph, const Partition& partition);
[[nodiscard]] NodeSet unite(const NodeSet& a, const NodeSet& b);
// Operators of the graph that are calls and more than views.
[[nodiscard]] std::size_t library_calls(const GeneralGraph& graph, const Partition& partition);

}  // namespace kerf
