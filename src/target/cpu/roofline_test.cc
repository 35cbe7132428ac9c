#include "target/cpu/roofline.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "target/cpu/roofline_kernels.h"

namespace kerf {
namespace {

Roofline sample() {
  Roofline r;
  r.machine = "abc";
  r.threads = 2;
  r.levels.push_back(
      {.level = "L1", .working_set = 1, .read = {900, 800}, .write = {}, .copy = {}, .stream_write = {}});
  r.levels.push_back({.level = "memory",
                      .working_set = 2,
                      .read = {20, 18},
                      .write = {9, 8},
                      .copy = {25, 20},
                      .stream_write = {12, 11}});
  r.f32_all = {500, 480};
  return r;
}

TEST(Roofline, MemoryBandwidthIsTheBestOfAllWaysToUseMemory) {
  EXPECT_EQ(sample().memory_bandwidth(), 25);
  EXPECT_EQ(Roofline{}.memory_bandwidth(), 0);
}

TEST(Roofline, TravelsAsJson) {
  const Roofline back = roofline_from_json(to_json(sample())).value();
  EXPECT_EQ(back.machine, "abc");
  EXPECT_EQ(back.levels[1].copy.median, 20);
  EXPECT_EQ(back.f32_all.best, 500);
}

TEST(Roofline, AnotherVersionOrNoJsonSaysWhatToDo) {
  auto other = to_json(sample());
  other["schema"] = 99;
  EXPECT_NE(roofline_from_json(other).error().message.find("kerf doctor --calibrate"), std::string::npos);
  EXPECT_FALSE(roofline_from_json(nlohmann::json::value_t::discarded));
}

TEST(RooflineKernels, DoWhatTheyAreTimedFor) {
  const RooflineKernels& k = roofline_kernels();
  alignas(64) float a[256], b[256];
  k.write(a, 256);
  for (const float x : a) ASSERT_EQ(x, 1.0F);
  k.copy(a, b, 256);
  for (const float x : b) ASSERT_EQ(x, 1.0F);
  for (float& x : a) x = 0;
  k.stream_write(a, 256);
  for (const float x : a) ASSERT_EQ(x, 1.0F);
  // x/2 + 1 converges to 2 in every chain.
  EXPECT_NEAR(k.fma_f32(100), 24.0, 1e-3);
  EXPECT_NEAR(k.fma_f64(100), 24.0, 1e-9);
}

}  // namespace
}  // namespace kerf
