#include "evaluate/oracle_shapes.h"

#include <cstdint>
#include <string>
#include <utility>

#include "evaluate/oracle_json.h"
#include "problem/json_fields.h"
#include "problem/variants.h"

namespace kerf {

using Json = nlohmann::json;

Result<> take_workload(Understood& understood, const Json& reply) {
  const auto* workload = TRY(field(reply, "workload"));
  understood.workloads.push_back(TRY(workload_from_json(*workload)));
  const auto* sizes = TRY(array_field(reply, "module_sizes"));
  for (const Json& pair : *sizes)
    understood.module_sizes.emplace_back(pair.at(0).get<std::string>(), TRY(value_from_json(pair.at(1))));
  return {};
}

Result<> add_variants(Understood& understood, const Json& asked, int variants, OracleConnection& connection,
                      std::chrono::milliseconds limit) {
  const Workload& primary = understood.workloads.front();
  Json proposals = Json::array();
  for (int i = 0; i < variants; ++i) {
    Json variant = Json::array();
    for (const SizeProposal& proposal : propose_variant(understood.module_sizes, i)) {
      Json values = Json::array();
      for (const Value& value : proposal.values) values.push_back(to_json(value));
      variant.push_back({{"name", proposal.name}, {"values", std::move(values)}});
    }
    proposals.push_back(std::move(variant));
  }
  std::int64_t cost = 0;
  for (const NamedTensor& tensor : primary.tensors) cost += static_cast<std::int64_t>(tensor.spec.storage_bytes());
  for (const TensorSpec& spec : primary.outputs) cost += static_cast<std::int64_t>(spec.storage_bytes());
  const Json reply =
      TRY(connection.call({{"do", "variants"}, {"problem", asked}, {"cost", cost}, {"proposals", proposals}}, {}, limit,
                          understood.problem.path));
  const auto* found = TRY(array_field(reply, "workloads"));
  const double most = 1.5 * understood.workloads.front().operations;
  for (const Json& each : *found) {
    Workload variant = TRY(workload_from_json(each));
    if (variant.operations <= most) understood.workloads.push_back(std::move(variant));
  }
  return {};
}

Result<Understood> trace_shapes(const Problem& problem, const Json& asked, int variants, OracleConnection& connection,
                                std::chrono::milliseconds limit) {
  Understood understood{.problem = problem};
  const Json reply = TRY(connection.call({{"do", "trace"}, {"problem", asked}}, {}, limit, problem.path));
  TRY(take_workload(understood, reply));
  if (variants > 0) (void)add_variants(understood, asked, variants, connection, limit);
  return understood;
}

}  // namespace kerf
