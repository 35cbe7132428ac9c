#include "base/room.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace kerf {
namespace {

using namespace std::chrono_literals;

TEST(Room, SeveralPartsThatFitAndNoneThatDoesNot) {
  Room room;
  auto first = room.take(0.5, 0ms), second = room.take(0.5, 0ms);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(room.take(0.1, 5ms));
  EXPECT_TRUE(room.take(0, 0ms)) << "nothing is always there";
  second.reset();
  EXPECT_TRUE(room.take(0.4, 0ms));
}

TEST(Room, WhoAsksForMoreThanThereIsGetsAllOfIt) {
  Room room;
  const auto all = room.take(7, 0ms);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->share(), 1);
  EXPECT_FALSE(room.take(0.01, 0ms));
}

TEST(Room, WhatIsGivenBackWakesWhoWaits) {
  Room room;
  auto all = room.take(1, 0ms);
  std::jthread later([&] {
    std::this_thread::sleep_for(20ms);
    all.reset();
  });
  EXPECT_TRUE(room.take(0.7, 10s));
}

TEST(Room, WhoWantsMuchIsNotPassedByThoseWhoWantLittle) {
  Room room;
  auto half = room.take(0.5, 0ms);
  std::atomic<bool> had_all = false;
  std::jthread much([&] {
    const auto all = room.take(1, 10s);
    EXPECT_TRUE(all);
    had_all = true;
  });
  bool waits = false;  // from when the thread has come
  for (const auto end = std::chrono::steady_clock::now() + 10s; !waits && std::chrono::steady_clock::now() < end;)
    waits = !room.take(0.1, 10ms);
  EXPECT_TRUE(waits) << "it came later";
  half.reset();
  EXPECT_TRUE(room.take(0.1, 10s));
  EXPECT_TRUE(had_all);
}

TEST(Room, WhoGaveUpHoldsNobodyUp) {
  Room room;
  const auto half = room.take(0.5, 0ms);
  EXPECT_FALSE(room.take(1, 5ms));
  EXPECT_TRUE(room.take(0.5, 0ms));
}

TEST(Room, WhoWaitsHearsAtOnceThatItIsClosed) {
  Room room;
  auto all = room.take(1, 0ms);
  const auto begin = std::chrono::steady_clock::now();
  std::atomic<int> sent_away = 0;
  {
    std::vector<std::jthread> waiting;
    for (int i = 0; i < 3; ++i) waiting.emplace_back([&] { sent_away += room.take(0.3, 60s) == nullptr ? 1 : 0; });
    room.close();
  }
  EXPECT_EQ(sent_away, 3);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 30s);
  EXPECT_TRUE(room.closed());
  all.reset();
  EXPECT_FALSE(room.take(0, 60s)) << "nobody is let in afterwards";
}

TEST(Room, ManyThreadsNeverHaveMoreThanThereIs) {
  Room room;
  std::atomic<int> inside = 0, most = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        for (int k = 0; k < 50; ++k) {
          const auto part = room.take(0.34, 10s);
          ASSERT_TRUE(part);
          const int now = ++inside;
          for (int was = most; was < now && !most.compare_exchange_weak(was, now);) {
          }
          std::this_thread::yield();
          --inside;
        }
      });
  }
  EXPECT_LE(most, 2);
  EXPECT_GE(most, 1);
}

}  // namespace
}  // namespace kerf
