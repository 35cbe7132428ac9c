// Which workloads a plan says that it supports.
#pragma once

#include <string>
#include <vector>

#include "synthesize/builtin/ir.h"
#include "synthesize/builtin/tensor_names.h"
#include "synthesize/general.h"

namespace kerf {

// What the graph and the kernels rely on, in terms of inputs. Where only the sizes of intermediate results tell,
// workloads are admitted by the shapes of their inputs, too; by these alone where the words would be too many for an
// expression: nothing else need be said of such workloads, unless the sizes of parameters differ between them. Empty:
// nothing.
[[nodiscard]] std::string supported(const Understood& problem, const GeneralGraph& graph,
                                    const std::vector<Requirement>& requirements, const TensorNames& names);

}  // namespace kerf
