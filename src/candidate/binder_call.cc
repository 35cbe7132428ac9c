// Calls: the operator is found, what it may write is checked, its results get names. Its arguments: binder_values.cc.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "candidate/binder.h"
#include "candidate/identifiers.h"
#include "candidate/plan_error.h"

namespace kerf {
namespace {

// Operators that give a tensor other memory or another size, behind the binder's back.
constexpr std::array<std::string_view, 8> refused = {
    "aten::set_",     "aten::resize_",         "aten::resize_as_", "aten::resize_as_sparse_",
    "aten::set_data", "aten::_resize_output_", "aten::from_file",  "aten::resize_output_"};

std::string_view shown(const std::string& overload) {
  return overload.empty() ? std::string_view("default") : overload;
}

// "aten.sum.dim_IntList" as name and overload.
Result<std::pair<std::string, std::string>> split(const Located& target) {
  const std::string& text = target.text;
  const auto wrong = [&] {
    return refuse("operator", fmt::format("`{}` is no operator: expected aten.NAME.OVERLOAD", text), target.at);
  };
  if (!text.starts_with("aten.")) return wrong();
  const std::size_t dot = text.find('.', 5);
  const std::string name = text.substr(5, dot == std::string::npos ? dot : dot - 5);
  std::string overload = dot == std::string::npos ? "default" : text.substr(dot + 1);
  if (!is_identifier(name) || !is_identifier(overload)) return wrong();
  if (overload == "default") overload.clear();
  return std::pair("aten::" + name, overload);
}

std::vector<const SchemaArgument*> without_out(const Schema& schema) {
  std::vector<const SchemaArgument*> result;
  for (const SchemaArgument& each : schema.arguments) {
    if (!(each.written && each.keyword_only)) result.push_back(&each);
  }
  return result;
}

}  // namespace

std::string operator_name(std::string_view op, std::string_view overload) {
  std::string name(op);
  if (const std::size_t at = name.find("::"); at != std::string::npos) name.replace(at, 2, ".");
  return fmt::format("{}.{}", name, overload.empty() ? "default" : overload);
}

Result<> Binder::call(std::size_t i) {
  const Step& step = plan_.steps[i];
  BoundStep bound{
      .does = BoundCall{}, .step = static_cast<int>(i), .prepare = step.prepare, .at = step.target.at, .release = {}};
  auto& call = std::get<BoundCall>(bound.does);
  std::tie(call.op, call.overload) = TRY(split(step.target));
  if (std::ranges::find(refused, call.op) != refused.end()) {
    return refuse("operator", fmt::format("`{}` gives a tensor other memory: not for plans", step.target.text),
                  step.target.at);
  }
  const std::vector<Schema>* overloads = TRY(schemas(step, call.op));
  if (!overloads) return blind_call(step, std::move(bound));
  const Schema* schema = TRY(choose(step, call, *overloads));
  bool unknown = false;
  call.args = TRY(arguments(step, *schema, unknown));
  call.outs.resize(step.out.size());

  const auto placed = [&](Error error) {
    if (!error.at && error.kind == ErrorKind::candidate) error.at = step.target.at;
    return std::unexpected(std::move(error));
  };
  std::optional<std::vector<CallResult>> results;
  if (!unknown) {
    auto answer = machine_.call(bound, call);
    if (!answer) return placed(std::move(answer).error());
    results = *std::move(answer);
  }
  if (results) TRY(check_count(step, results->size()));
  for (std::size_t k = 0; k < step.out.size(); ++k) {
    const CallResult* result = results && k < results->size() ? &(*results)[k] : nullptr;
    call.outs[k] = TRY(bind_out(step, k, result));
  }
  call.out_overload = out_overload(call, *schema, *overloads);
  if (results) {
    if (auto done = machine_.commit(bound, call); !done) return placed(std::move(done).error());
  }
  push(std::move(bound));
  return {};
}

Result<const std::vector<Schema>*> Binder::schemas(const Step& step, const std::string& op) {
  if (const auto it = schemas_.find(op); it != schemas_.end()) return &it->second;
  const std::optional<std::vector<std::string>> texts = TRY(machine_.schemas(op));
  if (!texts) return nullptr;
  if (texts->empty()) {
    return refuse("operator", fmt::format("no operator `{}`", operator_name(op, "").substr(0, op.size() - 1)),
                  step.target.at);
  }
  std::vector<Schema> parsed;
  for (const std::string& text : *texts) parsed.push_back(TRY(parse_schema(text)));
  return &schemas_.emplace(op, std::move(parsed)).first->second;
}

Result<const Schema*> Binder::choose(const Step& step, const BoundCall& call,
                                     const std::vector<Schema>& overloads) const {
  const auto found = std::ranges::find(overloads, call.overload, &Schema::overload);
  if (found == overloads.end()) {
    std::vector<std::string_view> names;
    for (const Schema& each : overloads) names.push_back(shown(each.overload));
    return refuse("operator",
                  fmt::format("{} has no overload `{}`: expected one of {}",
                              operator_name(call.op, "").substr(0, call.op.size() - 1), shown(call.overload),
                              fmt::join(names, ", ")),
                  step.target.at);
  }
  if (without_out(*found).size() != found->arguments.size()) {
    return refuse("operator",
                  fmt::format("`{}` writes tensors that it is given: name them in `out` of the plain overload instead",
                              step.target.text),
                  step.target.at);
  }
  return &*found;
}

// Where nothing is known of operators: a string that is a name must be given by now, whatever it is an argument for.
Result<> Binder::blind_call(const Step& step, BoundStep bound) {
  for (const PlanArgument& argument : step.args) TRY(blind_argument(argument, step));
  for (const auto& [key, argument] : step.kwargs) TRY(blind_argument(argument, step));
  auto& call = std::get<BoundCall>(bound.does);
  for (std::size_t k = 0; k < step.out.size(); ++k) call.outs.push_back(TRY(bind_out(step, k, nullptr)));
  push(std::move(bound));
  return {};
}

Result<> Binder::blind_argument(const PlanArgument& argument, const Step& step) {
  if (const auto* list = std::get_if<PlanArgumentList>(&argument.is)) {
    for (const PlanArgument& each : *list) TRY(blind_argument(each, step));
  }
  const auto* text = std::get_if<Located>(&argument.is);
  if (!text) return {};
  if (const auto name = tensor_name(text->text)) {
    [[maybe_unused]] const TensorId used = TRY(use_tensor(*name, text->at, step));
    return {};
  }
  // Not an expression: perhaps a literal string ("tanh", an einsum equation), which only the schema can tell.
  if (!expression(*text)) return {};
  TRY(evaluate(*text, step));
  return {};
}

// Operators that mutate may do so to scratch and to call results whose memory is neither given nor prepared.
Result<> Binder::check_written(TensorId id, Location at, const SchemaArgument& wanted, const Step& step) {
  const BoundTensor& written = tensor(id);
  const bool own = written.kind == BoundTensor::Kind::scratch || written.kind == BoundTensor::Kind::result;
  if (own && writable(id, step)) {
    note_write(id, step);
    return {};
  }
  const char* why = storage(id).prepared                        ? "it is prepared, read-only after that"
                    : written.kind == BoundTensor::Kind::output ? "it is an output: name it in `out`"
                    : written.kind == BoundTensor::Kind::given  ? "it is read-only"
                                                                : "it shares memory with a read-only tensor";
  return refuse(
      "read_only",
      fmt::format("the operator writes its argument `{}`, here `{}`, and {}: expected scratch or a call's result",
                  wanted.name, written.name, why),
      at);
}

Result<> Binder::check_count(const Step& step, std::size_t results) const {
  if (results == step.out.size()) return {};
  if (results == 0 && step.out.size() == 1 && step.out.front().text == "_") return {};
  return refuse("output",
                fmt::format("`{}` gives {} result{}: expected as many names in out, found {}", step.target.text,
                            results, results == 1 ? "" : "s", step.out.size()),
                step.out_at);
}

Result<BoundOut> Binder::bind_out(const Step& step, std::size_t k, const CallResult* result) {
  const Located& out = step.out[k];
  if (out.text == "_") return BoundOut{};
  if (result && !result->spec) {
    return refuse("output",
                  fmt::format("result {} of `{}` is no tensor: expected \"_\" to drop it", k, step.target.text),
                  out.at);
  }
  const int name = *names_.find(out.text);
  Name& meaning = meanings_[static_cast<std::size_t>(name)];
  if (meaning.kind == NameKind::output || meaning.kind == NameKind::scratch) {
    const TensorId id = TRY(use_tensor(name, out.at, step));
    if (!writable(id, step)) {
      return refuse("read_only", fmt::format("`{}` is prepared: only prepare steps may write it", out.text), out.at);
    }
    const std::optional<TensorSpec>& spec = tensor(id).spec;
    if (result && spec && (result->spec->shape != spec->shape || result->spec->dtype != spec->dtype)) {
      return refuse("output",
                    fmt::format("the result is {}, `{}` is {}: expected the same shape and dtype",
                                to_string(*result->spec), out.text, to_string(*spec)),
                    out.at);
    }
    for (std::size_t other = 0; other < k; ++other) {
      if (step.out[other].text == out.text)
        return refuse("output", fmt::format("`{}` is written twice by one step", out.text), out.at);
    }
    note_write(id, step);
    const bool alike = result && spec && *result->spec == *spec;
    return BoundOut{.kind = BoundOut::Kind::write,
                    .tensor = id,
                    .fresh = alike && !result->alias_of,
                    .view_of = alike ? result->alias_of.value_or(no_tensor) : no_tensor};
  }
  const TensorId id = add_tensor({.kind = BoundTensor::Kind::result,
                                  .name = out.text,
                                  .index = static_cast<int>(k),
                                  .spec = result ? result->spec : std::nullopt,
                                  .prepared = step.prepare});
  if (result && result->alias_of && *result->alias_of >= 0 && *result->alias_of < id) {
    program_.tensors.back().storage = tensor(*result->alias_of).storage;
    storages_.pop_back();
  }
  if (step.prepare && !storage(id).read_only) storage(id).prepared = true;
  meaning.prepared = step.prepare;
  set_tensor(name, id);
  return BoundOut{.kind = BoundOut::Kind::keep, .tensor = id};
}

std::optional<std::string> Binder::out_overload(const BoundCall& call, const Schema& schema,
                                                const std::vector<Schema>& overloads) {
  std::set<int> written;
  for (const BoundOut& out : call.outs) {
    if (out.kind != BoundOut::Kind::write) return std::nullopt;
    written.insert(tensor(out.tensor).storage);
  }
  for (const CallValue& value : call.args) {
    for (const TensorId id : value.tensors) {
      if (id != no_tensor && written.contains(tensor(id).storage)) return std::nullopt;
    }
  }
  const bool single =
      schema.results.size() == call.outs.size() &&
      std::ranges::none_of(schema.results, [](const SchemaArgument& r) { return r.type.list || !r.alias.empty(); });
  if (!single) return std::nullopt;
  for (const Schema& other : overloads) {
    const std::vector<const SchemaArgument*> plain = without_out(other);
    const std::size_t outs = other.arguments.size() - plain.size();
    if (outs != call.outs.size() || plain.size() != schema.arguments.size()) continue;
    const auto same = [](const SchemaArgument* a, const SchemaArgument& b) {
      return a->name == b.name && a->type == b.type && !b.written;
    };
    bool last = true;  // the tensors to write stand behind all others
    for (std::size_t i = plain.size(); i < other.arguments.size(); ++i)
      last = last && other.arguments[i].written && !other.arguments[i].type.list;
    if (last && std::ranges::equal(plain, schema.arguments, same)) return other.overload;
  }
  return std::nullopt;
}

}  // namespace kerf
