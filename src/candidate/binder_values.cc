// The arguments of calls: they become values of the types that the operator's schema says.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "candidate/arithmetic.h"
#include "candidate/binder.h"
#include "candidate/plan_error.h"

namespace kerf {
namespace {

std::string spelled(const PlanArgument& argument) {
  if (const auto* value = std::get_if<Value>(&argument.is)) return to_string(*value);
  if (const auto* text = std::get_if<Located>(&argument.is)) return fmt::format("\"{}\"", text->text);
  return std::holds_alternative<PlanArgumentList>(argument.is) ? "an array" : "a table";
}

bool is_none(const PlanArgument& argument) {
  const auto* text = std::get_if<Located>(&argument.is);
  return text && text->text == "none";
}

std::unexpected<Error> wrong_type(const SchemaArgument& wanted, const std::string& found, Location at) {
  return refuse("schema", fmt::format("the argument `{}` is {}: found {}", wanted.name, to_string(wanted.type), found),
                at);
}

}  // namespace

Result<std::vector<CallValue>> Binder::arguments(const Step& step, const Schema& schema, bool& unknown) {
  std::vector<CallValue> values;
  const std::string op = operator_name(schema.name, schema.overload);
  std::size_t position = 0;
  const auto positional = static_cast<std::size_t>(
      std::ranges::count_if(schema.arguments, [](const SchemaArgument& a) { return !a.keyword_only; }));
  if (step.args.size() > positional) {
    return refuse(
        "schema",
        fmt::format("{} positional arguments: expected at most {} for {}", step.args.size(), positional, schema.text),
        step.args[positional].at);
  }
  for (const auto& [key, argument] : step.kwargs) {
    const auto wanted = std::ranges::find(schema.arguments, key.text, &SchemaArgument::name);
    if (wanted == schema.arguments.end()) {
      return refuse("schema", fmt::format("{} has no argument `{}`: expected those of {}", op, key.text, schema.text),
                    key.at);
    }
    if (static_cast<std::size_t>(wanted - schema.arguments.begin()) < step.args.size()) {
      return refuse("schema", fmt::format("`{}` is given by position already", key.text), key.at);
    }
  }
  for (const SchemaArgument& wanted : schema.arguments) {
    if (position < step.args.size()) {
      values.push_back(TRY(value(step.args[position++], wanted, step, unknown)));
      continue;
    }
    const auto keyword =
        std::ranges::find_if(step.kwargs, [&](const auto& each) { return each.first.text == wanted.name; });
    if (keyword != step.kwargs.end()) {
      values.push_back(TRY(value(keyword->second, wanted, step, unknown)));
      continue;
    }
    const std::optional<CallValue> fallback = default_of(wanted);
    if (!fallback)
      return refuse("schema",
                    fmt::format("the argument `{}` is missing: expected those of {}", wanted.name, schema.text),
                    step.args_at);
    values.push_back(*fallback);
  }
  return values;
}

Result<CallValue> Binder::value(const PlanArgument& argument, const SchemaArgument& wanted, const Step& step,
                                bool& unknown) {
  using Kind = CallValue::Kind;
  if (is_none(argument)) {
    if (wanted.type.optional) return CallValue{};
    return wrong_type(wanted, "\"none\"", argument.at);
  }
  const auto* text = std::get_if<Located>(&argument.is);
  switch (wanted.type.base) {
    case SchemaBase::tensor:
      return wanted.type.list ? tensor_list(argument, wanted, step) : tensor_value(argument, wanted, step, unknown);
    case SchemaBase::text:
    case SchemaBase::memory_format: {
      if (!text || wanted.type.list) return wrong_type(wanted, spelled(argument), argument.at);
      const bool format = wanted.type.base == SchemaBase::memory_format;
      static constexpr std::array<std::string_view, 4> formats = {"contiguous_format", "preserve_format",
                                                                  "channels_last", "channels_last_3d"};
      if (format && std::ranges::find(formats, text->text) == formats.end()) {
        return wrong_type(wanted, fmt::format("`{}`, expected one of {}", text->text, fmt::join(formats, ", ")),
                          argument.at);
      }
      CallValue result{.kind = format ? Kind::memory_format : Kind::text};
      result.text = text->text;
      return result;
    }
    case SchemaBase::dtype:
      return dtype_value(argument, wanted, step, unknown);
    case SchemaBase::layout:
      return wrong_type(wanted, spelled(argument) + ", which a plan cannot choose", argument.at);
    case SchemaBase::integer:
    case SchemaBase::number:
    case SchemaBase::boolean:
    case SchemaBase::scalar:
      break;
  }
  return number_value(argument, wanted, step, unknown);
}

Result<CallValue> Binder::tensor_value(const PlanArgument& argument, const SchemaArgument& wanted, const Step& step,
                                       bool& unknown) {
  using Kind = CallValue::Kind;
  const auto* text = std::get_if<Located>(&argument.is);
  if (const auto name = text ? tensor_name(text->text) : std::nullopt) {
    CallValue result{.kind = Kind::tensor};
    const TensorId id = TRY(use_tensor(*name, text->at, step));
    if (wanted.written) TRY(check_written(id, text->at, wanted, step));
    result.tensors = {id};
    return result;
  }
  if (std::holds_alternative<PlanArgumentList>(argument.is) || wanted.written)
    return wrong_type(wanted, spelled(argument), argument.at);
  // A number in a tensor's place, as in x + 1.
  const Evaluated number = TRY(evaluate(argument, step));
  unknown = unknown || number.unknown;
  CallValue result;
  if (number.unknown) return result;
  if (std::holds_alternative<std::monostate>(number.value.is) && wanted.type.optional) return result;
  if (const auto* integer = std::get_if<std::int64_t>(&number.value.is)) {
    result.kind = Kind::integer;
    result.integers = {*integer};
  } else if (const auto* real = std::get_if<double>(&number.value.is)) {
    result.kind = Kind::number;
    result.numbers = {*real};
  } else if (const auto* boolean = std::get_if<bool>(&number.value.is)) {
    result.kind = Kind::boolean;
    result.integers = {*boolean ? 1 : 0};
  } else {
    return wrong_type(wanted, spelled(argument), argument.at);
  }
  return result;
}

Result<CallValue> Binder::tensor_list(const PlanArgument& argument, const SchemaArgument& wanted, const Step& step) {
  const auto* list = std::get_if<PlanArgumentList>(&argument.is);
  if (!list) return wrong_type(wanted, spelled(argument), argument.at);
  CallValue result{.kind = CallValue::Kind::tensors};
  for (const PlanArgument& each : *list) {
    if (is_none(each) && wanted.type.optional_element) {
      result.tensors.push_back(no_tensor);
      continue;
    }
    const auto* text = std::get_if<Located>(&each.is);
    const auto name = text ? tensor_name(text->text) : std::nullopt;
    if (!name) {
      return refuse("schema",
                    fmt::format("the argument `{}` is a list of tensors: found {} in it, expected a tensor's name",
                                wanted.name, spelled(each)),
                    each.at);
    }
    const TensorId id = TRY(use_tensor(*name, text->at, step));
    if (wanted.written) TRY(check_written(id, text->at, wanted, step));
    result.tensors.push_back(id);
  }
  return result;
}

Result<CallValue> Binder::dtype_value(const PlanArgument& argument, const SchemaArgument& wanted, const Step& step,
                                      bool& unknown) {
  const auto* text = std::get_if<Located>(&argument.is);
  if (!text || wanted.type.list) return wrong_type(wanted, spelled(argument), argument.at);
  CallValue result{.kind = CallValue::Kind::dtype};
  std::optional<Dtype> dtype = dtype_from(text->text);
  if (!dtype && expression(*text)) {  // x.dtype
    const Evaluated evaluated = TRY(evaluate(*text, step));
    unknown = unknown || evaluated.unknown;
    if (evaluated.unknown) return result;
    if (const auto* name = std::get_if<std::string>(&evaluated.value.is)) dtype = dtype_from(*name);
  }
  if (!dtype)
    return wrong_type(wanted,
                      fmt::format("`{}`, expected f64, f32, bf16, f16, i64, i32, i16, i8, u8 or bool", text->text),
                      argument.at);
  result.dtypes = {*dtype};
  return result;
}

Result<CallValue> Binder::number_value(const PlanArgument& argument, const SchemaArgument& wanted, const Step& step,
                                       bool& unknown) {
  using Kind = CallValue::Kind;
  const SchemaBase base = wanted.type.base;
  const Evaluated evaluated = TRY(evaluate(argument, step));
  unknown = unknown || evaluated.unknown;
  CallValue result;
  if (evaluated.unknown) return result;
  const Value& value = evaluated.value;
  if (std::holds_alternative<std::monostate>(value.is) && wanted.type.optional) return result;

  const auto fits = [base](const Value& each) {
    const bool boolean = std::holds_alternative<bool>(each.is);
    if (base == SchemaBase::boolean) return boolean;
    if (is_integer(each)) return true;
    if (std::holds_alternative<double>(each.is)) return base != SchemaBase::integer;
    return base == SchemaBase::scalar && boolean;
  };
  const auto found = [&](const Value& each) { return fmt::format("{}, {}", to_string(each), kind_of(each)); };
  const auto* list = std::get_if<ValueList>(&value.is);
  if (!wanted.type.list) {
    if (list || !fits(value)) return wrong_type(wanted, found(value), argument.at);
    if (const auto* boolean = std::get_if<bool>(&value.is)) {
      result.kind = Kind::boolean;
      result.integers = {*boolean ? 1 : 0};
    } else if (const auto* integer = std::get_if<std::int64_t>(&value.is); integer && base != SchemaBase::number) {
      result.kind = Kind::integer;
      result.integers = {*integer};
    } else {
      result.kind = Kind::number;
      result.numbers = {integer ? static_cast<double>(*integer) : std::get<double>(value.is)};
    }
    return result;
  }
  // One number for a list of a fixed size stands for as many, as PyTorch has it.
  if (!list && wanted.type.size == 0) return wrong_type(wanted, found(value), argument.at);
  const ValueList items = list ? *list : ValueList(static_cast<std::size_t>(wanted.type.size), value);
  result.kind = base == SchemaBase::integer   ? Kind::integers
                : base == SchemaBase::boolean ? Kind::booleans
                                              : Kind::numbers;
  const auto* parts = std::get_if<PlanArgumentList>(&argument.is);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Value& each = items[i];
    if (!fits(each)) return wrong_type(wanted, found(each), parts && i < parts->size() ? (*parts)[i].at : argument.at);
    if (const auto* integer = std::get_if<std::int64_t>(&each.is)) {
      if (result.kind == Kind::numbers) {
        result.numbers.push_back(static_cast<double>(*integer));
      } else {
        result.integers.push_back(*integer);
      }
    } else if (const auto* boolean = std::get_if<bool>(&each.is)) {
      if (result.kind == Kind::numbers) {
        result.numbers.push_back(*boolean ? 1.0 : 0.0);
      } else {
        result.integers.push_back(*boolean ? 1 : 0);
      }
    } else {
      result.numbers.push_back(std::get<double>(each.is));
    }
  }
  return result;
}

}  // namespace kerf
