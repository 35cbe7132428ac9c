#include "runner/interpreter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "candidate/triton_manifest.h"
#include "problem/json_fields.h"

namespace kerf {

using json = nlohmann::json;

namespace {

constexpr std::chrono::milliseconds for_ever{-1};  // kerf itself ends what takes too long

json scalar(const BoundArgument& argument) {
  using enum BoundArgument::Kind;
  switch (argument.kind) {
    case i32:
      return {{"type", "i32"}, {"value", argument.integer}};
    case f32:
    case f64:
      return {{"type", to_string(argument.kind)}, {"value", argument.number}};
    case boolean:
      return {{"type", "bool"}, {"value", argument.integer != 0}};
    default:
      return {{"type", "int"}, {"value", argument.integer}};
  }
}

std::unexpected<Error> crashed(std::string message, Location at) {
  return std::unexpected(Error{.kind = ErrorKind::candidate,
                               .message = std::move(message),
                               .at = at,
                               .facts = {{"verdict", "crashed"}, {"rule", "interpreter"}}});
}

// The process ran the candidate's text: what it says may be anything.
std::unexpected<Error> error_of(const json& error, Location at) {
  const auto text = [&](const char* key) {
    const auto found = error.find(key);
    std::string words = found != error.end() && found->is_string() ? found->get<std::string>() : std::string();
    std::ranges::replace_if(words, [](char c) { return c < ' ' || c > '~'; }, ' ');
    return words.substr(0, 500);
  };
  const std::string message = text("message"), rule = text("rule");
  if (message.starts_with("unavailable: ")) return fail(ErrorKind::unavailable, message, at);
  constexpr int most = 1'000'000;
  if (const auto line = error.find("line");
      line != error.end() && line->is_number_integer() && *line > 0 && *line < most)
    at = {.line = line->get<int>(), .column = 1};
  if (rule != "out_of_bounds" && rule != "writes_input") return crashed(message, at);
  return std::unexpected(Error{
      .kind = ErrorKind::candidate, .message = message, .at = at, .facts = {{"verdict", "crashed"}, {"rule", rule}}});
}

}  // namespace

Result<> interpret(const Channel& interpreter, const BoundLaunch& launch, const TunePoint& tune, bool descending,
                   const std::vector<InterpretedTensor>& tensors, Location at) {
  const auto overlaps = [](const InterpretedTensor& a, const InterpretedTensor& b) {
    return a.memory.data() < b.memory.data() + b.memory.size() && b.memory.data() < a.memory.data() + a.memory.size();
  };
  for (std::size_t i = 0; i < tensors.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if ((tensors[i].writable || tensors[j].writable) && overlaps(tensors[i], tensors[j]))
        return fail(ErrorKind::unavailable, "unavailable: the interpreter has no tensors that share memory", at);
  json request = {{"kernel", launch.kernel},      {"grid", launch.grid},    {"descending", descending},
                  {"constexprs", json::object()}, {"tune", json::object()}, {"tensors", json::array()},
                  {"args", json::array()}};
  for (const auto& [name, value] : launch.programs->constexprs) request["constexprs"][name] = to_json(value);
  for (const auto& [name, value] : tune) request["tune"][name] = to_json(value);
  for (const InterpretedTensor& t : tensors) request["tensors"].push_back({{"name", t.name}, {"writable", t.writable}});
  std::map<TensorId, std::size_t> places;
  for (const BoundArgument& argument : launch.args) {
    if (argument.kind != BoundArgument::Kind::tensor) {
      request["args"].push_back(scalar(argument));
      continue;
    }
    const std::size_t place = places.try_emplace(argument.tensor, places.size()).first->second;
    const TritonArgument pointer{.dtype = tensors.at(place).dtype};
    request["args"].push_back({{"tensor", place}, {"type", to_string(pointer)}});
  }
  TRY(interpreter.send(request.dump()));
  const auto gone = [&] { return crashed(launch.kernel + " ends the process that interprets it", at); };
  for (const InterpretedTensor& t : tensors)
    TRY(interpreter.send({reinterpret_cast<const char*>(t.memory.data()), t.memory.size()}));
  const auto said = interpreter.receive(for_ever);
  if (!said) return gone();
  const json answer = read_json(said->body);
  if (!answer.is_object()) return gone();
  if (answer.contains("error") && answer["error"].is_object()) return error_of(answer["error"], at);
  for (const InterpretedTensor& t : tensors) {
    if (!t.writable) continue;
    const auto bytes = interpreter.receive(for_ever);
    if (!bytes || bytes->body.size() != t.memory.size()) return gone();
    std::memcpy(t.memory.data(), bytes->body.data(), t.memory.size());
  }
  return {};
}

}  // namespace kerf
