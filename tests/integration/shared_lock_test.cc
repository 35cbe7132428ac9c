// Locks that real processes share through real files.
#include "base/shared_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

namespace kerf {
namespace {

using namespace std::chrono_literals;

struct SharedLockTest : ::testing::Test {
  std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / ("kerf-lock-" + std::to_string(::getpid()));
  SharedLock lock{(folder / "gpu.lock").string()};
  SharedLockTest() { std::filesystem::create_directories(folder); }
  ~SharedLockTest() override { std::filesystem::remove_all(folder); }
};

TEST_F(SharedLockTest, ManyBesideEachOtherOrOneAlone) {
  auto first = lock.take(false, 0ms, [] {});
  ASSERT_TRUE(first) << first.error().message;
  auto second = lock.take(false, 0ms, [] {});
  ASSERT_TRUE(second) << second.error().message;
  const auto alone = lock.take(true, 20ms, [] {});
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().kind, ErrorKind::unavailable);
  first = fail(ErrorKind::cancelled, "");
  second = fail(ErrorKind::cancelled, "");
  ASSERT_TRUE(lock.take(true, 0ms, [] {}));
}

TEST_F(SharedLockTest, WhoWaitsToBeAloneIsNotPassed) {
  auto held = lock.take(false, 0ms, [] {});
  ASSERT_TRUE(held);
  std::atomic<bool> alone = false;
  std::thread waits([&] {
    const auto got = lock.take(true, 10s, [] {});
    EXPECT_TRUE(got);
    alone = true;
    std::this_thread::sleep_for(50ms);
  });
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(lock.take(false, 20ms, [] {})) << "it came later than the one that waits";
  held = fail(ErrorKind::cancelled, "");
  const auto later = lock.take(false, 10s, [] {});
  EXPECT_TRUE(later);
  EXPECT_TRUE(alone);
  waits.join();
}

TEST_F(SharedLockTest, EndsWithItsProcessAndSaysThatItWaits) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = lock.take(true, 0ms, [] {});
    const char ready = held ? 1 : 0;
    (void)!::write(pipe[1], &ready, 1);
    std::this_thread::sleep_for(2500ms);
    ::_exit(0);  // without letting go
  }
  char ready = 0;
  ASSERT_EQ(::read(pipe[0], &ready, 1), 1);
  ASSERT_EQ(ready, 1);
  int told = 0;
  EXPECT_TRUE(lock.take(true, 10s, [&] { ++told; }));
  EXPECT_EQ(told, 1);
  ::waitpid(child, nullptr, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(SharedLock, SaysWhyItCannotBeHad) {
  const auto none = SharedLock("/nowhere/at/all.lock").take(true, 0ms, [] {});
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("/nowhere/at/all.lock"), std::string::npos);
}

}  // namespace
}  // namespace kerf
