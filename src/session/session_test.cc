#include "session/session.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <ctime>

#include "evaluate/fake_evaluator.h"
#include "session/confirm.h"
#include "session/recall.h"
#include "store/fake_store.h"
#include "synthesize/fake_synthesizer.h"

namespace kerf {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::shared_ptr<const Understood> problem() {
  auto understood = std::make_shared<Understood>();
  understood->problem.id = "test/1";
  understood->problem.source = "class Model: pass";
  understood->admission.admitted = true;
  understood->workloads.resize(1);
  return understood;
}

std::vector<std::string> texts(int n) {
  std::vector<std::string> all;
  for (int i = 0; i < n; ++i) all.push_back(fmt::format("candidate {}", i));
  return all;
}

struct Watcher final : ProgressView {
  std::vector<NodeIndex> judged_nodes;
  std::vector<std::string> notes;
  std::function<void()> on_judged;
  void show(const Snapshot&) override {}
  void judged(const Snapshot&, const SessionNode& node) override {
    judged_nodes.push_back(node.index);
    if (on_judged) on_judged();
  }
  void note(const std::string& line) override { notes.push_back(line); }
};

// Everything that one process of kerf holds; the store outlives it, as a file would.
struct World {
  explicit World(Store& s, std::vector<std::string> candidates = texts(200), FakeEvaluatorOptions options = {})
      : store(s), evaluator(*loop, std::move(options)), synthesizer(std::move(candidates)) {}

  SessionParts parts() {
    return {.loop = *loop,
            .clock = clock,
            .evaluator = evaluator,
            .synthesizer = synthesizer,
            .store = store,
            .view = view,
            .target_facts = {{"name", "fake"}},
            .versions = {{"kerf", "test"}},
            .identity = [](const Understood&) -> Result<Candidate> {
              return Candidate{.text = "speedup 1 identity", .language = Language::cpp, .name = "identity"};
            }};
  }
  SessionResult run(Session& session) {
    SessionResult result;
    int calls = 0;
    session.run([&](const SessionResult& r) {
      result = r;
      ++calls;
    });
    loop->run();
    EXPECT_EQ(calls, 1) << "the end is told once";
    return result;
  }

  Store& store;
  FakeClock clock;
  std::unique_ptr<Loop> loop = make_manual_loop();
  FakeEvaluator evaluator;
  FakeSynthesizer synthesizer;
  Watcher view;
};

SessionOptions options(const std::string& budget, int jobs = 1) {
  SessionOptions o;
  o.budget = budget;
  o.jobs = jobs;
  o.search.seed = 7;
  return o;
}

struct SessionTest : testing::Test {
  FakeClock clock;
  std::unique_ptr<Store> store = make_fake_store(clock);
};

FakeEvaluatorOptions scripted() {
  FakeEvaluatorOptions o;
  o.landscape = scripted_landscape();
  return o;
}

std::string tree_of(const SessionNodes& nodes) {
  std::string text;
  for (const SessionNode& n : nodes) {
    text += fmt::format("{}<{} {} {} {:.6f} x{}\n", n.index, n.parent().value_or(-1), n.proposal.candidate.text,
                        to_string(n.evaluation.verdict), n.outcome.reward.mean, n.remeasured.size());
  }
  return text;
}

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

SessionNode node(NodeIndex index, std::optional<NodeIndex> parent, double speedup, double spread = 0.01) {
  SessionNode n;
  n.index = index;
  if (parent) n.expansion.parents = {*parent};
  n.proposal.candidate.text = fmt::format("node {}", index);
  n.evaluation.verdict = Verdict::measured;
  n.evaluation.receipt.emplace();
  n.evaluation.receipt->speedup["eager"] = {
      .value = speedup, .low = speedup * (1 - spread), .high = speedup * (1 + spread)};
  n.outcome = outcome_of(n.evaluation);
  return n;
}

TEST(OutcomeTest, AQuarantinedTimeIsNeverScored) {
  SessionNode n = node(0, std::nullopt, 100);
  n.evaluation.receipt->quarantined = true;
  EXPECT_EQ(outcome_of(n.evaluation).kind, Outcome::Kind::failed);
  EXPECT_FALSE(is_win(n.evaluation));
}

TEST(OutcomeTest, WhatIsRightWithoutATimeIsNeitherFasterNorSlowerAndNeverHandedOverForASpeed) {
  SessionNodes nodes{node(0, std::nullopt, 1), node(1, 0, 1)};
  for (SessionNode& n : nodes) {
    n.evaluation.receipt = Receipt{.evidence = Evidence::emulated, .time_us = {}};
    n.outcome = outcome_of(n.evaluation);
    EXPECT_EQ(n.outcome.kind, Outcome::Kind::measured);
    EXPECT_EQ(n.outcome.reward.mean, 0);
    EXPECT_FALSE(is_win(n.evaluation));
  }
  EXPECT_THAT(confirmation_order(nodes, 1), ::testing::IsEmpty());
  const HandOver over = hand_over(nodes);
  EXPECT_EQ(over.node, std::optional<NodeIndex>(0));
  EXPECT_FALSE(over.win || over.confirmed);
}

TEST(OutcomeTest, TheStandardErrorIsReadOffThe99PercentInterval) {
  const SessionNode n = node(0, std::nullopt, 2);
  EXPECT_NEAR(n.outcome.reward.mean, std::log(2.0), 1e-12);
  EXPECT_NEAR(n.outcome.reward.standard_error, 0.02 / 5.152, 1e-4);
}

TEST(RecallTest, OperatorsRecallWhatTheirNamesSay) {
  SessionNodes nodes{node(0, std::nullopt, 1), node(1, 0, 1.5), node(2, 0, 2), node(3, 1, 3)};
  SynthesisRequest request;
  const auto indices = [](const std::vector<Recalled>& all) {
    std::vector<NodeIndex> found;
    for (const Recalled& r : all) found.push_back(r.node);
    return found;
  };
  const auto ask = [&](MemoryOperator memory, std::vector<NodeIndex> parents) {
    Expansion expansion;
    expansion.memory = memory;
    expansion.parents = std::move(parents);
    recall(request, expansion, nodes);
  };
  ask(MemoryOperator::inherit, {3});
  EXPECT_EQ(indices(request.ancestors), (std::vector<NodeIndex>{3, 1, 0}));
  EXPECT_TRUE(request.siblings.empty());
  ask(MemoryOperator::siblings, {0});
  EXPECT_EQ(indices(request.ancestors), (std::vector<NodeIndex>{0}));
  EXPECT_EQ(indices(request.siblings), (std::vector<NodeIndex>{1, 2}));
  ask(MemoryOperator::combine, {3, 2});
  EXPECT_EQ(indices(request.siblings), (std::vector<NodeIndex>{2}));
  ask(MemoryOperator::fresh, {3});
  EXPECT_TRUE(request.ancestors.empty());
}

TEST(ConfirmTest, TheFastestConfirmedWinnerIsHandedOverWhateverTheSearchSaw) {
  SessionNodes nodes{node(0, std::nullopt, 1), node(1, 0, 9), node(2, 0, 2)};
  nodes[1].confirmed = node(1, 0, 1.5).evaluation;
  nodes[2].confirmed = node(2, 0, 1.9).evaluation;
  const HandOver handed = hand_over(nodes);
  EXPECT_EQ(handed.node, 2);
  EXPECT_TRUE(handed.win && handed.confirmed);
}

TEST(ConfirmTest, AConfirmationThatIsNoWinOutweighsTheSearchsWin) {
  SessionNodes nodes{node(0, std::nullopt, 1), node(1, 0, 1.3)};
  nodes[1].confirmed = node(1, 0, 1.01, 0.05).evaluation;
  const HandOver handed = hand_over(nodes);
  EXPECT_EQ(handed.node, 0);
  EXPECT_FALSE(handed.win);
}

TEST(ConfirmTest, WithoutAWinWhatIsSurelyFasterThanTheIdentityPlanIsHandedOver) {
  SessionNodes nodes{node(0, std::nullopt, 0.5), node(1, 0, 1.3)};
  nodes[1].confirmed = node(1, 0, 1.0, 0.02).evaluation;
  const HandOver handed = hand_over(nodes);
  EXPECT_EQ(handed.node, 1);
  EXPECT_TRUE(handed.confirmed);
  EXPECT_FALSE(handed.win);
  nodes[0] = node(0, std::nullopt, 0.99, 0.02);
  EXPECT_EQ(hand_over(nodes).node, 0);
}

TEST(ConfirmTest, WithoutAWinAndWithoutAnIdentityPlanTheReferenceItselfIsHandedOver) {
  SessionNodes nodes{node(0, std::nullopt, 1), node(1, 0, 0.4), node(2, 0, 0.7)};
  nodes[0].evaluation.verdict = Verdict::wrong;
  nodes[0].evaluation.receipt.reset();
  HandOver handed = hand_over(nodes);
  EXPECT_TRUE(handed.reference);
  EXPECT_FALSE(handed.win);
  EXPECT_EQ(handed.node, 2) << "the closest, for the report";
  nodes[1].confirmed = node(1, 0, 1.8).evaluation;
  handed = hand_over(nodes);
  EXPECT_EQ(handed.node, 1);
  EXPECT_TRUE(handed.win);
  EXPECT_FALSE(handed.reference) << "a win needs no plan to fall back to";
  nodes.resize(1);
  EXPECT_TRUE(hand_over(nodes).reference);
  EXPECT_FALSE(hand_over(nodes).node);
}

}  // namespace
}  // namespace kerf
