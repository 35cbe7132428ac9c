#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/result.h"

namespace kerf {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return user_error("an odd number");
  return n / 2;
}

Result<int> quarter(int n) {
  const int h = TRY(half(n));
  return half(h);
}

TEST(Result, TryPassesTheValueOn) { EXPECT_EQ(quarter(12).value(), 3); }

TEST(Result, TryReturnsTheFirstError) {
  const Result<int> r = quarter(7);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().message, "an odd number");
  EXPECT_EQ(r.error().kind, ErrorKind::user);
}

TEST(Result, SystemErrorsNameTheReason) {
  const Result<int> r = system_error("cannot open x", ENOENT);
  EXPECT_EQ(r.error().message, "cannot open x: No such file or directory");
}

TEST(Hash, Sha256OfTheEmptyStringIsTheStandardOne) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hash, ADigestTellsFieldsApart) {
  EXPECT_NE(Digest().add("ab").add("c").hex(), Digest().add("a").add("bc").hex());
  EXPECT_EQ(Digest().add("ab").add(1).hex(), Digest().add("ab").add("1").hex());
}

TEST(Random, TheSequenceOfASeedNeverChanges) {  // a store holds seeds: another sequence would rebuild another tree
  Random r(42);
  EXPECT_EQ(r.next(), 1546998764402558742U);
  EXPECT_EQ(r.next(), 6990951692964543102U);
}

TEST(Random, SplittingIsIndependentOfLaterUse) {
  Random a(7), b(7);
  Random sa = a.split(), sb = b.split();
  (void)a.next();
  EXPECT_EQ(sa.next(), sb.next());
}

RC_GTEST_PROP(Random, BelowStaysBelow, (std::uint64_t seed, std::uint64_t bound)) {
  RC_PRE(bound > 0);
  Random r(seed);
  for (int i = 0; i < 20; ++i) RC_ASSERT(r.below(bound) < bound);
}

TEST(Random, PickFollowsTheWeights) {
  Random r(1);
  const std::vector<double> weights = {0, 3, 1};
  std::array<int, 3> counts{};
  for (int i = 0; i < 4000; ++i) ++counts[r.pick(weights)];
  EXPECT_EQ(counts[0], 0);
  EXPECT_NEAR(counts[1], 3000, 120);
}

TEST(Random, NormalHasMeanZeroAndVarianceOne) {
  Random r(3);
  double sum = 0, squares = 0;
  for (int i = 0; i < 20000; ++i) {
    const double x = r.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / 20000, 0, 0.03);
  EXPECT_NEAR(squares / 20000, 1, 0.05);
}

TEST(Clock, TimesAreWrittenInUtc) { EXPECT_EQ(iso_time(1'700'000'000'000), "2023-11-14T22:13:20Z"); }

}  // namespace
}  // namespace kerf
