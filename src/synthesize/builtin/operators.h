// What ATen operators mean, as instructions: the one table that lowering has.
#pragma once

#include "synthesize/builtin/lowering.h"

namespace kerf {

[[nodiscard]] bool has_lowering(const GeneralNode& node);
// Adds the node's instructions and binds its results. Throws CannotLower for overloads and arguments that it has no
// rule for; results that it does not give (indices of a maximum) stay unbound.
void lower_node(Lowering& lowering, const GeneralNode& node);

}  // namespace kerf
