#include "candidate/expression_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "candidate/expression_lexer.h"
#include "candidate/identifiers.h"
#include "candidate/plan_error.h"

namespace kerf {

namespace {

using Node = Expression::Node;
using Token = ExpressionToken;
constexpr int max_depth = 100;

// Recursive descent, lowest precedence first.
class Parser {
 public:
  Parser(const Located& text, const Names& names) : text_(text), names_(names), lexer_(text, names) {}

  Result<ParsedExpression> parse() {
    TRY(advance());
    if (token_.kind == Token::Kind::end) return fail_at(0, "an empty expression");
    const std::size_t root = TRY(conditional());
    if (token_.kind != Token::Kind::end) return unexpected("the end of the expression");
    if (root + 1 != nodes_.size())
      return fail_at(0, "an expression without a root");  // cannot be: the root is added last
    return ParsedExpression{.nodes = std::move(nodes_), .uses = std::move(uses_)};
  }

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
    if (nodes_[of].kind == Node::Kind::name && word == "stride") uses_.back().stride = true;
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
        uses_.push_back({.name = token.name, .at = text_.position(token.offset)});
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
      uses_.push_back({.name = token_.name, .at = text_.position(token_.offset)});
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
  ExpressionLexer lexer_;
  Token token_;
  std::vector<Node> nodes_;
  std::vector<Expression::Use> uses_;
  int depth_ = 0;
};

}  // namespace

Result<ParsedExpression> parse_expression(const Located& text, const Names& names) {
  return Parser(text, names).parse();
}

}  // namespace kerf
