#include "candidate/expression.h"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "candidate/arithmetic.h"
#include "candidate/expression_node.h"
#include "candidate/expression_parser.h"
#include "candidate/plan_error.h"

namespace kerf {

namespace {

using Node = Expression::Node;

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
  ParsedExpression parsed = TRY(parse_expression(text, names));
  std::vector<std::string> spelled(names.size());
  for (const Use& use : parsed.uses) spelled[static_cast<std::size_t>(use.name)] = names.text(use.name);
  result.uses_ = std::move(parsed.uses);
  result.nodes_ = std::make_shared<const std::vector<Node>>(std::move(parsed.nodes));
  result.spelled_ = std::make_shared<const std::vector<std::string>>(std::move(spelled));
  return result;
}

Result<Evaluated> Expression::evaluate(const Scope& scope) const {
  return Walk(text_, *nodes_, *spelled_, scope).at(nodes_->size() - 1);
}

}  // namespace kerf
