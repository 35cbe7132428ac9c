// Operator schemas, read as PyTorch prints them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "candidate/identifiers.h"
#include "candidate/schema.h"

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
class SchemaParser {
 public:
  explicit SchemaParser(std::string_view text) : text_(text) {}

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

}  // namespace

Result<Schema> parse_schema(std::string_view text) { return SchemaParser(text).parse(); }

}  // namespace kerf
