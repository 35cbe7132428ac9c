#include "problem/literal.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string>

namespace kerf {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Value> whole() {
    Value value = TRY(any(0));
    skip_space();
    if (at_ < text_.size()) return wrong("expected the end of the value");
    return value;
  }

 private:
  static constexpr int max_depth = 32;

  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return done() ? '\0' : text_[at_]; }
  void skip_space() {
    while (!done() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const {
    const auto rest = done() ? std::string("its end") : fmt::format("\"{}\"", text_.substr(at_, 24));
    return user_error(
        fmt::format("{} in \"{}\", found {}: a value is a Python literal, such as 16, 0.5, True, 'text' or (3, 5)",
                    what, text_.substr(0, 80), rest));
  }

  Result<Value> any(int depth) {
    skip_space();
    if (depth > max_depth) return wrong("lists are nested too deeply");
    const char c = peek();
    if (c == '(' || c == '[') return list(depth);
    if (c == '\'' || c == '"') return text();
    if (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9')) return number();
    return word();
  }

  Result<Value> list(int depth) {
    const bool tuple = peek() == '(';
    const char close = tuple ? ')' : ']';
    ++at_;
    ValueList items;
    bool comma = false;
    while (!take(close)) {
      if (!items.empty() && !comma) return wrong(fmt::format("expected ',' or '{}'", close));
      items.push_back(TRY(any(depth + 1)));
      comma = take(',');
    }
    if (tuple && items.size() == 1 && !comma) return items.front();  // (3) is 3
    return Value{std::move(items)};
  }

  Result<Value> text() {
    const char quote = text_[at_++];
    std::string out;
    while (peek() != quote) {
      if (done()) return wrong("a string is not closed");
      char c = text_[at_++];
      if (c == '\\') {
        if (done()) return wrong("a string is not closed");
        c = text_[at_++];
        if (c == 'n')
          c = '\n';
        else if (c == 't')
          c = '\t';
        else if (c != '\\' && c != '\'' && c != '"')
          return wrong("an escape other than \\n, \\t, \\\\, \\' and \\\"");
      }
      out += c;
    }
    ++at_;
    return Value{std::move(out)};
  }

  Result<Value> word() {
    const std::string_view rest = text_.substr(at_);
    const auto end = std::min(rest.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"),
                              rest.size());
    const std::string_view found = rest.substr(0, end);
    at_ += end;
    if (found == "None") return Value{};
    if (found == "True") return Value{true};
    if (found == "False") return Value{false};
    at_ -= end;
    return wrong("expected a value");
  }

  Result<Value> number() {
    const std::size_t begin = at_;
    std::string digits;
    bool floating = false, hexadecimal = false;
    if (peek() == '+') ++at_;
    if (peek() == '-') digits += text_[at_++];
    if (text_.substr(at_, 2) == "0x" || text_.substr(at_, 2) == "0X") {
      hexadecimal = true;
      at_ += 2;
    }
    for (; !done(); ++at_) {
      const char c = peek();
      const bool exponent = !hexadecimal && (c == 'e' || c == 'E');
      const bool sign =
          (c == '-' || c == '+') && !digits.empty() && (digits.back() == 'e' || digits.back() == 'E') && floating;
      const bool digit = (c >= '0' && c <= '9') || (hexadecimal && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
      if (c == '_') continue;
      if (!digit && !exponent && !sign && c != '.') break;
      floating = floating || exponent || c == '.';
      if (c != '+') digits += c;
    }
    const char* end = digits.data() + digits.size();
    if (!floating) {
      std::int64_t value = 0;
      const auto [stop, error] = std::from_chars(digits.data(), end, value, hexadecimal ? 16 : 10);
      if (error == std::errc() && stop == end) return Value{value};
      at_ = begin;
      return wrong(error == std::errc::result_out_of_range ? "an integer that does not fit into 64 bits"
                                                           : "a malformed number");
    }
    double value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (!hexadecimal && error == std::errc() && stop == end) return Value{value};
    at_ = begin;
    return wrong("a malformed number");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<Value> parse_literal(std::string_view text) { return Reader(text).whole(); }

}  // namespace kerf
