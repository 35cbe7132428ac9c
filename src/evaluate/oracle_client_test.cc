// What an oracle's process is not needed for; the rest is shown by tests/integration/oracle_test.cc.
#include "evaluate/oracle_client.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

constexpr std::int64_t gib = std::int64_t{1} << 30;

TEST(MemoryShare, SmallProblemsFitBesideEachOther) {
  const MemoryShare small = memory_share({.moved = 0.5 * gib, .most = 1.0 * gib}, 80 * gib, 3);
  EXPECT_LE(3 * small.share, 1);
  EXPECT_GT(small.computing_bytes, 10 * gib) << "what it needs is little, what libraries want may not be";
  const MemoryShare medium = memory_share({.moved = 3.0 * gib, .most = 5.0 * gib}, 80 * gib, 3);
  EXPECT_NEAR(medium.share, (3 * 5 + 2 * 3 + 2) / (0.85 * 80 - 9), 1e-9);
  EXPECT_EQ(medium.computing_bytes, static_cast<std::int64_t>((3 * 5 + 1.5) * gib));
}

TEST(MemoryShare, ALargeOneIsAloneAndTakesWhatItLikes) {
  const Footprint large{.moved = 15.0 * gib, .most = 15.0 * gib};
  EXPECT_EQ(memory_share(large, 80 * gib, 2).share, 1);
  EXPECT_EQ(memory_share(large, 80 * gib, 2).computing_bytes, 0);
  EXPECT_LT(memory_share(large, 200 * gib, 2).share, 1);
}

TEST(MemoryShare, WhereTheProcessesAloneFillTheDeviceProblemsComeOneByOne) {
  EXPECT_EQ(memory_share({.moved = 1, .most = 1}, 8 * gib, 4).share, 1);
}

}  // namespace
}  // namespace kerf
