#include "candidate/triton_manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "candidate/plan_error.h"
#include "problem/json_fields.h"

namespace kerf {

namespace {

using Type = TritonArgument::Type;

constexpr std::array<std::pair<Type, const char*>, 6> type_names = {{{Type::pointer, "pointer"},
                                                                     {Type::i32, "i32"},
                                                                     {Type::i64, "i64"},
                                                                     {Type::f32, "fp32"},
                                                                     {Type::f64, "fp64"},
                                                                     {Type::boolean, "u1"}}};

const char* name_of(Type type) {
  return std::ranges::find(type_names, type, &std::pair<Type, const char*>::first)->second;
}

const char* triton_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return "fp64";
    case Dtype::f32:
      return "fp32";
    case Dtype::bf16:
      return "bf16";
    case Dtype::f16:
      return "fp16";
    case Dtype::boolean:
      return "i1";
    case Dtype::i64:
    case Dtype::i32:
    case Dtype::i16:
    case Dtype::i8:
    case Dtype::u8:
      break;
  }
  return to_string(dtype);
}

TritonArgument integer(std::int64_t value, bool narrow) {
  constexpr std::int64_t unit = 16;
  const bool fits =
      value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max();
  return {.type = narrow || fits ? Type::i32 : Type::i64, .divisible_16 = value % unit == 0, .is_one = value == 1};
}

// A field of untrusted JSON.
template <class T>
Result<T> field(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  if (found != json.end()) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (found->is_string()) return found->get<std::string>();
    } else {
      constexpr std::int64_t most = std::int64_t{1} << 40;
      if (found->is_number_integer() && *found >= 0 &&
          *found <= std::min<std::int64_t>(most, std::numeric_limits<T>::max()))
        return found->get<T>();
    }
  }
  return fail(ErrorKind::system, fmt::format("a Triton manifest without a proper `{}`", name));
}

Result<const nlohmann::json*> list(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_array())
    return fail(ErrorKind::system, fmt::format("a Triton manifest without a list `{}`", name));
  return &*found;
}

Result<TritonEntry> entry_from(const nlohmann::json& json) {
  if (!json.is_object()) return fail(ErrorKind::system, "a Triton manifest with an entry that is none");
  TritonEntry entry{.key = TRY(field<std::string>(json, "key")),
                    .kernel = TRY(field<std::string>(json, "kernel")),
                    .cubin = TRY(field<std::string>(json, "cubin")),
                    .symbol = TRY(field<std::string>(json, "symbol")),
                    .num_warps = TRY(field<int>(json, "num_warps")),
                    .shared_bytes = TRY(field<std::int64_t>(json, "shared_bytes")),
                    .parameters = {},
                    .scratch = {},
                    .registers = TRY(field<int>(json, "registers")),
                    .local_bytes = TRY(field<std::int64_t>(json, "local_bytes"))};
  if (entry.cubin.empty() || entry.cubin.find('/') != std::string::npos || entry.cubin.starts_with('.'))
    return fail(ErrorKind::system, "a Triton manifest that names a file elsewhere");
  for (const auto& each : *TRY(list(json, "parameters"))) {
    if (!each.is_object()) return fail(ErrorKind::system, "a Triton manifest with a parameter that is none");
    const std::string name = TRY(field<std::string>(each, "type"));
    const auto type = std::ranges::find_if(type_names, [&](const auto& known) { return name == known.second; });
    if (type == type_names.end()) return fail(ErrorKind::system, "a Triton manifest with a type that is none");
    entry.parameters.push_back({.argument = TRY(field<int>(each, "argument")), .type = type->first});
  }
  for (const auto& each : *TRY(list(json, "scratch"))) {
    if (!each.is_object()) return fail(ErrorKind::system, "a Triton manifest with a scratch that is none");
    entry.scratch.push_back(
        {.bytes = TRY(field<std::int64_t>(each, "bytes")), .alignment = TRY(field<std::int64_t>(each, "alignment"))});
  }
  return entry;
}

}  // namespace

std::string to_string(const TritonArgument& argument) {
  if (argument.type == Type::pointer) return std::string("*") + triton_name(argument.dtype);
  return name_of(argument.type);
}

Result<std::vector<TritonArgument>> triton_arguments(const BoundLaunch& launch,
                                                     const std::vector<BoundTensor>& tensors) {
  using Kind = BoundArgument::Kind;
  std::vector<TritonArgument> arguments;
  for (const BoundArgument& bound : launch.args) {
    TritonArgument argument;
    switch (bound.kind) {
      case Kind::tensor: {
        const BoundTensor& tensor = tensors[static_cast<std::size_t>(bound.tensor)];
        if (!tensor.spec) {
          return fail(ErrorKind::unavailable,
                      fmt::format("unavailable: {} takes `{}`, the result of a call, whose type is not known before it "
                                  "has run: kernels are compiled ahead of time; write it into scratch first",
                                  launch.kernel, tensor.name));
        }
        argument = {.type = Type::pointer,
                    .dtype = tensor.spec->dtype,
                    .divisible_16 = tensor.kind != BoundTensor::Kind::result};
        break;
      }
      case Kind::i64:
      case Kind::i32:
        argument = integer(bound.integer, bound.kind == Kind::i32);
        break;
      case Kind::f32:
        argument.type = Type::f32;
        break;
      case Kind::f64:
        argument.type = Type::f64;
        break;
      case Kind::boolean:
        argument.type = Type::boolean;
        break;
      case Kind::tensor_map:
        return refuse("prototype", "a tensor map is no argument of a Triton kernel", bound.at);
      case Kind::thread:
        return refuse("prototype", "`thread` is no argument of a Triton kernel", bound.at);
      case Kind::unknown:
        return fail(ErrorKind::unavailable,
                    fmt::format("unavailable: an argument of {} depends on the result of a call: kernels are compiled "
                                "ahead of time",
                                launch.kernel));
    }
    arguments.push_back(argument);
  }
  return arguments;
}

std::string triton_key(const BoundLaunch& launch, const std::vector<TritonArgument>& arguments) {
  std::vector<std::string> words;
  for (const TritonArgument& argument : arguments) {
    words.push_back(argument.is_one ? "1" : to_string(argument) + (argument.divisible_16 ? ":16" : ""));
  }
  std::string key = fmt::format("{}({})", launch.kernel, fmt::join(words, ", "));
  const BoundPrograms programs = launch.programs.value_or(BoundPrograms{});
  for (const auto& [name, value] : programs.constexprs) key += fmt::format(" {}={}", name, to_string(value));
  key += fmt::format(" num_warps={}", programs.num_warps);
  if (programs.num_stages) key += fmt::format(" num_stages={}", *programs.num_stages);
  return key;
}

const TritonEntry* TritonManifest::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &TritonEntry::key);
  return found == entries.end() ? nullptr : &*found;
}

std::string to_text(const TritonManifest& manifest) {
  auto entries = nlohmann::json::array();
  for (const TritonEntry& e : manifest.entries) {
    auto parameters = nlohmann::json::array(), scratch = nlohmann::json::array();
    for (const TritonParameter& p : e.parameters)
      parameters.push_back({{"argument", p.argument}, {"type", name_of(p.type)}});
    for (const TritonScratch& s : e.scratch) scratch.push_back({{"bytes", s.bytes}, {"alignment", s.alignment}});
    entries.push_back({{"key", e.key},
                       {"kernel", e.kernel},
                       {"cubin", e.cubin},
                       {"symbol", e.symbol},
                       {"num_warps", e.num_warps},
                       {"shared_bytes", e.shared_bytes},
                       {"parameters", parameters},
                       {"scratch", scratch},
                       {"registers", e.registers},
                       {"local_bytes", e.local_bytes}});
  }
  return nlohmann::json{{"architecture", manifest.architecture}, {"entries", entries}}.dump(
      1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<TritonManifest> read_triton_manifest(std::string_view text) {
  const auto json = read_json(text);
  if (!json.is_object()) return fail(ErrorKind::system, "a Triton manifest that is no JSON object");
  TritonManifest manifest{.architecture = TRY(field<std::string>(json, "architecture")), .entries = {}};
  for (const auto& each : *TRY(list(json, "entries"))) manifest.entries.push_back(TRY(entry_from(each)));
  return manifest;
}

}  // namespace kerf
