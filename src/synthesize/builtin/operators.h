// What ATen operators mean, as instructions: the one table that lowering has.
#pragma once

#include "synthesize/builtin/lowering.h"

namespace kerf {

// Rounds to TF32 (Op::to_tf32): of rewrites, there is no such operator to call.
inline constexpr const char* to_tf32_operator = "kerf.to_tf32";
[[nodiscard]] bool is_callable(const GeneralNode& node);

[[nodiscard]] bool has_lowering(const GeneralNode& node);
// Adds the node's instructions and binds its results. Throws CannotLower for overloads and arguments that it has no
// rule for; results that it does not give (indices of a maximum) stay unbound.
void lower_node(Lowering& lowering, const GeneralNode& node);

}  // namespace kerf
