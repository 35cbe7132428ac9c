#include "candidate/fake_machine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace kerf {
namespace {

std::string spelled(const BoundArgument& argument) {
  using Kind = BoundArgument::Kind;
  switch (argument.kind) {
    case Kind::tensor:
      return fmt::format("%{}", argument.tensor);
    case Kind::tensor_map:
      return fmt::format("map of %{} in [{}]{}", argument.tensor, fmt::join(argument.map.box, ", "),
                         argument.map.swizzle > 0 ? fmt::format(" by {}", argument.map.swizzle) : "");
    case Kind::thread:
      return "thread";
    case Kind::f32:
    case Kind::f64:
      return fmt::format("{}:{}", to_string(Value{argument.number}), to_string(argument.kind));
    case Kind::i64:
    case Kind::i32:
    case Kind::boolean:
      return fmt::format("{}:{}", argument.integer, to_string(argument.kind));
    case Kind::unknown:
      break;
  }
  return "?";
}

std::string full_name(const std::string& op, const std::string& overload) {
  return overload.empty() ? op : fmt::format("{}.{}", op, overload);
}

}  // namespace

void FakeMachine::add_schema(std::string_view text) {
  const std::string_view name = text.substr(0, text.find('('));
  schemas_[std::string(name.substr(0, name.find('.')))].emplace_back(text);
}

void FakeMachine::add_prototype(std::string kernel, std::vector<std::string> types) {
  prototypes_[std::move(kernel)] = std::move(types);
}

void FakeMachine::add_answer(const std::string& op, std::vector<CallResult> results) {
  answers_[op].push_back(std::move(results));
}

Result<std::optional<std::vector<std::string>>> FakeMachine::schemas(std::string_view op) {
  const auto it = schemas_.find(op);
  return it == schemas_.end() ? std::vector<std::string>{} : it->second;
}

Result<std::optional<std::vector<std::string>>> FakeMachine::prototype(std::string_view kernel) {
  const auto it = prototypes_.find(kernel);
  if (it == prototypes_.end()) return std::nullopt;
  return it->second;
}

Result<> FakeMachine::allocate(TensorId, const BoundTensor& tensor) {
  log_.push_back(fmt::format("allocate {} {}{}", tensor.name, to_string(*tensor.spec), tensor.zero ? " zero" : ""));
  return {};
}

Result<> FakeMachine::launch(const BoundStep& step, const BoundLaunch& launch) {
  std::vector<std::string> args;
  for (const BoundArgument& each : launch.args) args.push_back(spelled(each));
  log_.push_back(fmt::format("{}launch {} [{}]({})", step.prepare ? "prepare " : "", launch.kernel,
                             fmt::join(launch.grid, ", "), fmt::join(args, ", ")));
  return {};
}

Result<std::optional<std::vector<CallResult>>> FakeMachine::call(const BoundStep& step, const BoundCall& call) {
  std::vector<std::string> args;
  for (const CallValue& each : call.args) args.push_back(to_string(each));
  log_.push_back(fmt::format("{}call {}({})", step.prepare ? "prepare " : "", full_name(call.op, call.overload),
                             fmt::join(args, ", ")));
  const auto it = answers_.find(call.op);
  if (it == answers_.end()) return std::nullopt;
  return it->second[std::min(calls_[call.op]++, it->second.size() - 1)];
}

Result<> FakeMachine::commit(const BoundStep&, const BoundCall& call) {
  for (const BoundOut& out : call.outs) {
    if (out.kind == BoundOut::Kind::keep) log_.push_back(fmt::format("keep %{}", out.tensor));
    if (out.kind != BoundOut::Kind::write) continue;
    log_.push_back(fmt::format("write %{}{}", out.tensor,
                               call.out_overload ? " by " + full_name(call.op, *call.out_overload) : ""));
  }
  return {};
}

}  // namespace kerf
