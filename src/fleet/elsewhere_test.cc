#include "fleet/elsewhere.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "evaluate/fake_evaluator.h"
#include "session/session.h"
#include "store/fake_store.h"
#include "synthesize/fake_synthesizer.h"

namespace kerf {
namespace {

using testing::HasSubstr;

std::shared_ptr<const Understood> problem() {
  auto understood = std::make_shared<Understood>();
  understood->problem.id = "test/1";
  understood->problem.source = "class Model: pass";
  understood->admission.admitted = true;
  understood->workloads.resize(1);
  return understood;
}

// One process of kerf, with the results that it was given.
struct World {
  World(Store& s, std::vector<BundleResult> results) : store(s), evaluator(*loop, std::move(results)) {
    std::vector<std::string> texts;
    for (int i = 0; i < 100; ++i) texts.push_back(fmt::format("candidate {}", i));
    synthesizer.emplace(std::move(texts));
  }
  SessionParts parts() {
    return {.loop = *loop,
            .clock = clock,
            .evaluator = evaluator,
            .synthesizer = *synthesizer,
            .store = store,
            .view = view,
            .target_facts = {{"name", "fake"}},
            .versions = {{"kerf", "test"}},
            .identity = [](const Understood&) -> Result<Candidate> {
              return Candidate{.text = "identity", .language = Language::cpp, .name = "identity"};
            }};
  }
  SessionResult run(Session& session) {
    SessionResult result;
    session.run([&](const SessionResult& r) { result = r; });
    loop->run();
    return result;
  }
  Store& store;
  FakeClock clock;
  std::unique_ptr<Loop> loop = make_manual_loop();
  ElsewhereEvaluator evaluator;
  std::optional<FakeSynthesizer> synthesizer;
  SilentView view;
};

// The other machine.
std::vector<BundleResult> judge(const std::vector<BundleItem>& items) {
  const auto loop = make_manual_loop();
  const FakeEvaluator evaluator(*loop, {.landscape = digest_landscape(), .noise = 0.02});
  std::vector<BundleResult> results;
  for (std::size_t i = 0; i < items.size(); ++i) {
    results.push_back({.item = i,
                       .effort = items[i].effort,
                       .expansion = items[i].expansion,
                       .evaluation = evaluator.evaluate(items[i].candidate, {.problem = problem()}, 0)});
  }
  return results;
}

struct ElsewhereTest : testing::Test {
  FakeClock clock;
  std::unique_ptr<Store> store = make_fake_store(clock);
  SessionOptions options;
  SessionId id;
  std::vector<BundleItem> awaited;
  SessionResult last;

  void SetUp() override {
    options.budget = "20candidates";
    options.jobs = 6;
    options.search.seed = 3;
  }
  void begin() {
    World world(*store, {});
    const auto session = Session::start(world.parts(), options, problem());
    ASSERT_TRUE(session);
    last = world.run(**session);
    id = (*session)->id();
    awaited = world.evaluator.awaited();
  }
  std::size_t tell(std::vector<BundleResult> results, std::optional<int> asks = {}, bool abandon = false) {
    World world(*store, std::move(results));
    SessionParts parts = world.parts();
    parts.asks = asks;
    const auto session = Session::resume(std::move(parts), id, problem(), "");
    EXPECT_TRUE(session) << session.error().message;
    if (abandon) (*session)->abandon_proposals();
    last = world.run(**session);
    awaited = world.evaluator.awaited();
    return world.evaluator.used();
  }
};

TEST(ElsewhereEvaluatorTest, RemembersAllThatIsWantedOfACandidate) {
  const auto loop = make_manual_loop();
  ElsewhereEvaluator evaluator(*loop, {});
  const auto ignore = [](const Result<Evaluation>&) {};
  evaluator.submit({.text = "a"}, {.problem = problem(), .traces = true, .expansion = 1}, ignore);
  evaluator.submit({.text = "b"}, {.problem = problem(), .profile = true, .ncu = true, .expansion = 2}, ignore);
  const auto items = evaluator.awaited();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_TRUE(items[0].traces);
  EXPECT_FALSE(items[0].profile || items[0].ncu || items[1].traces);
  EXPECT_TRUE(items[1].profile && items[1].ncu);
}

TEST_F(ElsewhereTest, ASessionGoesOnInRoundsToItsEnd) {
  begin();
  EXPECT_EQ(last.stopped.by, "waiting");
  EXPECT_EQ(last.status, SessionStatus::interrupted);
  ASSERT_EQ(awaited.size(), 1U) << "the identity plan";
  int rounds = 1, confirming = 0;
  std::size_t largest = 0;
  while (last.stopped.by == "waiting") {
    ASSERT_LT(++rounds, 30);
    largest = std::max(largest, awaited.size());
    if (awaited.front().effort == Effort::confirm) ++confirming;
    const std::size_t told = awaited.size();
    EXPECT_EQ(tell(judge(awaited)), told);
  }
  EXPECT_EQ(last.status, SessionStatus::finished);
  EXPECT_EQ(last.stopped.by, "candidates");
  EXPECT_EQ(last.candidates, 20);
  EXPECT_TRUE(last.confirmed);
  EXPECT_EQ(largest, 6U) << "as many as --jobs says";
  EXPECT_LE(confirming, 2) << "the best and the runners-up go together";
  EXPECT_LE(rounds, 12);
}

TEST_F(ElsewhereTest, APartIsTakenAndTheRestStaysAwaited) {
  begin();
  tell(judge(awaited));
  const std::vector<BundleItem> round = awaited;
  ASSERT_EQ(round.size(), 6U);
  // Nothing came: the same bundle again.
  EXPECT_EQ(tell({}), 0U);
  ASSERT_EQ(awaited.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(awaited[i].expansion, round[i].expansion);
    EXPECT_EQ(awaited[i].candidate.id(), round[i].candidate.id());
  }
  std::vector<BundleResult> all = judge(round);
  const std::vector<BundleResult> half(all.begin(), all.begin() + 3);
  EXPECT_EQ(tell(half), 3U);
  EXPECT_EQ(awaited.size(), 6U) << "three from before, three new ones";
  EXPECT_EQ(tell(all), 3U) << "what was told before is no news";
  // Of another candidate than the expansion's.
  std::vector<BundleResult> wrong = judge(awaited);
  for (BundleResult& result : wrong) result.evaluation.candidate = "sha256:of another";
  EXPECT_EQ(tell(wrong), 0U);
}

TEST_F(ElsewhereTest, WhereCandidatesComeFromOutsideTellingAllOfThemIsNoEnd) {
  begin();
  EXPECT_EQ(tell(judge(awaited), 0), 1U);
  EXPECT_EQ(last.stopped.by, "waiting");
  EXPECT_TRUE(awaited.empty()) << "nothing is confirmed while more may come";
  EXPECT_EQ(tell({}, 2), 0U);
  EXPECT_EQ(awaited.size(), 2U);
  EXPECT_EQ(tell(judge(awaited), 0), 2U);
  EXPECT_EQ(last.stopped.by, "waiting");
  tell({}, 0, true);
  ASSERT_FALSE(awaited.empty());
  EXPECT_EQ(awaited.front().effort, Effort::confirm);
  tell(judge(awaited), 0, true);
  EXPECT_EQ(last.status, SessionStatus::finished);
  EXPECT_EQ(last.stopped.by, "outside");
}

TEST_F(ElsewhereTest, ResultsOfOtherBundlesAreRefused) {
  Bundle bundle{.session = "0123456789ab", .versions = {}, .problem = problem()->problem, .items = {}};
  ASSERT_TRUE(to_text(bundle));
  MemoryResultCache cache;
  Results results;
  results.head = {.bundle = bundle.digest, .session = bundle.session, .machine = {}, .versions = {}};
  const auto why = [&](const std::string& session) {
    const auto checked = check_results(cache, results, session, bundle.problem, "cpu");
    return checked ? "" : checked.error().message;
  };
  EXPECT_THAT(why(bundle.session), HasSubstr("did not write"));
  remember_bundle(cache, bundle);
  EXPECT_EQ(why(bundle.session), "");
  results.head.machine = {{"identity", "one"}};
  EXPECT_TRUE(same_machine(cache, results));
  EXPECT_TRUE(same_machine(cache, results));
  results.head.machine = {{"identity", "two"}};
  EXPECT_FALSE(same_machine(cache, results));
  EXPECT_THAT(why("ba9876543210"), HasSubstr("of session 0123456789ab, not of ba9876543210"));
  results.results.push_back({.evaluation = {}});
  results.results[0].evaluation.problem = "test/2";
  EXPECT_THAT(why(bundle.session), HasSubstr("problem test/2"));
  results.head.session = "";
  EXPECT_THAT(why(bundle.session), HasSubstr("no session wrote"));
}

}  // namespace
}  // namespace kerf
