#include "session/session.h"

#include <gmock/gmock.h>

#include <ctime>

#include "session/session_fixture.h"
#include "synthesize/model/exchange_log.h"

namespace kerf {
namespace {

using namespace testing_session;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(SessionTest, TheIdentityPlanIsTheFirstNode) {
  World world(*store);
  auto session = Session::start(world.parts(), options("4candidates"), problem());
  ASSERT_TRUE(session) << session.error().message;
  world.run(**session);
  ASSERT_FALSE((*session)->nodes().empty());
  EXPECT_EQ((*session)->nodes()[0].proposal.candidate.text, "speedup 1 identity");
  EXPECT_EQ((*session)->nodes()[0].proposal.move, "identity");
}

TEST_F(SessionTest, ABudgetOfCandidatesIsMetExactlyWithManyInFlight) {
  for (const int jobs : {1, 2, 7}) {
    World world(*store);
    auto session = Session::start(world.parts(), options("20candidates", jobs), problem());
    ASSERT_TRUE(session);
    const SessionResult result = world.run(**session);
    EXPECT_EQ(result.candidates, 20);
    EXPECT_EQ(result.stopped.by, "candidates");
    EXPECT_EQ(result.status, SessionStatus::finished);
    EXPECT_EQ((*session)->nodes().size(), 21u);
  }
}

TEST_F(SessionTest, TheEngineTakesLessThanFiveMillisecondsACandidate) {
  World world(*store, texts(600));
  auto session = Session::start(world.parts(), options("500candidates", 4), problem());
  ASSERT_TRUE(session);
  const std::clock_t before = std::clock();
  EXPECT_EQ(world.run(**session).candidates, 500);
  EXPECT_LT(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC, 500 * 0.005) << "time of the processor";
}

TEST_F(SessionTest, WhatIsReportedComesFromTheConfirmingRun) {
  FakeEvaluatorOptions o;
  o.noise = 0.05;
  World world(*store, texts(40), o);
  auto session = Session::start(world.parts(), options("30candidates"), problem());
  ASSERT_TRUE(session);
  const SessionResult result = world.run(**session);
  ASSERT_TRUE(result.best);
  EXPECT_TRUE(result.confirmed);
  const SessionNode& best = (*session)->nodes()[static_cast<std::size_t>(*result.best)];
  ASSERT_TRUE(best.confirmed);
  EXPECT_EQ(best.best_known().id, best.confirmed->id);
  EXPECT_THAT(world.evaluator.submitted(),
              Contains(testing::Field(&FakeEvaluator::Submitted::effort, Effort::confirm)));
  const auto kept = load_nodes(*store, result.session);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_TRUE((*kept)[static_cast<std::size_t>(*result.best)].confirmed) << "the confirming run is in the store";
}

TEST_F(SessionTest, ASpeedupWhoseIntervalIncludesOneIsNoWinAndTheIdentityPlanIsHandedOver) {
  World world(*store, {"speedup 1.001 a", "speedup 0.9 b", "speedup 0.5 c"}, scripted());
  auto session = Session::start(world.parts(), options("10candidates"), problem());
  ASSERT_TRUE(session);
  const SessionResult result = world.run(**session);
  EXPECT_FALSE(result.win);
  EXPECT_EQ(result.best, 0);
  EXPECT_TRUE(result.confirmed) << "its times are quoted, so that they are confirmed, too";
}

TEST_F(SessionTest, AWinnerThatFailsTheConfirmingRunIsNotHandedOver) {
  FakeEvaluatorOptions o;
  o.landscape = [](const Candidate& candidate, const EvaluationRequest& request) {
    FakeFate fate;
    if (candidate.text == "lucky") {
      fate.speedup = 5;
      if (request.effort == Effort::confirm) fate.verdict = Verdict::wrong;
    }
    if (candidate.text == "honest") fate.speedup = 2;
    return fate;
  };
  World world(*store, {"lucky", "honest"}, o);
  auto session = Session::start(world.parts(), options("2candidates"), problem());
  ASSERT_TRUE(session);
  const SessionResult result = world.run(**session);
  ASSERT_TRUE(result.best);
  EXPECT_EQ((*session)->nodes()[static_cast<std::size_t>(*result.best)].proposal.candidate.text, "honest");
  EXPECT_TRUE(result.win);
}

TEST_F(SessionTest, WhereAModelWritesCandidatesItIsToldWhatTheBaselinesDo) {
  for (const bool model : {true, false}) {
    std::vector<bool> traced;
    FakeEvaluatorOptions o;
    o.landscape = [&](const Candidate&, const EvaluationRequest& request) {
      if (request.effort == Effort::screen) traced.push_back(request.traces);
      return FakeFate{};
    };
    World world(*store, {model ? "a" : "b"}, o);
    LateExchangeLog exchanges;
    SessionParts parts = world.parts();
    if (model) parts.exchanges = &exchanges;
    auto session = Session::start(std::move(parts), options("1candidates"), problem());
    ASSERT_TRUE(session);
    world.run(**session);
    EXPECT_THAT(traced, AllOf(Not(IsEmpty()), Each(model)));
  }
}

TEST_F(SessionTest, NothingRightMeansNothingIsHandedOver) {
  World world(*store, {"verdict crashed a", "verdict wrong b"}, [] {
    FakeEvaluatorOptions o;
    o.landscape = [](const Candidate&, const EvaluationRequest&) { return FakeFate{.verdict = Verdict::crashed}; };
    return o;
  }());
  auto session = Session::start(world.parts(), options("5candidates"), problem());
  ASSERT_TRUE(session);
  const SessionResult result = world.run(**session);
  EXPECT_EQ(result.status, SessionStatus::finished);
  EXPECT_FALSE(result.best);
}

TEST_F(SessionTest, WhatWasWrittenBeforeCostsNoEvaluation) {
  struct Repeater final : Synthesizer {
    Ticket propose(const SynthesisRequest&, Reply reply) override {
      Proposal p;
      p.candidate = {.text = "always the same", .language = Language::cpp, .name = ""};
      reply(std::optional(p));
      return 1;
    }
    void cancel(Ticket) override {}
    void learn(const SynthesisRequest&, const Proposal&, const Evaluation&) override {}
    std::string name() const override { return "repeater"; }
  } repeater;
  World world(*store);
  SessionParts parts{.loop = *world.loop,
                     .clock = world.clock,
                     .evaluator = world.evaluator,
                     .synthesizer = repeater,
                     .store = *store,
                     .view = world.view,
                     .target_facts = nullptr,
                     .versions = nullptr,
                     .identity = world.parts().identity};
  auto session = Session::start(std::move(parts), options("50candidates", 3), problem());
  ASSERT_TRUE(session);
  const SessionResult result = world.run(**session);
  EXPECT_EQ(result.candidates, 1);
  EXPECT_EQ(result.stopped.by, "exhausted");
  int screens = 0;
  for (const auto& s : world.evaluator.submitted()) screens += s.effort == Effort::screen && !s.remeasure ? 1 : 0;
  EXPECT_EQ(screens, 2) << "the identity plan and one candidate";
}

TEST_F(SessionTest, BadOptionsAreToldBeforeAnythingStarts) {
  World world(*store);
  auto o = options("12bananas");
  const auto session = Session::start(world.parts(), o, problem());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().kind, ErrorKind::user);
  EXPECT_THAT(session.error().message, HasSubstr("bananas"));
}

TEST(SessionOptionsTest, SurviveTheStore) {
  SessionOptions o = options("3candidates,2m", 5);
  o.search.policy = "greedy";
  o.elsewhere = "/some/folder";
  const auto back = session_options_from_json(to_json(o));
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), to_json(o));
}

}  // namespace
}  // namespace kerf
