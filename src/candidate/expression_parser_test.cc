#include "candidate/expression_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kerf {
namespace {

using testing::HasSubstr;
using Node = Expression::Node;

Names names() {
  Names all;
  for (const char* name : {"x", "w", "a", "b", "c"}) all.add(name);
  return all;
}

std::string shown(const ParsedExpression& parsed, std::size_t at, const Names& known) {
  const Node& node = parsed.nodes[at];
  const auto list = [&](const std::string& head) {
    std::string text = "(" + head;
    for (const std::size_t of : node.of) text += " " + shown(parsed, of, known);
    return text + ")";
  };
  using enum Node::Kind;
  switch (node.kind) {
    case constant:
      return to_string(node.value);
    case name:
      return known.text(node.name);
    case attribute:
      return list("." + node.word);
    case item:
      return list("[]");
    case unary:
      return list(node.sign == '!' ? "not" : std::string("sign ") + node.sign);
    case binary:
      return list(std::string(to_string(node.op)));
    case all: {
      if (node.chain.empty()) return list("and");
      std::string chain = "chain";
      for (const Operator op : node.chain) chain += " " + std::string(to_string(op));
      return list(chain);
    }
    case any:
      return list("or");
    case choice:
      return list("if");
    case call:
      return list("call " + node.word);
    case cast:
      return list("cast " + node.word);
    case numel:
      return "(numel " + known.text(node.name) + ")";
  }
  return "?";
}

// The tree, operators first; or "LINE:COLUMN message".
std::string tree(const std::string& text) {
  const Names known = names();
  const auto parsed = parse_expression({.text = text, .at = {2, 5}}, known);
  if (parsed) return shown(*parsed, parsed->nodes.size() - 1, known);
  const Location at = *parsed.error().at;
  return std::to_string(at.line) + ":" + std::to_string(at.column) + " " + parsed.error().message;
}

TEST(ExpressionParser, OperatorsBindAsInPython) {
  EXPECT_EQ(tree("1 + 2 * 3"), "(+ 1 (* 2 3))");
  EXPECT_EQ(tree("(1 + 2) * 3"), "(* (+ 1 2) 3)");
  EXPECT_EQ(tree("10 - 4 - 3"), "(- (- 10 4) 3)");
  EXPECT_EQ(tree("8 // 4 % 3"), "(% (// 8 4) 3)");
  EXPECT_EQ(tree("2 ** 3 ** 4"), "(** 2 (** 3 4))") << "from the right";
  EXPECT_EQ(tree("-2 ** -4"), "(sign - (** 2 (sign - 4)))") << "a sign is looser to its right, tighter to its left";
  EXPECT_EQ(tree("not a == b"), "(not (== a b))");
  EXPECT_EQ(tree("a or b and not c"), "(or a (and b (not c)))");
}

TEST(ExpressionParser, ComparisonsThatFollowOneAnotherAreOneChain) {
  EXPECT_EQ(tree("a < b"), "(< a b)");
  EXPECT_EQ(tree("a < b <= c"), "(chain < <= a b c)");
  EXPECT_EQ(tree("(a < b) <= c"), "(<= (< a b) c)");
}

TEST(ExpressionParser, AChoiceHasItsConditionFirstAndReachesFarToTheRight) {
  EXPECT_EQ(tree("1 if a else 2 + 3"), "(if a 1 (+ 2 3))");
  EXPECT_EQ(tree("1 if a else 2 if b else 3"), "(if a 1 (if b 2 3))");
  EXPECT_THAT(tree("1 if a"), HasSubstr("2:11 found the end: expected `else`"));
}

TEST(ExpressionParser, ItemsAndAttributesFollowWhatTheyAreOf) {
  EXPECT_EQ(tree("x.shape[-1] + 1"), "(+ ([] (.shape x) (sign - 1)) 1)");
  EXPECT_EQ(tree("x.stride[a][b]"), "([] ([] (.stride x) a) b)");
  EXPECT_THAT(tree("x.size"), HasSubstr("2:5 `x` has no `size`"));
  EXPECT_THAT(tree("x.shape.size"), HasSubstr("2:5 `this` has no `size`"));
}

TEST(ExpressionParser, FunctionsTakeArgumentsAndCastsOne) {
  EXPECT_EQ(tree("min(a, b + 1, 2,)"), "(call min a (+ b 1) 2)");
  EXPECT_EQ(tree("f32(a)"), "(cast f32 a)");
  EXPECT_EQ(tree("numel(x) // 4"), "(// (numel x) 4)");
  EXPECT_THAT(tree("i32()"), HasSubstr("2:5 i32 takes 1 argument, found 0"));
  EXPECT_THAT(tree("f64(a, b)"), HasSubstr("2:5 f64 takes 1 argument, found 2"));
  EXPECT_THAT(tree("numel(1)"), HasSubstr("2:11 found `1`: expected the name of a tensor"));
  EXPECT_THAT(tree("min"), HasSubstr("2:5 `min` without its arguments"));
  EXPECT_THAT(tree("min(a b)"), HasSubstr("2:11 found `b`: expected `,` or `)`"));
}

TEST(ExpressionParser, ConstantsHaveBothSpellings) {
  EXPECT_EQ(tree("none == None"), "(== none none)");
  EXPECT_EQ(tree("true and True or false"), "(or (and true true) false)");
}

TEST(ExpressionParser, WhatIsMissingOrTooMuchIsSaidWhereItStands) {
  EXPECT_THAT(tree(""), HasSubstr("2:5 an empty expression"));
  EXPECT_THAT(tree(" \n"), HasSubstr("an empty expression"));
  EXPECT_THAT(tree("1 +"), HasSubstr("2:8 found the end: expected a value"));
  EXPECT_THAT(tree("1 2"), HasSubstr("2:7 found `2`: expected the end of the expression"));
  EXPECT_THAT(tree("(1"), HasSubstr("2:7 found the end: expected `)`"));
  EXPECT_THAT(tree("x.shape[0"), HasSubstr("expected `]`"));
  EXPECT_THAT(tree("and 1"), HasSubstr("2:5 found `and`: expected a value"));
}

TEST(ExpressionParser, UnknownNamesAreToldFromUnknownFunctionsAndFromSlips) {
  Names known;
  known.add("conv.weight");
  const auto message = [&](const char* text) {
    const auto parsed = parse_expression({.text = text, .at = {1, 1}}, known);
    return parsed ? std::string() : parsed.error().message;
  };
  EXPECT_THAT(message("conv.wieght"), HasSubstr("unknown name `conv.wieght`: did you mean `conv.weight`?"));
  EXPECT_THAT(message("somewhere"), HasSubstr("unknown name `somewhere`: expected a tensor"));
  EXPECT_THAT(message("sqrt(4)"), HasSubstr("unknown function `sqrt`: expected min, max"));
}

TEST(ExpressionParser, UsesComeInTheOrderOfTheTextAndSayWhoseStrideIsAskedFor) {
  const Names known = names();
  const auto parsed = parse_expression({.text = "x.shape[0] * w.stride[a] + numel(x)", .at = {1, 1}}, known);
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->uses.size(), 4U);
  const auto is = [&](std::size_t i, const char* name, bool stride, int column) {
    EXPECT_EQ(known.text(parsed->uses[i].name), name);
    EXPECT_EQ(parsed->uses[i].stride, stride) << name;
    EXPECT_EQ(parsed->uses[i].at, (Location{1, column})) << name;
  };
  is(0, "x", false, 1);
  is(1, "w", true, 14);
  is(2, "a", false, 23);
  is(3, "x", false, 34);
}

TEST(ExpressionParser, DepthHasALimitAndLengthHasNone) {
  const std::string deep(200, '('), shut(200, ')');
  EXPECT_THAT(tree(deep + "1" + shut), HasSubstr("too deeply nested"));
  EXPECT_THAT(tree(std::string(90, '(') + "1" + std::string(90, ')')), "1");
  std::string sum = "1";
  for (int i = 0; i < 300; ++i) sum += "+1";
  EXPECT_THAT(tree(sum), testing::StartsWith("(+ (+"));
}

}  // namespace
}  // namespace kerf
