#include "base/text.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(Text, IsTrimmedAtBothEndsAndNotInside) {
  EXPECT_EQ(trimmed("a b"), "a b");
  EXPECT_EQ(trimmed(" \t\n\v\f\ra \t b \r\n"), "a \t b");
}

TEST(Text, OfBlanksOnlyIsEmpty) {
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed(" \r\n"), "");
}

}  // namespace
}  // namespace kerf
