// What ends a session before its budget, and how it goes on from there: errors, a full disk, Ctrl-C, kill -9.
#include <gtest/gtest.h>

#include "session/session_fixture.h"

namespace kerf {
namespace {

using namespace testing_session;

TEST_F(SessionTest, OurOwnErrorsAreTriedAgainAndLoseNothing) {
  World world(*store);
  for (int i = 0; i < 2; ++i) world.evaluator.fail_next({.kind = ErrorKind::system, .message = "the runner died"});
  auto session = Session::start(world.parts(), options("5candidates"), problem());
  ASSERT_TRUE(session);
  const SessionResult result = world.run(**session);
  EXPECT_EQ(result.status, SessionStatus::finished);
  EXPECT_EQ(result.candidates, 5);
  EXPECT_FALSE(world.view.notes.empty());
}

TEST_F(SessionTest, ErrorsWithoutEndEndTheSessionWhichCanBeResumed) {
  std::string id;
  {
    World world(*store);
    int judged = 0;
    world.view.on_judged = [&] {
      if (++judged == 4) {
        for (int i = 0; i < 100; ++i) world.evaluator.fail_next({.kind = ErrorKind::system, .message = "no memory"});
      }
    };
    auto session = Session::start(world.parts(), options("10candidates"), problem());
    ASSERT_TRUE(session);
    const SessionResult result = world.run(**session);
    EXPECT_EQ(result.status, SessionStatus::failed);
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->message, "no memory");
    id = result.session;
  }
  World again(*store);
  auto session = Session::resume(again.parts(), id, problem(), "");
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ((*session)->nodes().size(), 4u);
  EXPECT_EQ(again.run(**session).candidates, 10);
}

TEST_F(SessionTest, AMachineThatLacksSomethingEndsItAtOnce) {
  World world(*store);
  world.evaluator.fail_next({.kind = ErrorKind::unavailable, .message = "there is no compiler"});
  auto session = Session::start(world.parts(), options("5candidates"), problem());
  ASSERT_TRUE(session);
  const SessionResult result = world.run(**session);
  EXPECT_EQ(result.status, SessionStatus::failed);
  EXPECT_EQ(result.error->kind, ErrorKind::unavailable);
  EXPECT_EQ(world.evaluator.submitted().size(), 1u);
}

TEST_F(SessionTest, AFullDiskEndsItWithThatError) {
  for (int writes = 0; writes < 30; ++writes) {
    const auto full = make_fake_store(clock, writes);
    World world(*full);
    auto session = Session::start(world.parts(), options("10candidates", 2), problem());
    if (!session) continue;
    const SessionResult result = world.run(**session);
    EXPECT_EQ(result.status, SessionStatus::failed) << writes;
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->kind, ErrorKind::system);
  }
}

TEST_F(SessionTest, CtrlCEndsItAtOnceAndAResumeCarriesOutWhatWasInFlight) {
  World whole(*store);
  auto reference = Session::start(whole.parts(), options("20candidates"), problem());
  ASSERT_TRUE(reference);
  whole.run(**reference);

  World world(*store);
  auto session = Session::start(world.parts(), options("20candidates"), problem());
  ASSERT_TRUE(session);
  int judged = 0;
  world.view.on_judged = [&] {
    if (++judged == 8) (*session)->interrupt();
  };
  const SessionResult result = world.run(**session);
  EXPECT_EQ(result.status, SessionStatus::interrupted);
  EXPECT_EQ(result.stopped.by, "interrupted");
  EXPECT_FALSE(result.confirmed);
  const std::string id = result.session;
  session->reset();

  World again(*store);
  auto resumed = Session::resume(again.parts(), id, problem(), "");
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ(again.run(**resumed).status, SessionStatus::finished);
  EXPECT_EQ(tree_of((*resumed)->nodes()), tree_of((*reference)->nodes()));
}

// kill -9: the process is gone between two turns of the loop, without a word to anyone.
TEST_F(SessionTest, KilledAtAnyStepAndResumedItGrowsTheSameTree) {
  for (const int jobs : {1, 3}) {
    World whole(*store);
    auto reference = Session::start(whole.parts(), options("12candidates", jobs), problem());
    ASSERT_TRUE(reference);
    const SessionResult expected = whole.run(**reference);
    const std::string tree = tree_of((*reference)->nodes());

    for (int step = 0; step < 16; ++step) {
      std::string id;
      {
        World world(*store);
        auto session = Session::start(world.parts(), options("12candidates", jobs), problem());
        ASSERT_TRUE(session);
        id = (*session)->id();
        int judged = 0;
        world.view.on_judged = [&] {
          if (judged++ == step) world.loop->stop();
        };
        (*session)->run([](const SessionResult&) {});
        world.loop->run();
      }
      World again(*store);
      auto resumed = Session::resume(again.parts(), id, problem(), "");
      ASSERT_TRUE(resumed) << "killed after " << step << ": " << resumed.error().message;
      const SessionResult result = again.run(**resumed);
      EXPECT_EQ(result.candidates, 12) << "killed after " << step;
      if (jobs == 1) {
        EXPECT_EQ(tree_of((*resumed)->nodes()), tree) << "killed after " << step;
        EXPECT_EQ(result.best, expected.best);
      }
    }
  }
}

TEST_F(SessionTest, AResumedSessionTeachesItsSynthesizerWhatTheOldOneLearned) {
  World world(*store);
  auto session = Session::start(world.parts(), options("9candidates"), problem());
  ASSERT_TRUE(session);
  const std::string id = world.run(**session).session;
  session->reset();
  World again(*store);
  auto resumed = Session::resume(again.parts(), id, problem(), "15candidates");
  ASSERT_TRUE(resumed) << resumed.error().message;
  ASSERT_EQ(again.synthesizer.learned().size(), 9u);
  for (std::size_t i = 0; i < 9; ++i)
    EXPECT_EQ(again.synthesizer.learned()[i].candidate, world.synthesizer.learned()[i].candidate);
  EXPECT_EQ(again.run(**resumed).candidates, 15);
}

}  // namespace
}  // namespace kerf
