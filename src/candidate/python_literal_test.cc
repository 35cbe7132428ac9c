#include "candidate/python_literal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace kerf {
namespace {

TEST(PythonLiteral, SpellsValuesAsPythonReadsThem) {
  EXPECT_EQ(python_literal(Value{}), "None");
  EXPECT_EQ(python_literal(Value{true}), "True");
  EXPECT_EQ(python_literal(Value{false}), "False");
  EXPECT_EQ(python_literal(Value{std::numeric_limits<std::int64_t>::min()}), "-9223372036854775808");
  EXPECT_EQ(python_literal(Value{std::string("a\"b\\c\nd")}), R"("a\"b\\c\nd")");
}

TEST(PythonLiteral, AFloatStaysAFloat) {
  EXPECT_EQ(python_literal(Value{2.0}), "2.0");
  EXPECT_EQ(python_literal(Value{-0.0}), "-0.0");
  EXPECT_EQ(python_literal(Value{0.1}), "0.1");
  EXPECT_EQ(python_literal(Value{1e300}), "1e+300");
  EXPECT_EQ(python_literal(Value{std::numeric_limits<double>::infinity()}), R"(float("inf"))");
  EXPECT_EQ(python_literal(Value{-std::numeric_limits<double>::infinity()}), R"(float("-inf"))");
  EXPECT_EQ(python_literal(Value{std::nan("")}), R"(float("nan"))");
}

TEST(PythonLiteral, ListsHoldWhateverValuesAre) {
  const ValueList inner = {Value{std::int64_t{1}}, Value{}};
  EXPECT_EQ(python_literal(Value{ValueList{Value{inner}, Value{1.5}}}), "[[1, None], 1.5]");
  EXPECT_EQ(python_literal(Value{ValueList{}}), "[]");
}

TEST(PythonLiteral, ABlockIsRawWhereNothingInItNeedsAnEscape) {
  EXPECT_EQ(python_block("a\\n \"b\"\nc"), "r'''a\\n \"b\"\nc'''");
}

TEST(PythonLiteral, ABlockIsEscapedWhereItsEndCouldComeEarly) {
  EXPECT_EQ(python_block("a'''b"), R"('''a\'\'\'b''')");
  EXPECT_EQ(python_block("ends in '"), R"('''ends in \'''')");
  EXPECT_EQ(python_block("ends in \\"), R"('''ends in \\''')");
  EXPECT_EQ(python_block("a\rb"), R"('''a\rb''')");  // a text file would turn it into a line's end
}

}  // namespace
}  // namespace kerf
