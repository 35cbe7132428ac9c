#include "candidate/expression_lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// `min` and `shape` are names of the plan here, and words of the language, too.
Names names() {
  Names all;
  for (const char* name : {"x", "conv", "conv.weight", "min", "shape"}) all.add(name);
  return all;
}

// Tokens as "kind text", behind a dot read as attributes are; an error as "LINE:COLUMN message", then no more.
std::vector<std::string> tokens(const std::string& text) {
  static constexpr const char* kinds[] = {"end", "number", "text", "name", "word", "symbol"};
  const Located located{.text = text, .at = {4, 10}};
  const Names known = names();
  ExpressionLexer lexer(located, known);
  std::vector<std::string> all;
  for (bool attribute = false;;) {
    const auto token = lexer.next(attribute);
    if (!token) {
      const Location at = *token.error().at;
      all.push_back(std::to_string(at.line) + ":" + std::to_string(at.column) + " " + token.error().message);
      return all;
    }
    if (token->kind == ExpressionToken::Kind::end) return all;
    EXPECT_EQ(text.substr(token->offset, token->text.size()), token->text);
    if (token->kind == ExpressionToken::Kind::name) {
      EXPECT_EQ(known.text(token->name), token->text);
    }
    all.push_back(std::string(kinds[static_cast<int>(token->kind)]) + " " + std::string(token->text));
    attribute = token->text == ".";
  }
}

Value value(const std::string& text) {
  const Located located{.text = text, .at = {1, 1}};
  const Names known = names();
  const auto token = ExpressionLexer(located, known).next(false);
  EXPECT_TRUE(token) << token.error().message;
  return token ? token->value : Value{};
}

TEST(ExpressionLexer, TheLongestNameWinsAndEndsWhereAWordDoes) {
  EXPECT_THAT(tokens("conv.weight"), ElementsAre("name conv.weight"));
  EXPECT_THAT(tokens("conv.weights"), ElementsAre("name conv", "symbol .", "word weights"));
  EXPECT_THAT(tokens("x1 x"), ElementsAre("word x1", "name x"));
}

TEST(ExpressionLexer, BehindADotThereAreNoNames) {
  EXPECT_THAT(tokens("shape"), ElementsAre("name shape"));
  EXPECT_THAT(tokens("x.shape"), ElementsAre("name x", "symbol .", "word shape"));
}

TEST(ExpressionLexer, ANameThatAFunctionHasTooIsTheFunctionBeforeAParenthesis) {
  EXPECT_THAT(tokens("min + min(1)"),
              ElementsAre("name min", "symbol +", "word min", "symbol (", "number 1", "symbol )"));
  EXPECT_THAT(tokens("min (x)"), ElementsAre("word min", "symbol (", "name x", "symbol )"));
}

TEST(ExpressionLexer, NumbersAreIntegersUnlessTheyHaveAPointOrAnExponent) {
  EXPECT_EQ(value("1_000"), Value{std::int64_t{1000}});
  EXPECT_EQ(value("9223372036854775807"), Value{INT64_MAX});
  EXPECT_EQ(value("1e3"), Value{1000.0});
  EXPECT_EQ(value("2."), Value{2.0});
  EXPECT_EQ(value(".5"), Value{0.5});
  EXPECT_EQ(value("1E-2"), Value{0.01});
  EXPECT_THAT(tokens("1-2"), ElementsAre("number 1", "symbol -", "number 2")) << "a sign within an exponent only";
}

TEST(ExpressionLexer, WhatBeginsAsANumberMustBeOne) {
  for (const char* text : {"12abc", "0x10", "1_", "1__0", "1.2.3", "1e", "1e+"})
    EXPECT_THAT(tokens(text), ElementsAre("4:10 `" + std::string(text) + "` is no number"));
  EXPECT_THAT(tokens("x + 9223372036854775808"),
              ElementsAre("name x", "symbol +", HasSubstr("4:14 `9223372036854775808` does not fit an integer")));
  EXPECT_THAT(tokens("1e999"), ElementsAre(HasSubstr("does not fit a float")));
}

TEST(ExpressionLexer, TextIsWhatStandsBetweenEqualQuotesWithoutEscapes) {
  EXPECT_EQ(value("'say \"no\"'"), Value{std::string("say \"no\"")});
  EXPECT_EQ(value("\"\""), Value{std::string()});
  EXPECT_THAT(tokens("x 'open"), ElementsAre("name x", "4:12 a string without its end"));
  EXPECT_THAT(tokens(R"('a\n')"), ElementsAre(HasSubstr("4:10 a backslash in a string")));
}

TEST(ExpressionLexer, OfTwoSymbolsTheLongerOneIsRead) {
  EXPECT_THAT(tokens("1**2*3//4/5"), ElementsAre("number 1", "symbol **", "number 2", "symbol *", "number 3",
                                                 "symbol //", "number 4", "symbol /", "number 5"));
  EXPECT_THAT(tokens("<=<!=>=="), ElementsAre("symbol <=", "symbol <", "symbol !=", "symbol >=", HasSubstr("`=`")));
}

TEST(ExpressionLexer, WhatIsNoPartOfAnExpressionIsRefusedWhereItStands) {
  for (const char* text : {"x &", "x =", "x !", "x ;", "x {", "x \f"})
    EXPECT_THAT(tokens(text), ElementsAre("name x", HasSubstr("4:12 found `" + std::string(1, text[2]) + "`")));
}

TEST(ExpressionLexer, SpaceAndLineEndsStandAnywhereAndTheEndStaysTheEnd) {
  EXPECT_THAT(tokens(" \t\r\nx\n"), ElementsAre("name x"));
  const Located located{.text = "  ", .at = {1, 1}};
  const Names known = names();
  ExpressionLexer lexer(located, known);
  for (int i = 0; i < 2; ++i) {
    const auto token = lexer.next(false);
    ASSERT_TRUE(token);
    EXPECT_EQ(token->kind, ExpressionToken::Kind::end);
    EXPECT_EQ(token->offset, 2U);
  }
}

}  // namespace
}  // namespace kerf
