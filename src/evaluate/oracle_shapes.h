// What the oracle says of a problem by its shapes alone: nothing is drawn or computed, so that any size will do.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>

#include "evaluate/oracle.h"
#include "evaluate/oracle_connection.h"

namespace kerf {

// The workload of an answer, and the module-level sizes that it has.
[[nodiscard]] Result<> take_workload(Understood& understood, const nlohmann::json& reply);
// Hidden variants of the workload that is understood, those that take little more than it; `asked` is its problem.
[[nodiscard]] Result<> add_variants(Understood& understood, const nlohmann::json& asked, int variants,
                                    OracleConnection& connection, std::chrono::milliseconds limit);
// Both, where there are variants. A file that cannot be varied has none.
[[nodiscard]] Result<Understood> trace_shapes(const Problem& problem, const nlohmann::json& asked, int variants,
                                              OracleConnection& connection, std::chrono::milliseconds limit);

}  // namespace kerf
