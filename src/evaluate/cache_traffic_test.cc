#include "evaluate/cache_traffic.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(CacheTraffic, WhatIsTouchedForTheFirstTimeComesFromBeyond) {
  EXPECT_EQ(bytes_beyond({}, 100), 0);
  EXPECT_EQ(bytes_beyond({{{.storage = 0, .bytes = 10}, {.storage = 1, .bytes = 5}}}, 100), 15);
  EXPECT_EQ(bytes_beyond({{{.storage = 0, .bytes = 10}, {.storage = 0, .bytes = 4}}}, 100), 10) << "two views of one";
}

// x -> t -> out: 10 bytes each.
const std::vector<std::vector<Touch>> chain = {{{.storage = 0, .bytes = 10}, {.storage = 1, .bytes = 10}},
                                               {{.storage = 1, .bytes = 10}, {.storage = 2, .bytes = 10}}};

TEST(CacheTraffic, AResultThatFitsStaysBetweenSteps) {
  EXPECT_EQ(bytes_beyond(chain, 20), 30) << "x and t fit: t is there when it is read";
  EXPECT_EQ(bytes_beyond(chain, 19), 40) << "t is gone again";
  EXPECT_EQ(bytes_beyond(chain, 0), 40);
}

TEST(CacheTraffic, WhatComesBetweenPushesOut) {
  auto steps = chain;
  steps.insert(steps.begin() + 1, {{.storage = 3, .bytes = 100}});
  EXPECT_EQ(bytes_beyond(steps, 120), 130);
  EXPECT_EQ(bytes_beyond(steps, 119), 140);
}

TEST(CacheTraffic, OnlyWhatWasTouchedIsThere) {
  EXPECT_EQ(bytes_beyond({{{.storage = 0, .bytes = 4}}, {{.storage = 0, .bytes = 10}}}, 100), 10);
}

TEST(CacheTraffic, AnUnrolledLoopOfThousandsOfStepsTakesNoTime) {
  std::vector<std::vector<Touch>> steps;
  for (int i = 0; i < 20'000; ++i) steps.push_back({{.storage = i, .bytes = 8}, {.storage = i + 1, .bytes = 8}});
  EXPECT_EQ(bytes_beyond(steps, 16), 8 * 20'001) << "each result is read by the step after";
  EXPECT_EQ(bytes_beyond(steps, 15), 8 * 40'000);
}

}  // namespace
}  // namespace kerf
