#include "candidate/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "candidate/arithmetic.h"
#include "candidate/identifiers.h"
#include "candidate/plan_error.h"

namespace kerf {

struct Expression::Node {
  enum class Kind : std::uint8_t {
    constant,
    name,
    attribute,
    item,
    unary,
    binary,
    all,
    any,
    choice,
    call,
    cast,
    numel
  };
  Kind kind = Kind::constant;
  std::size_t offset = 0;            // where it starts in the text
  Value value = {};                  // constant
  int name = 0;                      // name, numel
  Operator op = Operator::add;       // binary; comparisons of a chain are in `chain`
  char sign = '-';                   // unary: - + !
  std::string word = {};             // attribute, call, cast
  std::vector<std::size_t> of = {};  // operands, indexes of nodes; choice: condition, then, else
  std::vector<Operator> chain = {};  // all: of[i] chain[i] of[i + 1]
};

int Names::add(std::string_view name) {
  const auto [it, fresh] = index_.try_emplace(std::string(name), static_cast<int>(names_.size()));
  if (fresh) names_.emplace_back(name);
  return it->second;
}

std::optional<int> Names::find(std::string_view name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<int> Names::longest_prefix(std::string_view text) const {
  // A name may end wherever a letter, digit or _ is followed by something else.
  std::optional<int> best;
  for (std::size_t end = 1; end <= text.size(); ++end) {
    const char last = text[end - 1];
    if (!is_name_part(last) && last != '.' && last != '-') break;
    if (end < text.size() && is_name_part(text[end])) continue;
    if (const auto found = find(text.substr(0, end))) best = found;
  }
  return best;
}

std::vector<std::string_view> Names::all() const { return {names_.begin(), names_.end()}; }

namespace {

using Node = Expression::Node;
constexpr int max_depth = 100;

struct Token {
  enum class Kind : std::uint8_t { end, number, text, name, word, symbol };
  Kind kind = Kind::end;
  std::size_t offset = 0;
  std::string_view text = {};
  Value value = {};  // number, text
  int name = 0;      // name
};

class Lexer {
 public:
  Lexer(const Located& text, const Names& names) : located_(text), text_(text.text), names_(names) {}

  // `attribute`: behind a dot, where a word is no name of the plan.
  Result<Token> next(bool attribute) {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
    Token token{.offset = at_};
    if (at_ == text_.size()) return token;
    const std::string_view rest = text_.substr(at_);
    const char c = rest.front();
    if (!attribute && is_name_part(c)) {
      if (const auto name = names_.longest_prefix(rest)) {
        const std::string& spelled = names_.text(*name);
        // A name that a function has, too, is the function where a parenthesis follows.
        if (!(is_function(spelled) && called(rest.substr(spelled.size())))) {
          token.kind = Token::Kind::name;
          token.name = *name;
          return take(token, spelled.size());
        }
      }
    }
    if ((c >= '0' && c <= '9') || (c == '.' && rest.size() > 1 && rest[1] >= '0' && rest[1] <= '9'))
      return number(token, rest);
    if (is_name_part(c)) {
      std::size_t size = 1;
      while (size < rest.size() && is_name_part(rest[size])) ++size;
      token.kind = Token::Kind::word;
      return take(token, size);
    }
    if (c == '"' || c == '\'') return quoted(token, rest);
    static constexpr std::string_view two[] = {"**", "//", "<=", ">=", "==", "!="};
    token.kind = Token::Kind::symbol;
    for (const std::string_view symbol : two) {
      if (rest.starts_with(symbol)) return take(token, 2);
    }
    if (std::string_view("+-*/%<>()[],.").find(c) != std::string_view::npos) return take(token, 1);
    return refuse("expression", fmt::format("found `{}`: no part of an expression", c), located_.position(at_));
  }

 private:
  static bool called(std::string_view rest) {
    const std::size_t next = rest.find_first_not_of(' ');
    return next != std::string_view::npos && rest[next] == '(';
  }

  Token take(Token token, std::size_t size) {
    token.text = text_.substr(at_, size);
    at_ += size;
    return token;
  }

  Result<Token> number(Token token, std::string_view rest) {
    token.kind = Token::Kind::number;
    std::string digits;
    std::size_t size = 0;
    bool real = false;
    for (; size < rest.size(); ++size) {
      const char c = rest[size];
      const bool sign = (c == '+' || c == '-') && !digits.empty() && (digits.back() == 'e' || digits.back() == 'E');
      if (c == '_' && size + 1 < rest.size() && rest[size + 1] >= '0' && rest[size + 1] <= '9') continue;
      if (!is_name_part(c) && c != '.' && !sign) break;
      real = real || c == '.' || c == 'e' || c == 'E';
      digits += c;
    }
    const char* end = digits.data() + digits.size();
    const auto wrong = [&](std::string_view why) {
      return refuse("expression", fmt::format("`{}` {}", rest.substr(0, size), why), located_.position(at_));
    };
    if (real) {
      double value = 0;
      const auto [stop, error] = std::from_chars(digits.data(), end, value);
      if (error == std::errc::result_out_of_range) return wrong("does not fit a float");
      if (error != std::errc() || stop != end) return wrong("is no number");
      token.value = Value{value};
    } else {
      std::int64_t value = 0;
      const auto [stop, error] = std::from_chars(digits.data(), end, value);
      if (error == std::errc::result_out_of_range) return wrong("does not fit an integer of 64 bits");
      if (error != std::errc() || stop != end) return wrong("is no number");
      token.value = Value{value};
    }
    return take(token, size);
  }

  Result<Token> quoted(Token token, std::string_view rest) {
    const std::size_t end = rest.find(rest.front(), 1);
    if (end == std::string_view::npos) return refuse("expression", "a string without its end", located_.position(at_));
    const std::string_view body = rest.substr(1, end - 1);
    if (body.find('\\') != std::string_view::npos) {
      return refuse("expression", "a backslash in a string: strings of expressions have no escapes",
                    located_.position(at_));
    }
    token.kind = Token::Kind::text;
    token.value = Value{std::string(body)};
    return take(token, end + 1);
  }

  const Located& located_;
  std::string_view text_;
  const Names& names_;
  std::size_t at_ = 0;
};

// Recursive descent, lowest precedence first.
class Parser {
 public:
  Parser(const Located& text, const Names& names) : text_(text), names_(names), lexer_(text, names) {}

  Result<std::vector<Node>> parse() {
    TRY(advance());
    if (token_.kind == Token::Kind::end) return fail_at(0, "an empty expression");
    const std::size_t root = TRY(conditional());
    if (token_.kind != Token::Kind::end) return unexpected("the end of the expression");
    if (root + 1 != nodes_.size())
      return fail_at(0, "an expression without a root");  // cannot be: the root is added last
    return std::move(nodes_);
  }
  std::vector<Expression::Use> uses;

 private:
  struct Depth {
    explicit Depth(int& depth) : at(depth) { ++at; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    ~Depth() { --at; }
    int& at;
  };

  std::unexpected<Error> fail_at(std::size_t offset, std::string message) const {
    return refuse("expression", fmt::format("{} in `{}`", message, text_.text), text_.position(offset));
  }
  std::unexpected<Error> unexpected(std::string_view wanted) const {
    const std::string found = token_.kind == Token::Kind::end ? "the end" : fmt::format("`{}`", token_.text);
    return fail_at(token_.offset, fmt::format("found {}: expected {}", found, wanted));
  }

  Result<> advance(bool attribute = false) {
    token_ = TRY(lexer_.next(attribute));
    return {};
  }
  [[nodiscard]] bool is(std::string_view symbol) const {
    return token_.kind == Token::Kind::symbol && token_.text == symbol;
  }
  [[nodiscard]] bool is_word(std::string_view word) const {
    return token_.kind == Token::Kind::word && token_.text == word;
  }
  Result<> expect(std::string_view symbol) {
    if (!is(symbol)) return unexpected(fmt::format("`{}`", symbol));
    return advance();
  }
  std::size_t put(Node node) {
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
  }
  std::size_t binary(Operator op, std::size_t a, std::size_t b, std::size_t offset) {
    return put({.kind = Node::Kind::binary, .offset = offset, .op = op, .of = {a, b}});
  }

  Result<std::size_t> conditional() {
    const Depth depth(depth_);
    if (depth_ > max_depth) return fail_at(token_.offset, "too deeply nested");
    const std::size_t start = token_.offset;
    const std::size_t value = TRY(any());
    if (!is_word("if")) return value;
    TRY(advance());
    const std::size_t condition = TRY(any());
    if (!is_word("else")) return unexpected("`else`");
    TRY(advance());
    const std::size_t other = TRY(conditional());
    return put({.kind = Node::Kind::choice, .offset = start, .of = {condition, value, other}});
  }

  Result<std::size_t> any() { return sequence("or", Node::Kind::any, &Parser::all); }
  Result<std::size_t> all() { return sequence("and", Node::Kind::all, &Parser::inversion); }

  Result<std::size_t> sequence(std::string_view word, Node::Kind kind, Result<std::size_t> (Parser::*operand)()) {
    const std::size_t start = token_.offset;
    std::vector<std::size_t> of = {TRY((this->*operand)())};
    while (is_word(word)) {
      TRY(advance());
      of.push_back(TRY((this->*operand)()));
    }
    if (of.size() == 1) return of.front();
    return put({.kind = kind, .offset = start, .of = std::move(of)});
  }

  Result<std::size_t> inversion() {
    if (!is_word("not")) return comparison();
    const Depth depth(depth_);
    if (depth_ > max_depth) return fail_at(token_.offset, "too deeply nested");
    const std::size_t start = token_.offset;
    TRY(advance());
    const std::size_t operand = TRY(inversion());
    return put({.kind = Node::Kind::unary, .offset = start, .sign = '!', .of = {operand}});
  }

  [[nodiscard]] std::optional<Operator> symbol_operator(std::initializer_list<Operator> among) const {
    if (token_.kind != Token::Kind::symbol) return std::nullopt;
    for (const Operator op : among) {
      if (token_.text == to_string(op)) return op;
    }
    return std::nullopt;
  }

  Result<std::size_t> comparison() {
    using enum Operator;
    const std::size_t start = token_.offset;
    std::vector<std::size_t> of = {TRY(sum())};
    std::vector<Operator> chain;
    while (const auto op = symbol_operator({less, less_equal, greater, greater_equal, equal, not_equal})) {
      TRY(advance());
      of.push_back(TRY(sum()));
      chain.push_back(*op);
    }
    if (chain.empty()) return of.front();
    if (chain.size() == 1) return binary(chain.front(), of[0], of[1], start);
    return put({.kind = Node::Kind::all, .offset = start, .of = std::move(of), .chain = std::move(chain)});
  }

  Result<std::size_t> sum() {
    using enum Operator;
    const std::size_t start = token_.offset;
    std::size_t left = TRY(product());
    while (const auto op = symbol_operator({add, subtract})) {
      TRY(advance());
      const std::size_t right = TRY(product());
      left = binary(*op, left, right, start);
    }
    return left;
  }

  Result<std::size_t> product() {
    using enum Operator;
    const std::size_t start = token_.offset;
    std::size_t left = TRY(unary());
    while (const auto op = symbol_operator({multiply, divide, floor_divide, modulo})) {
      TRY(advance());
      const std::size_t right = TRY(unary());
      left = binary(*op, left, right, start);
    }
    return left;
  }

  Result<std::size_t> unary() {
    if (!is("-") && !is("+")) return power();
    const Depth depth(depth_);
    if (depth_ > max_depth) return fail_at(token_.offset, "too deeply nested");
    const std::size_t start = token_.offset;
    const char sign = token_.text.front();
    TRY(advance());
    // The smallest integer is written as minus a literal that does not fit; Python has no such limit, we say overflow.
    const std::size_t operand = TRY(unary());
    return put({.kind = Node::Kind::unary, .offset = start, .sign = sign, .of = {operand}});
  }

  Result<std::size_t> power() {
    const std::size_t start = token_.offset;
    const std::size_t base = TRY(postfix());
    if (!is("**")) return base;
    const Depth depth(depth_);
    if (depth_ > max_depth) return fail_at(token_.offset, "too deeply nested");
    TRY(advance());
    const std::size_t exponent = TRY(unary());
    return binary(Operator::power, base, exponent, start);
  }

  Result<std::size_t> postfix() {
    const std::size_t start = token_.offset;
    std::size_t value = TRY(atom());
    while (true) {
      if (is("[")) {
        TRY(advance());
        const std::size_t index = TRY(conditional());
        TRY(expect("]"));
        value = put({.kind = Node::Kind::item, .offset = start, .of = {value, index}});
      } else if (is(".")) {
        value = TRY(attribute(value, start));
      } else {
        return value;
      }
    }
  }

  Result<std::size_t> attribute(std::size_t of, std::size_t start) {
    TRY(advance(true));
    const std::string word(token_.text);
    static constexpr std::string_view known[] = {"shape", "stride", "ndim", "dtype"};
    if (token_.kind != Token::Kind::word || std::ranges::find(known, word) == std::end(known)) {
      const bool of_name = nodes_[of].kind == Node::Kind::name;
      return fail_at(start, fmt::format("`{}` has no `{}`: expected shape, stride, ndim or dtype",
                                        of_name ? names_.text(nodes_[of].name) : "this", word));
    }
    if (nodes_[of].kind == Node::Kind::name && word == "stride") uses.back().stride = true;
    TRY(advance());
    return put({.kind = Node::Kind::attribute, .offset = start, .word = word, .of = {of}});
  }

  Result<std::size_t> atom() {
    const Token token = token_;
    switch (token.kind) {
      case Token::Kind::number:
      case Token::Kind::text:
        TRY(advance());
        return put({.kind = Node::Kind::constant, .offset = token.offset, .value = token.value});
      case Token::Kind::name:
        TRY(advance());
        uses.push_back({.name = token.name, .at = text_.position(token.offset)});
        return put({.kind = Node::Kind::name, .offset = token.offset, .name = token.name});
      case Token::Kind::word:
        return word();
      case Token::Kind::symbol:
        if (is("(")) {
          TRY(advance());
          const std::size_t inner = TRY(conditional());
          TRY(expect(")"));
          return inner;
        }
        break;
      case Token::Kind::end:
        break;
    }
    return unexpected("a value");
  }

  Result<std::size_t> word() {
    const Token token = token_;
    Node node{.offset = token.offset};
    const auto constant = [&](Value value) -> Result<std::size_t> {
      TRY(advance());
      node.value = std::move(value);
      return put(std::move(node));
    };
    if (token.text == "none" || token.text == "None") return constant(Value{});
    if (token.text == "true" || token.text == "True") return constant(Value{true});
    if (token.text == "false" || token.text == "False") return constant(Value{false});
    static constexpr std::string_view keywords[] = {"and", "or", "not", "if", "else"};
    if (std::ranges::find(keywords, token.text) != std::end(keywords)) return unexpected("a value");
    if (!is_function(token.text)) return unknown_name(token.offset);
    node.word = std::string(token.text);
    TRY(advance());
    if (!is("(")) return fail_at(token.offset, fmt::format("`{}` without its arguments", node.word));
    return call(std::move(node));
  }

  Result<std::size_t> call(Node node) {
    TRY(advance());
    if (node.word == "numel") {
      if (token_.kind != Token::Kind::name) return unexpected("the name of a tensor");
      node.kind = Node::Kind::numel;
      node.name = token_.name;
      uses.push_back({.name = token_.name, .at = text_.position(token_.offset)});
      TRY(advance());
      TRY(expect(")"));
      return put(std::move(node));
    }
    while (!is(")")) {
      node.of.push_back(TRY(conditional()));
      if (is(")")) break;
      if (!is(",")) return unexpected("`,` or `)`");
      TRY(advance());
    }
    TRY(advance());
    const bool cast = node.word == "i32" || node.word == "f32" || node.word == "f64";
    if (cast && node.of.size() != 1) {
      return fail_at(node.offset, fmt::format("{} takes 1 argument, found {}", node.word, node.of.size()));
    }
    node.kind = cast ? Node::Kind::cast : Node::Kind::call;
    return put(std::move(node));
  }

  std::unexpected<Error> unknown_name(std::size_t offset) const {
    const std::string_view rest = std::string_view(text_.text).substr(offset);
    std::size_t size = 0;
    while (size < rest.size() &&
           (is_name_part(rest[size]) || (rest[size] == '.' && size + 1 < rest.size() && is_name_part(rest[size + 1]))))
      ++size;
    const std::string_view name = rest.substr(0, size);
    std::string message = fmt::format("unknown name `{}`", name);
    if (const auto near = nearest(name, names_.all()); !near.empty()) {
      message += fmt::format(": did you mean `{}`?", near);
    } else if (size < rest.size() && rest[size] == '(') {
      message =
          fmt::format("unknown function `{}`: expected min, max, abs, cdiv, next_pow2, numel, i32, f32 or f64", name);
    } else {
      message += fmt::format(": expected a tensor, an init argument or a name that the plan gives");
    }
    return refuse("name", message, text_.position(offset));
  }

  const Located& text_;
  const Names& names_;
  Lexer lexer_;
  Token token_;
  std::vector<Node> nodes_;
  int depth_ = 0;
};

class Walk {
 public:
  Walk(const Located& text, const std::vector<Node>& nodes, const std::vector<std::string>& names, const Scope& scope)
      : text_(text), nodes_(nodes), names_(names), scope_(scope) {}

  Result<Evaluated> at(std::size_t i) const {
    const Node& node = nodes_[i];
    switch (node.kind) {
      case Node::Kind::constant:
        return Evaluated{.value = node.value};
      case Node::Kind::name:
        return name(node);
      case Node::Kind::numel:
        return numel(node);
      case Node::Kind::attribute:
        return attribute(node);
      case Node::Kind::item:
        return item_of(node);
      case Node::Kind::unary:
        return unary(node);
      case Node::Kind::binary:
        return binary(node);
      case Node::Kind::all:
        return node.chain.empty() ? logic(node, false) : chain(node);
      case Node::Kind::any:
        return logic(node, true);
      case Node::Kind::choice: {
        const Evaluated condition = TRY(plain(node.of[0]));
        if (condition.unknown) return condition;
        return at(node.of[truth(condition.value) ? 1 : 2]);
      }
      case Node::Kind::call:
        return call(node);
      case Node::Kind::cast:
        return cast(node);
    }
    return fail_at(node, "cannot be evaluated");
  }

 private:
  std::unexpected<Error> fail_at(const Node& node, std::string_view message) const {
    return refuse("expression", fmt::format("{} in `{}`", message, text_.text), text_.position(node.offset));
  }

  // An operand: a cast may stand only where its result goes to a kernel as it is.
  Result<Evaluated> plain(std::size_t i) const {
    Evaluated value = TRY(at(i));
    if (value.cast != Cast::none) {
      return fail_at(nodes_[i],
                     "a cast inside of an expression: i32(…), f32(…) and f64(…) stand around a whole argument");
    }
    return value;
  }

  Result<Evaluated> done(const Node& node, Computed computed) const {
    if (!computed) return fail_at(node, computed.error());
    return Evaluated{.value = *std::move(computed)};
  }

  [[nodiscard]] const std::string& spelled(const Node& node) const {
    return names_[static_cast<std::size_t>(node.name)];
  }
  [[nodiscard]] const Meaning& meaning(const Node& node) const { return scope_[static_cast<std::size_t>(node.name)]; }

  std::unexpected<Error> absent(const Node& node, const Meaning::Absent& why) const {
    return refuse("name", fmt::format("`{}` {}", spelled(node), why.why), text_.position(node.offset));
  }

  Result<Evaluated> name(const Node& node) const {
    const Meaning& means = meaning(node);
    if (const auto* why = std::get_if<Meaning::Absent>(&means.is)) return absent(node, *why);
    if (std::holds_alternative<Meaning::Unknown>(means.is)) return Evaluated{.unknown = true};
    if (const auto* value = std::get_if<Value>(&means.is)) return Evaluated{.value = *value};
    return fail_at(
        node, fmt::format("`{0}` is a tensor: expected {0}.shape[i], {0}.stride[i], {0}.ndim, {0}.dtype or numel({0})",
                          spelled(node)));
  }

  // The tensor that a name stands for; null if that is unknown here.
  Result<const TensorSpec*> tensor(const Node& node) const {
    const Meaning& means = meaning(node);
    if (const auto* why = std::get_if<Meaning::Absent>(&means.is)) return absent(node, *why);
    if (std::holds_alternative<Meaning::Unknown>(means.is)) return nullptr;
    if (const auto* spec = std::get_if<const TensorSpec*>(&means.is)) return *spec;
    return fail_at(node,
                   fmt::format("`{}` is {}: expected a tensor", spelled(node), kind_of(std::get<Value>(means.is))));
  }

  Result<Evaluated> numel(const Node& node) const {
    const TensorSpec* spec = TRY(tensor(node));
    if (!spec) return Evaluated{.unknown = true};
    return Evaluated{.value = Value{spec->numel()}};
  }

  Result<Evaluated> attribute(const Node& node) const {
    const Node& of = nodes_[node.of[0]];
    if (of.kind != Node::Kind::name) return fail_at(node, fmt::format("only a tensor's name has `.{}`", node.word));
    const TensorSpec* spec = TRY(tensor(of));
    if (!spec) return Evaluated{.unknown = true};
    if (node.word == "ndim") return Evaluated{.value = Value{static_cast<std::int64_t>(spec->shape.size())}};
    if (node.word == "dtype") return Evaluated{.value = Value{std::string(to_string(spec->dtype))}};
    ValueList list;
    for (const std::int64_t each : node.word == "shape" ? spec->shape : spec->stride) list.push_back(Value{each});
    return Evaluated{.value = Value{std::move(list)}};
  }

  Result<Evaluated> item_of(const Node& node) const {
    const Evaluated list = TRY(plain(node.of[0]));
    const Evaluated index = TRY(plain(node.of[1]));
    if (list.unknown || index.unknown) return Evaluated{.unknown = true};
    return done(node, item(list.value, index.value));
  }

  Result<Evaluated> unary(const Node& node) const {
    const Evaluated operand = TRY(plain(node.of[0]));
    if (operand.unknown) return operand;
    if (node.sign == '!') return Evaluated{.value = Value{!truth(operand.value)}};
    return done(node, node.sign == '-' ? negate(operand.value) : identity(operand.value));
  }

  // A chain of operators leans to the left as far as it is long: walked down in a loop, so that its length costs no
  // stack.
  Result<Evaluated> binary(const Node& node) const {
    std::vector<const Node*> chain = {&node};
    while (nodes_[chain.back()->of[0]].kind == Node::Kind::binary) chain.push_back(&nodes_[chain.back()->of[0]]);
    Evaluated left = TRY(plain(chain.back()->of[0]));
    for (; !chain.empty(); chain.pop_back()) {
      const Node& at = *chain.back();
      const Evaluated right = TRY(plain(at.of[1]));
      if (left.unknown || right.unknown) {
        left = Evaluated{.unknown = true};
      } else {
        left = TRY(done(at, apply(at.op, left.value, right.value)));
      }
    }
    return left;
  }

  // The first operand whose truth decides, else the last, as in Python.
  Result<Evaluated> logic(const Node& node, bool decides) const {
    Evaluated value;
    for (const std::size_t i : node.of) {
      value = TRY(plain(i));
      if (value.unknown || truth(value.value) == decides) return value;
    }
    return value;
  }

  Result<Evaluated> chain(const Node& node) const {
    Evaluated left = TRY(plain(node.of[0]));
    for (std::size_t i = 0; i < node.chain.size(); ++i) {
      Evaluated right = TRY(plain(node.of[i + 1]));
      if (left.unknown || right.unknown) return Evaluated{.unknown = true};
      const Evaluated holds = TRY(done(node, apply(node.chain[i], left.value, right.value)));
      if (!truth(holds.value)) return holds;
      left = std::move(right);
    }
    return Evaluated{.value = Value{true}};
  }

  Result<Evaluated> call(const Node& node) const {
    std::vector<Value> arguments;
    bool unknown = false;
    for (const std::size_t i : node.of) {
      const Evaluated argument = TRY(plain(i));
      unknown = unknown || argument.unknown;
      arguments.push_back(argument.value);
    }
    if (unknown) return Evaluated{.unknown = true};
    return done(node, call_function(node.word, arguments));
  }

  Result<Evaluated> cast(const Node& node) const {
    Evaluated operand = TRY(plain(node.of[0]));
    operand.cast = node.word == "i32" ? Cast::i32 : node.word == "f32" ? Cast::f32 : Cast::f64;
    if (operand.unknown) return operand;
    const Value& value = operand.value;
    const auto* boolean = std::get_if<bool>(&value.is);
    const auto* integer = std::get_if<std::int64_t>(&value.is);
    const auto* real = std::get_if<double>(&value.is);
    if (operand.cast == Cast::i32) {
      if (boolean) return Evaluated{.value = Value{std::int64_t{*boolean}}, .cast = Cast::i32};
      if (!integer) return fail_at(node, fmt::format("i32 of {}: expected an integer", kind_of(value)));
      if (*integer < INT32_MIN || *integer > INT32_MAX)
        return fail_at(node, fmt::format("i32({}): does not fit 32 bits", *integer));
      return operand;
    }
    if (!boolean && !integer && !real)
      return fail_at(node, fmt::format("{} of {}: expected a number", node.word, kind_of(value)));
    double number = boolean ? (*boolean ? 1.0 : 0.0) : integer ? static_cast<double>(*integer) : *real;
    if (operand.cast == Cast::f32) number = static_cast<double>(static_cast<float>(number));
    return Evaluated{.value = Value{number}, .cast = operand.cast};
  }

  const Located& text_;
  const std::vector<Node>& nodes_;
  const std::vector<std::string>& names_;
  const Scope& scope_;
};

}  // namespace

Result<Expression> Expression::parse(const Located& text, const Names& names) {
  if (text.text.size() > max_expression_bytes) {
    return refuse("limit",
                  fmt::format("an expression of {} bytes: expected at most {}", text.text.size(), max_expression_bytes),
                  text.at);
  }
  Expression result;
  result.text_ = text;
  Parser parser(text, names);
  std::vector<Node> nodes = TRY(parser.parse());
  std::vector<std::string> spelled(names.size());
  for (const Use& use : parser.uses) spelled[static_cast<std::size_t>(use.name)] = names.text(use.name);
  result.uses_ = std::move(parser.uses);
  result.nodes_ = std::make_shared<const std::vector<Node>>(std::move(nodes));
  result.spelled_ = std::make_shared<const std::vector<std::string>>(std::move(spelled));
  return result;
}

Result<Evaluated> Expression::evaluate(const Scope& scope) const {
  return Walk(text_, *nodes_, *spelled_, scope).at(nodes_->size() - 1);
}

}  // namespace kerf
