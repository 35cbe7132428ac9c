#include "session/suite_queue.h"

#include <gmock/gmock.h>

#include <thread>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

struct SuiteQueueTest : testing::Test {
  SuiteRun run{.id = "x", .suite = {}, .select = {}, .shard = {}, .created_ms = 0, .options = {}, .entries = {}};
  std::vector<std::vector<std::string>> saved;  // verdicts, each time
  Result<> save_says;

  explicit SuiteQueueTest() {
    for (const char* id : {"k/1/1", "k/1/2", "k/1/3", "k/1/4", "k/1/5"}) run.entries.emplace_back().problem = id;
  }
  SuiteQueue queue(std::size_t problems = 5) {
    return {run, problems, [this](const SuiteRun& now) {
              auto& verdicts = saved.emplace_back();
              for (const SuiteEntry& entry : now.entries) verdicts.push_back(entry.verdict);
              return save_says;
            }};
  }
  static void end(SuiteQueue& queue, SuiteQueue::Turn turn, const char* verdict,
                  Result<SessionStatus> status = SessionStatus::finished) {
    turn.entry.done = true;
    turn.entry.verdict = verdict;
    queue.ended(turn, status);
  }
};

TEST_F(SuiteQueueTest, HandsOutWhatIsNotDoneAndTriesAgainWhatFailed) {
  run.entries[0].done = run.entries[2].done = true;
  run.entries[0].verdict = "measured";
  run.entries[2].verdict = "failed";
  SuiteQueue queue = this->queue(4);
  std::vector<std::string> order;
  while (auto turn = queue.next()) {
    order.push_back(turn->entry.problem);
    end(queue, *turn, "measured");
  }
  EXPECT_THAT(order, ElementsAre("k/1/2", "k/1/3", "k/1/4")) << "the fifth is of an earlier, wider selection";
  EXPECT_TRUE(queue.result());
  EXPECT_FALSE(queue.interrupted());
  EXPECT_THAT(saved.back(), ElementsAre("measured", "measured", "measured", "measured", ""));
}

TEST_F(SuiteQueueTest, TurnsSideBySideDoNotTouchEachOthersEntries) {
  SuiteQueue queue = this->queue();
  auto first = queue.next(), second = queue.next();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->left, 4U);
  first->entry.session = "a";
  ASSERT_TRUE(queue.keep(*first));
  end(queue, *second, "refused");
  end(queue, *first, "measured");
  EXPECT_EQ(run.entries[0].session, "a");
  EXPECT_EQ(run.entries[1].verdict, "refused");
  EXPECT_THAT(saved, SizeIs(3));
  EXPECT_EQ(queue.next()->worked, 2);
}

TEST_F(SuiteQueueTest, EveryProblemHasOneTurnOnManyThreads) {
  run.entries.resize(64);
  SuiteQueue queue = this->queue(64);
  {
    std::vector<std::jthread> lanes;
    for (int i = 0; i < 4; ++i)
      lanes.emplace_back([&] {
        while (auto turn = queue.next()) {
          turn->entry.candidates = 1;
          end(queue, *turn, "measured");
        }
      });
  }
  EXPECT_THAT(saved, SizeIs(64));
  for (const SuiteEntry& entry : run.entries) EXPECT_EQ(entry.candidates, 1);
}

TEST_F(SuiteQueueTest, AfterAnInterruptNothingBegins) {
  SuiteQueue queue = this->queue();
  auto first = queue.next(), second = queue.next();
  queue.ended(*first, SessionStatus::interrupted);
  EXPECT_FALSE(queue.next());
  queue.ended(*second, fail(ErrorKind::cancelled, "interrupted"));
  EXPECT_TRUE(queue.interrupted());
  EXPECT_TRUE(queue.result());
}

TEST_F(SuiteQueueTest, AnInterruptIsHeardWhileTurnsAreUnderWay) {
  SuiteQueue queue = this->queue();
  auto first = queue.next();
  std::jthread([&] { queue.interrupt(); }).join();
  EXPECT_TRUE(queue.interrupted());
  EXPECT_FALSE(queue.next());
  end(queue, *first, "measured");
  EXPECT_EQ(run.entries[0].verdict, "measured") << "what came to its end is kept";
  EXPECT_TRUE(queue.result());
}

TEST_F(SuiteQueueTest, WhatWouldFailEverywhereEndsTheRunWithItsFirstReason) {
  SuiteQueue queue = this->queue();
  auto first = queue.next(), second = queue.next();
  queue.ended(*first, fail(ErrorKind::unavailable, "no Python"));
  queue.ended(*second, fail(ErrorKind::unavailable, "no Python either"));
  EXPECT_FALSE(queue.next());
  ASSERT_FALSE(queue.result());
  EXPECT_EQ(queue.result().error().message, "no Python");
}

TEST_F(SuiteQueueTest, ThreeFailuresInARowAreEnough) {
  SuiteQueue queue = this->queue();
  end(queue, *queue.next(), "failed", SessionStatus::failed);
  end(queue, *queue.next(), "failed", SessionStatus::failed);
  end(queue, *queue.next(), "measured");
  EXPECT_TRUE(queue.result());
  SuiteQueue again = this->queue();
  for (int i = 0; i < 3; ++i) {
    auto turn = again.next();
    ASSERT_TRUE(turn);
    end(again, *turn, "failed", SessionStatus::failed);
  }
  EXPECT_FALSE(again.next());
  EXPECT_THAT(again.result().error().message, HasSubstr("--id x"));
}

TEST_F(SuiteQueueTest, ARunThatCannotBeSavedEnds) {
  SuiteQueue queue = this->queue();
  save_says = fail(ErrorKind::user, "no space");
  end(queue, *queue.next(), "measured");
  EXPECT_FALSE(queue.next());
  EXPECT_EQ(queue.result().error().message, "no space");
}

}  // namespace
}  // namespace kerf
