#include "candidate/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "candidate/identifiers.h"

namespace kerf {
namespace {

struct BaseName {
  std::string_view text;
  SchemaBase base;
};
constexpr std::array<BaseName, 17> base_names = {{{"Tensor", SchemaBase::tensor},
                                                  {"int", SchemaBase::integer},
                                                  {"SymInt", SchemaBase::integer},
                                                  {"float", SchemaBase::number},
                                                  {"bool", SchemaBase::boolean},
                                                  {"SymBool", SchemaBase::boolean},
                                                  {"Scalar", SchemaBase::scalar},
                                                  {"number", SchemaBase::scalar},
                                                  {"str", SchemaBase::text},
                                                  {"ScalarType", SchemaBase::dtype},
                                                  {"MemoryFormat", SchemaBase::memory_format},
                                                  {"Layout", SchemaBase::layout},
                                                  {"Device", SchemaBase::layout},
                                                  {"Generator", SchemaBase::layout},
                                                  {"Stream", SchemaBase::layout},
                                                  {"Storage", SchemaBase::layout},
                                                  {"SymFloat", SchemaBase::number}}};

// Recursive descent over the text of one schema.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Schema> parse() {
    Schema schema;
    schema.text = std::string(text_);
    TRY(qualified_name(schema));
    TRY(expect("("));
    bool keyword_only = false;
    while (!accept(")")) {
      if (accept("*")) {
        keyword_only = true;
      } else {
        SchemaArgument argument = TRY(typed());
        argument.keyword_only = keyword_only;
        argument.name = word();
        if (argument.name.empty()) return wrong("the name of an argument");
        if (accept("=")) argument.default_value = TRY(default_text());
        schema.arguments.push_back(std::move(argument));
      }
      if (accept(")")) break;
      TRY(expect(","));
    }
    TRY(expect("->"));
    TRY(results(schema));
    if (at_ != text_.size()) return wrong("the end");
    return schema;
  }

 private:
  std::unexpected<Error> wrong(std::string_view wanted) const {
    return fail(ErrorKind::internal,
                fmt::format("operator schema `{}`: expected {} at `{}`", text_, wanted, text_.substr(at_)));
  }
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool accept(std::string_view symbol) {
    skip();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }
  Result<> expect(std::string_view symbol) {
    if (!accept(symbol)) return wrong(fmt::format("`{}`", symbol));
    return {};
  }
  std::string word() {
    skip();
    const std::size_t start = at_;
    while (at_ < text_.size() && is_name_part(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  Result<> qualified_name(Schema& schema) {
    const std::size_t end = text_.find('(');
    const std::string_view whole = text_.substr(0, end);
    const std::size_t space = whole.find("::");
    if (end == std::string_view::npos || space == std::string_view::npos) return wrong("NAMESPACE::NAME(");
    const std::size_t dot = whole.find('.', space);
    schema.name = std::string(whole.substr(0, dot));
    if (dot != std::string_view::npos) schema.overload = std::string(whole.substr(dot + 1));
    at_ = end;
    return {};
  }

  // Tensor(a!)?[2]? and the like.
  Result<SchemaArgument> typed() {
    SchemaArgument argument;
    std::string base = word();
    while (at_ < text_.size() && text_[at_] == '.' && !base.empty()) {  // a class: __torch__.torch.classes.…
      ++at_;
      base += "." + word();
    }
    const auto known = std::ranges::find(base_names, base, &BaseName::text);
    if (known != base_names.end()) {
      argument.type.base = known->base;
    } else if (!base.empty()) {
      argument.type.base = SchemaBase::layout;  // Dict(str, Tensor), a type variable t, …: nothing that a plan can pass
    } else {
      return wrong("a type");
    }
    if (at_ < text_.size() && text_[at_] == '(') TRY(annotation(argument));
    bool optional = accept("?");
    while (at_ < text_.size() && text_[at_] == '[') {
      ++at_;
      argument.type.list = true;
      argument.type.optional_element = optional;
      const std::string size = word();
      if (!size.empty()) {
        const auto [stop, error] = std::from_chars(size.data(), size.data() + size.size(), argument.type.size);
        if (error != std::errc() || stop != size.data() + size.size()) return wrong("the size of a list");
      }
      TRY(expect("]"));
      if (at_ < text_.size() && text_[at_] == '(') TRY(annotation(argument));  // int[](a)
      optional = accept("?");
    }
    argument.type.optional = optional;
    return argument;
  }

  Result<> annotation(SchemaArgument& argument) {
    const std::size_t start = ++at_;
    int depth = 1;
    for (; at_ < text_.size() && depth > 0; ++at_) depth += text_[at_] == '(' ? 1 : text_[at_] == ')' ? -1 : 0;
    if (depth != 0) return wrong("`)`");
    argument.alias = std::string(text_.substr(start, at_ - start - 1));
    argument.written = argument.alias.find('!') != std::string::npos;
    std::erase(argument.alias, '!');
    return {};
  }

  // Up to the comma or parenthesis that ends the argument.
  Result<std::string> default_text() {
    skip();
    const std::size_t start = at_;
    int depth = 0;
    char quote = '\0';
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quote != '\0') {
        if (c == '\\') ++at_;
        if (c == quote) quote = '\0';
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (depth == 0 && (c == ',' || c == ')')) {
        break;
      } else {
        depth += c == '[' || c == '(' ? 1 : c == ']' || c == ')' ? -1 : 0;
      }
    }
    at_ = std::min(at_, text_.size());
    return std::string(text_.substr(start, at_ - start));
  }

  Result<> results(Schema& schema) {
    if (!accept("(")) {
      if (accept("...")) return {};
      SchemaArgument result = TRY(typed());
      result.name = word();
      schema.results.push_back(std::move(result));
      return {};
    }
    while (!accept(")")) {
      if (!accept("...")) {
        SchemaArgument result = TRY(typed());
        result.name = word();
        schema.results.push_back(std::move(result));
      }
      if (accept(")")) break;
      TRY(expect(","));
    }
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

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

Result<Schema> parse_schema(std::string_view text) { return Parser(text).parse(); }

}  // namespace kerf
