#include "base/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace kerf {
namespace {

using std::chrono::milliseconds;

class LoopTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { loop_ = GetParam() ? make_loop(2).value() : make_manual_loop(); }
  std::unique_ptr<Loop> loop_;
};

INSTANTIATE_TEST_SUITE_P(Both, LoopTest, testing::Bool(), [](const auto& p) { return p.param ? "Uv" : "Manual"; });

TEST_P(LoopTest, RunsWhatWasPostedInOrder) {
  std::vector<int> seen;
  for (int i = 0; i < 5; ++i) loop_->post([&seen, i] { seen.push_back(i); });
  loop_->run();
  EXPECT_EQ(seen, (std::vector{0, 1, 2, 3, 4}));
}

TEST_P(LoopTest, TimersFireByTheirDelay) {
  std::vector<int> seen;
  loop_->after(milliseconds(20), [&] { seen.push_back(2); });
  loop_->after(milliseconds(1), [&] { seen.push_back(1); });
  loop_->run();
  EXPECT_EQ(seen, (std::vector{1, 2}));
}

TEST_P(LoopTest, ComesBackFromOffloadedWorkOnItsOwnThread) {
  const auto here = std::this_thread::get_id();
  std::atomic<int> work = 0;
  std::thread::id where;
  for (int i = 0; i < 50; ++i) loop_->offload([&work] { ++work; }, [&where] { where = std::this_thread::get_id(); });
  loop_->run();
  EXPECT_EQ(work, 50);
  EXPECT_EQ(where, here);
}

TEST_P(LoopTest, RunEndsWhenNothingIsLeftToWaitFor) {
  int steps = 0;
  loop_->offload([] {}, [&] { loop_->after(milliseconds(1), [&] { loop_->post([&] { ++steps; }); }); });
  loop_->run();
  EXPECT_EQ(steps, 1);
}

TEST_P(LoopTest, StopKeepsWhatWasNotRunForTheNextRun) {
  int seen = 0;
  loop_->post([&] { loop_->stop(); });
  loop_->post([&] { ++seen; });
  loop_->run();
  EXPECT_EQ(seen, 0);
  loop_->run();
  EXPECT_EQ(seen, 1);
}

TEST_P(LoopTest, AForgottenTimerNeitherFiresNorKeepsTheLoopWaiting) {
  int seen = 0;
  const auto timer = loop_->after(milliseconds(600'000), [&] { ++seen; });
  loop_->after(milliseconds(1), [&] {
    loop_->forget(timer);
    loop_->forget(timer);
  });
  loop_->run();
  EXPECT_EQ(seen, 0);
}

TEST_P(LoopTest, ForgettingATimerThatHasFiredDoesNothing) {
  int seen = 0;
  Loop::Timer first = 0;
  first = loop_->after(milliseconds(1), [&] {
    ++seen;
    loop_->forget(first);
  });
  loop_->after(milliseconds(2), [&] { loop_->forget(first); });
  loop_->run();
  EXPECT_EQ(seen, 1);
}

TEST(UvLoop, TellsWhenADescriptorIsReady) {
  const auto loop = make_loop(1).value();
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  std::string seen;
  ASSERT_TRUE(loop->watch(fds[0], Loop::Ready::readable, [&](Loop::Ready) {
    char c = 0;
    ASSERT_EQ(::read(fds[0], &c, 1), 1);
    seen += c;
    if (seen.size() == 3) loop->unwatch(fds[0]);
  }));
  loop->after(milliseconds(1), [&] { ASSERT_EQ(::write(fds[1], "abc", 3), 3); });
  loop->run();  // ends: nothing is watched any more
  EXPECT_EQ(seen, "abc");
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST(UvLoop, ADescriptorCanBeWatchedAgainAndForOtherThings) {
  const auto loop = make_loop(1).value();
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  int written = 0;
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(loop->watch(fds[1], Loop::Ready::writable, [&](Loop::Ready ready) {
      EXPECT_EQ(ready, Loop::Ready::writable);
      ++written;
      loop->unwatch(fds[1]);
    }));
    loop->run();
  }
  EXPECT_EQ(written, 3);
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST(UvLoop, PostsFromOtherThreadsArrive) {
  const auto loop = make_loop(1).value();
  int seen = 0;
  std::jthread other;
  loop->offload([] {},
                [&] {
                  other = std::jthread([&] {
                    for (int i = 0; i < 100; ++i) loop->post([&seen] { ++seen; });
                  });
                  loop->after(milliseconds(200), [] {});
                });
  loop->run();
  other.join();
  EXPECT_EQ(seen, 100);
}

TEST(UvLoop, CanBeDestroyedWithTimersPending) {
  const auto loop = make_loop(1).value();
  loop->after(milliseconds(100'000), [] {});
}

}  // namespace
}  // namespace kerf
