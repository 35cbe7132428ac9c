// Sizes of what library calls give, as plan expressions, where no simple one over shapes is found.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "synthesize/builtin/ir.h"
#include "synthesize/general.h"

namespace kerf {

// An expression for one dimension of a tensor, or nullopt.
using KnownExtent = std::function<std::optional<Extent>(const TensorRef& ref, std::size_t dim)>;

// What `known` says; else convolutions by their formula (torch.nn.Conv2d, torch.nn.ConvTranspose2d), views and copies
// by what they are made of. An expression that differs from the size in any workload is none.
[[nodiscard]] std::optional<Extent> extent_of_result(const GeneralGraph& graph, const TensorRef& ref, std::size_t dim,
                                                     const KnownExtent& known);

}  // namespace kerf
