#include "session/recording.h"

#include <map>
#include <set>

#include "session/talk_fixture.h"
#include "store/mortal_store.h"

namespace kerf {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace testing_talk;

std::string digest_of(Store& store, const SessionId& id) {
  const auto nodes = load_nodes(store, id);
  return nodes ? tree_digest(*nodes) : nodes.error().message;
}

std::vector<std::pair<std::uint64_t, int>> purposes_of(Store& store, const SessionId& id) {
  std::vector<std::pair<std::uint64_t, int>> all;
  const auto page = store.exchanges(id, {.limit = 10'000, .after = {}});
  for (const ExchangeRecord& e : page->items)
    all.emplace_back(e.exchange.purpose.expansion, e.exchange.purpose.attempt);
  return all;
}

struct RecordingTest : testing::Test {
  FakeClock clock;
  std::unique_ptr<Store> store = make_fake_store(clock);

  SessionId talk(const SessionOptions& options = talk_options()) {
    TalkWorld world(*store);
    auto session = Session::start(world.parts(), options, talk_problem());
    EXPECT_TRUE(session) << session.error().message;
    const SessionResult result = world.run(**session);
    EXPECT_EQ(result.status, SessionStatus::finished);
    EXPECT_EQ(result.spend.calls, world.player->calls);
    return result.session;
  }
  std::shared_ptr<const Recording> recorded(const SessionId& id) {
    auto recording = record_session(*store, id);
    EXPECT_TRUE(recording) << recording.error().message;
    return std::make_shared<const Recording>(*std::move(recording));
  }
};

TEST_F(RecordingTest, ASessionReplaysBitForBitHoweverItsRepliesWereJumbled) {
  for (const int jobs : {1, 2, 5, 16}) {
    const SessionId id = talk(talk_options("40candidates", jobs));
    const auto recording = recorded(id);
    const auto elsewhere = make_fake_store(clock);
    TalkWorld world(*elsewhere, recording);
    auto session = Session::start(world.parts(), recording->options, *recording->problem_understood());
    ASSERT_TRUE(session) << session.error().message;
    const SessionResult result = world.run(**session);
    EXPECT_EQ(result.status, SessionStatus::finished) << (result.error ? result.error->message : "");
    EXPECT_EQ(result.stopped.by, "candidates");
    EXPECT_EQ(digest_of(*elsewhere, result.session), recording->tree) << jobs;
    EXPECT_EQ(result.spend.calls, store->spent(id)->calls);
    EXPECT_EQ(result.spend.tokens(), store->spent(id)->tokens());
    EXPECT_EQ(events_of(*elsewhere, result.session), events_of(*store, id));
    EXPECT_THAT(world.view.notes, IsEmpty());
  }
}

TEST_F(RecordingTest, IsATextThatCanBeReadAgain) {
  const auto recording = recorded(talk());
  const std::string text = to_text(*recording);
  const auto again = recording_from_text(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_text(*again), text);
  EXPECT_EQ(again->tree, recording->tree);
  EXPECT_EQ(again->exchanges.size(), recording->exchanges.size());
  const auto understood = again->problem_understood();
  ASSERT_TRUE(understood);
  EXPECT_EQ((*understood)->problem.source, talk_problem()->problem.source);
  EXPECT_EQ((*understood)->module_sizes, talk_problem()->module_sizes);
}

TEST_F(RecordingTest, WhatIsNoRecordingIsToldWithItsLine) {
  const std::string text = to_text(*recorded(talk(talk_options("2candidates"))));
  const auto error = [](const std::string& t) {
    const auto recording = recording_from_text(t);
    return recording ? "read" : recording.error().message;
  };
  EXPECT_THAT(error(""), HasSubstr("empty"));
  EXPECT_THAT(error("{}\n"), HasSubstr("line 1"));
  EXPECT_THAT(error("{\"kind\": 5}\n"), HasSubstr("line 1"));
  EXPECT_THAT(error("not json"), HasSubstr("line 1"));
  EXPECT_THAT(error(text.substr(0, text.size() - 20)), HasSubstr("line"));
  EXPECT_THAT(error(text + "{\"kind\":\"event\",\"event\":{}}\n"), HasSubstr("damaged"));
  EXPECT_EQ(error(text + "{\"kind\":\"something of a later version\"}\n"), "read");
}

TEST_F(RecordingTest, APromptThatDiffersIsReported) {
  auto changed = *recorded(talk(talk_options("5candidates", 1)));
  ASSERT_FALSE(changed.exchanges.empty());
  changed.exchanges[1].request["messages"][0]["parts"][0]["text"] = "something else\nseed";
  changed.exchanges[1].request_digest = "other";
  const auto elsewhere = make_fake_store(clock);
  TalkWorld world(*elsewhere, std::make_shared<const Recording>(changed));
  auto session = Session::start(world.parts(), changed.options, talk_problem());
  EXPECT_EQ(world.run(**session).status, SessionStatus::finished);
  EXPECT_THAT(world.view.notes, Contains(HasSubstr("message 1, part 1, line 1")));
}

TEST_F(RecordingTest, AnotherCandidateThanTheRecordedOneEndsTheReplay) {
  auto changed = *recorded(talk(talk_options("5candidates", 1)));
  for (Exchange& e : changed.exchanges) e.reply.text += " changed";
  const auto elsewhere = make_fake_store(clock);
  TalkWorld world(*elsewhere, std::make_shared<const Recording>(changed));
  auto session = Session::start(world.parts(), changed.options, talk_problem());
  const SessionResult result = world.run(**session);
  EXPECT_EQ(result.status, SessionStatus::failed);
  EXPECT_THAT(result.error->message, HasSubstr("another candidate"));
}

TEST_F(RecordingTest, ARecordingOfAnUnfinishedSessionReplaysToWhereItEnds) {
  TalkWorld world(*store);
  MortalStore mortal(*store, 60, [&] { world.loop->stop(); });
  SessionParts parts = world.parts();
  SessionParts dying{.loop = parts.loop,
                     .clock = parts.clock,
                     .evaluator = parts.evaluator,
                     .synthesizer = parts.synthesizer,
                     .store = mortal,
                     .view = parts.view,
                     .target_facts = parts.target_facts,
                     .versions = parts.versions,
                     .identity = parts.identity};
  dying.exchanges = parts.exchanges;
  auto session = Session::start(std::move(dying), talk_options(), talk_problem());
  ASSERT_TRUE(session);
  const SessionId id = (*session)->id();
  world.run(**session);
  session->reset();
  const auto recording = recorded(id);
  const auto elsewhere = make_fake_store(clock);
  TalkWorld replaying(*elsewhere, recording);
  auto again = Session::start(replaying.parts(), recording->options, talk_problem());
  const SessionResult result = replaying.run(**again);
  EXPECT_EQ(result.stopped.by, "recording");
  EXPECT_EQ(events_of(*elsewhere, result.session), events_of(*store, id));
}

struct KillTest : RecordingTest {
  // One process that is killed after so many writes; nullopt: it lived to its end.
  static std::optional<SessionId> process(Store& kept, const std::shared_ptr<const Recording>& recording,
                                          const std::optional<SessionId>& resumed, int writes, int* calls = nullptr) {
    TalkWorld world(kept, recording);
    bool died = false;
    MortalStore mortal(kept, writes, [&] {
      died = true;
      world.loop->stop();
    });
    const SessionParts made = world.parts();
    SessionParts parts{.loop = made.loop,
                       .clock = made.clock,
                       .evaluator = made.evaluator,
                       .synthesizer = made.synthesizer,
                       .store = mortal,
                       .view = made.view,
                       .target_facts = made.target_facts,
                       .versions = made.versions,
                       .identity = made.identity};
    parts.exchanges = made.exchanges;
    parts.script = made.script;
    auto session =
        resumed ? Session::resume(std::move(parts), *resumed, talk_problem(), "")
                : Session::start(std::move(parts), recording ? recording->options : talk_options(), talk_problem());
    if (!session) {
      EXPECT_TRUE(died) << session.error().message;
      return resumed;
    }
    const SessionId id = (*session)->id();
    if (!died) world.run(**session);
    if (calls != nullptr && world.player != nullptr) *calls += world.player->calls;
    return id;
  }
};

// kill -9 at any write, several times over, then one process that lives to its end.
TEST_F(KillTest, AtAnyMomentOfAReplayTheFinalTreeIsTheUndisturbedOneAndNothingIsChargedTwice) {
  const SessionId original = talk();
  const auto recording = recorded(original);
  const auto purposes = purposes_of(*store, original);
  Random random(5);
  for (int i = 0; i < 60; ++i) {
    const auto kept = make_fake_store(clock);
    std::optional<SessionId> id;
    for (int kills = 0; kills < 1 + i % 3; ++kills)
      id = process(*kept, recording, id, 1 + static_cast<int>(random.next() % 150));
    id = process(*kept, recording, id, 1'000'000);
    ASSERT_TRUE(id);
    EXPECT_EQ(digest_of(*kept, *id), recording->tree) << i;
    EXPECT_EQ(events_of(*kept, *id), events_of(*store, original)) << i;
    auto again = purposes_of(*kept, *id);
    auto sorted = purposes;
    std::ranges::sort(again);
    std::ranges::sort(sorted);
    EXPECT_EQ(again, sorted) << i;
    EXPECT_EQ(kept->session(*id)->state.spend.tokens(), store->session(original)->state.spend.tokens());
    EXPECT_EQ(kept->session(*id)->state.status, SessionStatus::finished);
    if (HasFailure()) break;
  }
}

// Without a recording: the tree may become another one, but what had arrived is neither lost nor paid for again.
TEST_F(KillTest, AReplyThatHadArrivedIsUsedAndNeverAskedForAgain) {
  Random random(6);
  for (int i = 0; i < 30; ++i) {
    const auto kept = make_fake_store(clock);
    std::optional<SessionId> id;
    for (int kills = 0; kills < 3; ++kills) id = process(*kept, nullptr, id, 2 + static_cast<int>(random.next() % 120));
    id = process(*kept, nullptr, id, 1'000'000);
    ASSERT_TRUE(id);
    const auto all = purposes_of(*kept, *id);
    EXPECT_EQ(std::set(all.begin(), all.end()).size(), all.size()) << "no purpose was paid for twice";
    EXPECT_EQ(kept->session(*id)->state.candidates, 40);
    EXPECT_EQ(kept->session(*id)->state.spend.calls, static_cast<std::int64_t>(all.size()));
  }
}

TEST_F(RecordingTest, ABudgetOfTokensOrDollarsIsNotOverrunByMoreThanOneCall) {
  for (const char* budget : {"2ktokens", "0.15usd"}) {
    for (const int jobs : {1, 8, 64}) {
      const SessionId id = talk(talk_options(budget, jobs));
      const Spend spend = store->session(id)->state.spend;
      if (std::string_view(budget) == "2ktokens") {
        // Before the first reply nothing is known of what a call costs, unless it was foreseen.
        EXPECT_LE(spend.tokens(), 2000 + jobs * spend.largest_tokens) << jobs;
        EXPECT_GE(spend.tokens(), 2000 - 3 * spend.largest_tokens) << jobs;
      }
      EXPECT_THAT(store->session(id)->state.stopped_by, testing::AnyOf("tokens", "dollars"));
    }
  }
}

TEST_F(RecordingTest, WhatIsForeseenOfACallKeepsABudgetFromTheFirstCallOn) {
  TalkWorld world(*store);
  SessionParts parts = world.parts();
  parts.foreseen.largest_tokens = 150;
  parts.foreseen.largest_usd = 0.01;
  auto session = Session::start(std::move(parts), talk_options("1000tokens", 64), talk_problem());
  const SessionResult result = world.run(**session);
  EXPECT_EQ(result.stopped.by, "tokens");
  EXPECT_LE(result.spend.tokens(), 1000);
  EXPECT_GT(result.spend.tokens(), 500);
}

// The second attempt of an expansion is held against the budget as the first one is.
TEST_F(RecordingTest, NoCorrectionIsMadeThatTheBudgetHasNoRoomFor) {
  for (const int jobs : {1, 4, 64}) {
    TalkWorld world(*store);
    world.player->speechless = true;
    SessionParts parts = world.parts();
    parts.foreseen.largest_tokens = 150;
    parts.foreseen.largest_usd = 0.01;
    auto session = Session::start(std::move(parts), talk_options("400tokens", jobs), talk_problem());
    const SessionResult result = world.run(**session);
    EXPECT_LE(result.spend.tokens(), 400) << jobs;
    EXPECT_GT(result.spend.tokens(), 200) << jobs;
    const SessionId id = result.session;
    EXPECT_THAT(events_of(*store, id), HasSubstr(R"("closed_by":"budget")")) << jobs;
    EXPECT_THAT(world.view.notes, Contains(HasSubstr("overrun the budget"))) << jobs;
    session->reset();

    const auto recording = recorded(id);
    const auto text = recording_from_text(to_text(*recording));
    ASSERT_TRUE(text) << text.error().message;
    const auto elsewhere = make_fake_store(clock);
    TalkWorld replaying(*elsewhere, std::make_shared<const Recording>(*text));
    auto again = Session::start(replaying.parts(), recording->options, talk_problem());
    const SessionResult replayed = replaying.run(**again);
    EXPECT_EQ(replayed.status, SessionStatus::finished) << (replayed.error ? replayed.error->message : "");
    EXPECT_EQ(events_of(*elsewhere, replayed.session), events_of(*store, id)) << jobs;
    EXPECT_EQ(replayed.spend.tokens(), result.spend.tokens()) << jobs;
  }
}

TEST_F(RecordingTest, OfRepeatedCodeTheNodeIsNamedAndNothingIsTimed) {
  const auto nodes = load_nodes(*store, talk());
  ASSERT_TRUE(nodes);
  std::map<std::string, NodeIndex> first;
  int repeated = 0;
  for (const SessionNode& node : *nodes) {
    if (node.index == 0) continue;
    const auto [known, fresh] = first.try_emplace(node.evaluation.code, node.index);
    if (node.evaluation.rule != "repetition") continue;
    ++repeated;
    EXPECT_FALSE(fresh);
    EXPECT_THAT(node.evaluation.message.value_or(""), HasSubstr(fmt::format("node {},", known->second)));
    EXPECT_EQ(node.outcome.kind, Outcome::Kind::failed);
  }
  EXPECT_GE(repeated, 3) << "else this test looks at nothing";
}

TEST_F(RecordingTest, PromptsAreKeptWithTheirNodes) {
  const SessionId id = talk(talk_options("5candidates"));
  const auto nodes = load_nodes(*store, id);
  ASSERT_TRUE(nodes);
  EXPECT_EQ((*nodes)[0].proposal.prompt, "");
  EXPECT_THAT((*nodes)[1].proposal.prompt, HasSubstr("seed "));
}

}  // namespace
}  // namespace kerf
