// Lowering: operators of a graph become instructions of one Region, on common axes.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "synthesize/builtin/ir.h"
#include "synthesize/general.h"

namespace kerf {

// Whether the operator can be part of a generated region at all (its arguments and dtypes included).
[[nodiscard]] bool lowers(const GeneralGraph& graph, const GeneralNode& node);
// Views, copies and constants: nothing that is worth a kernel of its own.
[[nodiscard]] bool is_trivial(const GeneralNode& node);
// Whether that argument is the literal true.
[[nodiscard]] bool true_at(const GeneralNode& node, std::size_t argument);
// What the library does by copying: by itself it is left to that.
[[nodiscard]] bool is_copy(const GeneralNode& node);
// Which operators are products of their own (see products.h): the library has good ones.
enum class ProductKind : std::uint8_t { none, matrices, convolution };
[[nodiscard]] ProductKind product_kind(const GeneralGraph& graph, std::size_t node);
[[nodiscard]] inline bool is_product(const GeneralGraph& graph, std::size_t node) {
  return product_kind(graph, node) != ProductKind::none;
}

// One region that computes `nodes` (positions in the graph, ascending) and stores what is used outside of them. Fails
// (kind candidate, with the reason) where they do not fit one loop nest. `tentative` asks whether the nodes fit so far:
// results that cannot be stored (masks, integers) are left out, for a later node may be their only user.
[[nodiscard]] Result<Region> lower(const GeneralGraph& graph, const std::vector<std::size_t>& nodes,
                                   bool tentative = false);

// Results of `nodes` that are needed outside of them and that a kernel cannot store: integers, what does not lie
// in order. Ascending positions.
[[nodiscard]] std::vector<std::size_t> unstorable(const GeneralGraph& graph, const std::vector<std::size_t>& nodes);

// References to results of `nodes` that other nodes or the graph's outputs use, in order.
[[nodiscard]] std::vector<TensorRef> escaping(const GeneralGraph& graph, const std::vector<std::size_t>& nodes);

}  // namespace kerf
