#include "problem/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "problem/json_fields.h"

namespace kerf {
namespace {

constexpr std::array roles{"input", "parameter", "buffer", "constant"};

Result<Sizes> sizes_from_json(const nlohmann::json& json) {
  if (!json.is_object()) return user_error("sizes are not an object of names and values");
  Sizes sizes;
  for (const auto& [name, value] : json.items()) sizes.emplace(name, TRY(value_from_json(value)));
  return sizes;
}

}  // namespace

const char* to_string(Role role) { return roles[static_cast<std::size_t>(role)]; }

std::string Problem::digest() const {
  return Digest{}.add("problem").add(source).add(to_json(sizes).dump()).add(mode == Mode::eval ? "eval" : "").hex();
}

std::string Workload::output_name(std::size_t i) const { return outputs.size() == 1 ? "out" : fmt::format("out{}", i); }

const NamedTensor* Workload::find(std::string_view name) const {
  for (const NamedTensor& tensor : tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

nlohmann::json to_json(const Sizes& sizes) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, value] : sizes) out[name] = to_json(value);
  return out;
}

nlohmann::json to_json(const Workload& workload) {
  nlohmann::json tensors = nlohmann::json::array();
  for (const NamedTensor& tensor : workload.tensors) {
    nlohmann::json out = to_json(tensor.spec);
    out["name"] = tensor.name;
    out["role"] = to_string(tensor.role);
    out["drawn"] = tensor.drawn;
    tensors.push_back(std::move(out));
  }
  nlohmann::json init = nlohmann::json::array();
  for (const auto& [name, value] : workload.init) init.push_back({name, to_json(value)});
  nlohmann::json outputs = nlohmann::json::array();
  for (const TensorSpec& spec : workload.outputs) outputs.push_back(to_json(spec));
  nlohmann::json out = {{"id", workload.id},
                        {"sizes", to_json(workload.sizes)},
                        {"tensors", std::move(tensors)},
                        {"init", std::move(init)},
                        {"outputs", std::move(outputs)},
                        {"exported", to_json(workload.exported)},
                        {"core", to_json(workload.core)},
                        {"bytes", workload.bytes},
                        {"operations", workload.operations},
                        {"eager_us", workload.eager_us}};
  if (workload.exact_convolutions) out["exact_convolutions"] = true;  // few are
  return out;
}

Result<Workload> workload_from_json(const nlohmann::json& json) {
  Workload workload{.id = TRY(text_field(json, "id"))};
  const auto* sizes = TRY(field(json, "sizes"));
  workload.sizes = TRY(sizes_from_json(*sizes));
  for (const auto& each : *TRY(array_field(json, "tensors"))) {
    NamedTensor tensor{.name = TRY(text_field(each, "name")), .spec = TRY(tensor_from_json(each))};
    const auto role = TRY(text_field(each, "role"));
    const auto* known = std::find(roles.begin(), roles.end(), role);
    if (known == roles.end()) return user_error(fmt::format("unknown role \"{}\" of tensor {}", role, tensor.name));
    tensor.role = static_cast<Role>(known - roles.begin());
    tensor.drawn = TRY(text_field(each, "drawn"));
    workload.tensors.push_back(std::move(tensor));
  }
  for (const auto& pair : *TRY(array_field(json, "init"))) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string()) {
      return user_error("field \"init\": expected pairs of a name and a value");
    }
    workload.init.emplace_back(pair[0].get<std::string>(), TRY(value_from_json(pair[1])));
  }
  for (const auto& each : *TRY(array_field(json, "outputs"))) workload.outputs.push_back(TRY(tensor_from_json(each)));
  const auto* exported = TRY(field(json, "exported"));
  workload.exported = TRY(graph_from_json(*exported));
  const auto* core = TRY(field(json, "core"));
  workload.core = TRY(graph_from_json(*core));
  workload.bytes = TRY(integer_field(json, "bytes"));
  workload.operations = TRY(number_field(json, "operations"));
  workload.eager_us = TRY(number_field(json, "eager_us"));
  if (json.contains("exact_convolutions")) workload.exact_convolutions = TRY(bool_field(json, "exact_convolutions"));
  return workload;
}

nlohmann::json to_json(const Admission& admission) {
  return {{"admitted", admission.admitted},           {"refused", admission.refused},
          {"degenerate", admission.degenerate},       {"fooled_by_own_inputs", admission.fooled_by_own_inputs},
          {"distributions", admission.distributions}, {"notes", admission.notes}};
}

nlohmann::json to_json(const Understood& understood) {
  nlohmann::json workloads = nlohmann::json::array();
  for (const Workload& workload : understood.workloads) workloads.push_back(to_json(workload));
  nlohmann::json sizes = nlohmann::json::array();
  for (const auto& [name, value] : understood.module_sizes) sizes.push_back({name, to_json(value)});
  return {{"admission", to_json(understood.admission)},
          {"workloads", std::move(workloads)},
          {"module_sizes", std::move(sizes)}};
}

Result<Understood> understood_from_json(const nlohmann::json& json, Problem problem) {
  Understood understood;
  understood.problem = std::move(problem);
  const auto* admission = TRY(field(json, "admission"));
  understood.admission = TRY(admission_from_json(*admission));
  for (const auto& each : *TRY(array_field(json, "workloads"))) {
    understood.workloads.push_back(TRY(workload_from_json(each)));
  }
  for (const auto& pair : *TRY(array_field(json, "module_sizes"))) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string()) {
      return user_error("field \"module_sizes\": expected pairs of a name and a value");
    }
    understood.module_sizes.emplace_back(pair[0].get<std::string>(), TRY(value_from_json(pair[1])));
  }
  return understood;
}

Result<Admission> admission_from_json(const nlohmann::json& json) {
  return Admission{.admitted = TRY(bool_field(json, "admitted")),
                   .refused = TRY(text_field(json, "refused")),
                   .degenerate = TRY(bool_field(json, "degenerate")),
                   .fooled_by_own_inputs = TRY(texts_field(json, "fooled_by_own_inputs")),
                   .distributions = TRY(texts_field(json, "distributions")),
                   .notes = TRY(texts_field(json, "notes"))};
}

}  // namespace kerf
