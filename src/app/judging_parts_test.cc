#include "app/judging_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::FieldsAre;

TEST(LimitsOfAGpu, AreThoseOfItsDataSheet) {
  // An H100 SXM at its boost clock: 3.35 TB/s, and 495 TFLOPS of dense TF32.
  const MachineLimits limits = limits_of(DeviceFacts{
      .sms = 132, .clock_khz = 1'830'000, .memory_clock_khz = 2'619'000, .bus_bits = 5120, .l2_bytes = 50 << 20});
  EXPECT_NEAR(limits.bytes_per_us, 3.35e6, 0.01e6);
  EXPECT_NEAR(limits.operations_per_us, 495e6, 1e6);
  EXPECT_EQ(limits.cache_bytes, 50 << 20);
}

TEST(LimitsOfACpu, AreWhatWasMeasuredAndTheCachesOfAllCores) {
  Roofline measured;
  measured.threads = 8;
  measured.f32_all.best = 400;  // 10^9 a second
  measured.barrier_us = 1.5;
  const MachineFacts machine{.cores = 8,
                             .caches = {{.level = 1, .kind = "data", .bytes = 32 << 10},
                                        {.level = 2, .kind = "unified", .bytes = 1 << 20, .shared_by = 2},
                                        {.level = 3, .kind = "unified", .bytes = 32 << 20, .shared_by = 16}}};
  const MachineLimits limits = limits_of(measured, machine);
  EXPECT_DOUBLE_EQ(limits.operations_per_us, 400e3);
  EXPECT_DOUBLE_EQ(limits.launch_us, 1.5);
  EXPECT_EQ(limits.threads, 8);
  EXPECT_EQ(limits.cache_bytes, 32 << 20);
  EXPECT_THAT(limits.caches, ElementsAre(FieldsAre(2, 4.0 * (1 << 20)), FieldsAre(3, 32.0 * (1 << 20))))
      << "no more cores share a cache than this process may use, and the first level tells nothing";
}

TEST(LimitsOfACpu, WithoutKnownCachesHaveNone) {
  const MachineLimits limits = limits_of(Roofline{}, MachineFacts{.cores = 2});
  EXPECT_EQ(limits.cache_bytes, 0);
  EXPECT_TRUE(limits.caches.empty());
}

TEST(LanguagesOfATarget, AreThoseThatItNamesAndThisVersionKnows) {
  Target target;
  target.languages = {"triton", "cuda", "hieroglyphs"};
  Languages languages;
  add_languages(target, nullptr, true, languages);  // nothing is started before it is needed
  EXPECT_TRUE(languages.has(Language::triton));
  EXPECT_TRUE(languages.has(Language::cuda));
  EXPECT_FALSE(languages.has(Language::gluon));
  EXPECT_FALSE(languages.has(Language::cpp));
}

}  // namespace
}  // namespace kerf
