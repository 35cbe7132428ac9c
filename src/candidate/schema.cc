#include "candidate/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace kerf {
namespace {

template <class T>
std::optional<T> parsed(std::string_view text) {
  T value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  if (stop == text.data() + text.size()) return value;
  // "1." as PyTorch prints floats
  return text.substr(static_cast<std::size_t>(stop - text.data())) == "." ? std::optional(value) : std::nullopt;
}

std::vector<std::string> items(std::string_view list) {
  std::vector<std::string> result;
  std::string_view rest = list.substr(1, list.size() - 2);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    if (!item.empty()) result.emplace_back(item);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return result;
}

// PyTorch prints enumerators as numbers (c10/core/ScalarType.h, c10/core/MemoryFormat.h).
std::optional<Dtype> dtype_of_number(std::int64_t number) {
  switch (number) {
    case 0:
      return Dtype::u8;
    case 1:
      return Dtype::i8;
    case 2:
      return Dtype::i16;
    case 3:
      return Dtype::i32;
    case 4:
      return Dtype::i64;
    case 5:
      return Dtype::f16;
    case 6:
      return Dtype::f32;
    case 7:
      return Dtype::f64;
    case 11:
      return Dtype::boolean;
    case 15:
      return Dtype::bf16;
    default:
      return std::nullopt;
  }
}

std::optional<CallValue> scalar_default(SchemaBase base, const std::string& text) {
  using Kind = CallValue::Kind;
  CallValue value;
  const std::optional<std::int64_t> integer = parsed<std::int64_t>(text);
  const bool whole = integer && text.find('.') == std::string::npos;
  switch (base) {
    case SchemaBase::scalar:
    case SchemaBase::integer:
      if (whole) {
        value.kind = Kind::integer;
        value.integers = {*integer};
        return value;
      }
      if (base == SchemaBase::integer) return std::nullopt;
      [[fallthrough]];
    case SchemaBase::number: {
      const auto number = parsed<double>(text);
      if (!number) return std::nullopt;
      value.kind = Kind::number;
      value.numbers = {*number};
      return value;
    }
    case SchemaBase::boolean:
      if (text != "True" && text != "False") return std::nullopt;
      value.kind = Kind::boolean;
      value.integers = {text == "True" ? 1 : 0};
      return value;
    case SchemaBase::text:
      if (text.size() < 2 || text.find('\\') != std::string::npos) return std::nullopt;
      value.kind = Kind::text;
      value.text = text.substr(1, text.size() - 2);
      return value;
    case SchemaBase::dtype: {
      const auto dtype = whole ? dtype_of_number(*integer) : std::nullopt;
      if (!dtype) return std::nullopt;
      value.kind = Kind::dtype;
      value.dtypes = {*dtype};
      return value;
    }
    case SchemaBase::memory_format: {
      static constexpr std::array<const char*, 4> formats = {"contiguous_format", "preserve_format", "channels_last",
                                                             "channels_last_3d"};
      value.kind = Kind::memory_format;
      if (whole && *integer >= 0 && *integer < static_cast<std::int64_t>(formats.size())) {
        value.text = formats.at(static_cast<std::size_t>(*integer));
        return value;
      }
      if (std::ranges::find(formats, text) == formats.end()) return std::nullopt;
      value.text = text;
      return value;
    }
    case SchemaBase::tensor:
    case SchemaBase::layout:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::string to_string(const SchemaType& type) {
  static constexpr std::array<const char*, 9> names = {
      "Tensor", "int", "float", "bool", "number", "str", "dtype", "memory format", "layout or device"};
  std::string text = names.at(static_cast<std::size_t>(type.base));
  if (type.optional_element) text += "?";
  if (type.list) text += type.size > 0 ? fmt::format("[{}]", type.size) : "[]";
  if (type.optional) text += "?";
  return text;
}

std::string to_string(const CallValue& value) {
  using Kind = CallValue::Kind;
  const auto tensor = [](TensorId id) { return id == no_tensor ? std::string("none") : fmt::format("%{}", id); };
  switch (value.kind) {
    case Kind::none:
      return "none";
    case Kind::tensor:
      return tensor(value.tensors.front());
    case Kind::tensors: {
      std::vector<std::string> parts;
      for (const TensorId id : value.tensors) parts.push_back(tensor(id));
      return fmt::format("[{}]", fmt::join(parts, ", "));
    }
    case Kind::integer:
      return fmt::format("{}", value.integers.front());
    case Kind::boolean:
      return value.integers.front() != 0 ? "true" : "false";
    case Kind::number:
      return to_string(Value{value.numbers.front()});
    case Kind::text:
    case Kind::memory_format:
      return to_string(Value{value.text});
    case Kind::dtype:
      return to_string(value.dtypes.front());
    case Kind::integers:
      return fmt::format("[{}]", fmt::join(value.integers, ", "));
    case Kind::booleans: {
      std::vector<std::string> parts;
      for (const std::int64_t each : value.integers) parts.emplace_back(each != 0 ? "true" : "false");
      return fmt::format("[{}]", fmt::join(parts, ", "));
    }
    case Kind::numbers: {
      std::vector<std::string> parts;
      for (const double each : value.numbers) parts.push_back(to_string(Value{each}));
      return fmt::format("[{}]", fmt::join(parts, ", "));
    }
    case Kind::dtypes: {
      std::vector<std::string> parts;
      for (const Dtype each : value.dtypes) parts.emplace_back(to_string(each));
      return fmt::format("[{}]", fmt::join(parts, ", "));
    }
  }
  return {};
}

std::optional<CallValue> default_of(const SchemaArgument& argument) {
  using Kind = CallValue::Kind;
  if (!argument.default_value) return std::nullopt;
  const std::string& text = *argument.default_value;
  if (text == "None") return CallValue{};
  if (!argument.type.list) return scalar_default(argument.type.base, text);
  std::vector<std::string> parts;
  if (text.starts_with('[') && text.ends_with(']')) {
    parts = items(text);
  } else {
    parts.assign(static_cast<std::size_t>(std::max<std::int64_t>(argument.type.size, 1)), text);  // int[2] stride=1
  }
  CallValue value;
  switch (argument.type.base) {
    case SchemaBase::tensor:
      value.kind = Kind::tensors;
      break;
    case SchemaBase::integer:
      value.kind = Kind::integers;
      break;
    case SchemaBase::boolean:
      value.kind = Kind::booleans;
      break;
    case SchemaBase::number:
    case SchemaBase::scalar:
      value.kind = Kind::numbers;
      break;
    case SchemaBase::dtype:
      value.kind = Kind::dtypes;
      break;
    default:
      return std::nullopt;
  }
  for (const std::string& part : parts) {
    const SchemaBase base = argument.type.base == SchemaBase::scalar ? SchemaBase::number : argument.type.base;
    const std::optional<CallValue> item = scalar_default(base, part);
    if (!item) return std::nullopt;
    value.integers.insert(value.integers.end(), item->integers.begin(), item->integers.end());
    value.numbers.insert(value.numbers.end(), item->numbers.begin(), item->numbers.end());
    value.dtypes.insert(value.dtypes.end(), item->dtypes.begin(), item->dtypes.end());
  }
  return value;
}

}  // namespace kerf
