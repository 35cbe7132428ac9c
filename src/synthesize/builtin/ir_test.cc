#include "synthesize/builtin/ir.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

Extent extent(const std::string& text, std::int64_t value) { return {.text = text, .values = {value}}; }
Extent number(std::int64_t n) { return literal(n, 1); }

TEST(Extents, NumbersAreAddedUp) {
  const Extent x = extent("x.shape[0]", 9);
  EXPECT_EQ((x - number(1) - number(2)).text, "x.shape[0] - 3");
  EXPECT_EQ((x - number(1) + number(1)).text, "x.shape[0]");
  EXPECT_EQ((x - number(1) - number(2)).values, std::vector<std::int64_t>{6});
}

TEST(Extents, TermsThatCancelAreGone) {
  const Extent x = extent("x.shape[2]", 20), k = extent("init.pool_kernel_size", 4), w = extent("w.shape[2]", 3);
  // Padding by k - 1 on both sides, a window of k elements.
  const Extent padded = k - number(1) + w + (k - number(1));
  const Extent places = padded - (k - number(1)) - number(1) + number(1);
  EXPECT_EQ(places.text, "init.pool_kernel_size + w.shape[2] - 1");
  EXPECT_EQ((x - (places - number(1)) - number(1)).text, "x.shape[2] - init.pool_kernel_size - w.shape[2] + 1");
  EXPECT_EQ((k + k + k - k).text, "2 * init.pool_kernel_size");
  EXPECT_EQ((x - x).text, "0");
  EXPECT_EQ((number(1) - (x - number(1))).values, std::vector<std::int64_t>{-18});
}

TEST(Extents, WhatIsNotASumStaysWhole) {
  const Extent q = extent("(x.shape[0] - 1) // 2", 4), m = extent("x.shape[1] % 3 * (y.shape[0] + 1)", 2);
  EXPECT_EQ((q + number(1) - number(1)).text, q.text);
  EXPECT_EQ((q - (m - q)).text, "2 * ((x.shape[0] - 1) // 2) - x.shape[1] % 3 * (y.shape[0] + 1)");
  EXPECT_EQ((extent("a * -1", -3) + number(2) + number(1)).text, "a * -1 + 3") << "a sign is no difference";
}

}  // namespace
}  // namespace kerf
