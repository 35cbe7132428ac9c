// Sessions of several synthesizers, one at the price of a batch, one whose calls break, one that asks no model: every
// call is on the bill once and told once to whoever chooses among them, over kills, resumes and replays.
#include "session/talk_fixture.h"
#include "store/mortal_store.h"
#include "synthesize/mixed_synthesizer.h"

namespace kerf {
namespace {

using namespace testing_talk;

constexpr const char* names = "a/1,batch:b/1:2,builtin";

struct Seeded final : Synthesizer {
  Ticket propose(const SynthesisRequest& request, Reply reply) override {
    Proposal p;
    p.candidate = {.text = fmt::format("builtin {}", request.seed % 300), .language = Language::cpp, .name = ""};
    reply(std::optional(std::move(p)));
    return 1;
  }
  void cancel(Ticket) override {}
  void learn(const SynthesisRequest&, const Proposal&, const Evaluation&) override {}
  [[nodiscard]] std::string name() const override { return "builtin"; }
};

struct Books {
  std::int64_t calls = 0, tokens = 0;
  double usd = 0;
  void add(const Usage& usage) {
    ++calls;
    tokens += usage.tokens_in + usage.tokens_out;
    usd += usage.usd;
  }
};
std::string words(const std::map<std::string, Books>& books) {
  std::string text;
  for (const auto& [name, b] : books)
    text += fmt::format("{}: {} calls, {} tokens, {:.6f}\n", name, b.calls, b.tokens, b.usd);
  return text;
}

// Passes everything on and keeps the books of what it was told.
struct Ledger final : Synthesizer {
  std::unique_ptr<Synthesizer> behind;
  std::map<std::string, Books> books;
  explicit Ledger(std::unique_ptr<Synthesizer> b) : behind(std::move(b)) {}
  Ticket propose(const SynthesisRequest& request, Reply reply) override {
    return behind->propose(request, std::move(reply));
  }
  void cancel(Ticket ticket) override { behind->cancel(ticket); }
  void charge(std::span<const Charge> calls) override {
    for (const Charge& call : calls) books[call.model].add(call.usage);
    behind->charge(calls);
  }
  void learn(const SynthesisRequest& request, const Proposal& proposal, const Evaluation& evaluation) override {
    behind->learn(request, proposal, evaluation);
  }
  [[nodiscard]] std::string name() const override { return behind->name(); }
};

struct MixedWorld : TalkWorld {
  explicit MixedWorld(Store& s, const std::shared_ptr<const Recording>& from = nullptr) : TalkWorld(s, from) {
    player = nullptr;  // goes with its synthesizer
    std::vector<MixedMember> members;
    members.push_back({.synthesizer = talker("a/1", 0.01, false), .weight = 1});
    members.push_back({.synthesizer = talker("batch:b/1", 0.005, true), .weight = 2});
    members.push_back({.synthesizer = std::make_unique<Seeded>(), .weight = 0.2});
    auto made = std::make_unique<Ledger>(make_mixed_synthesizer(std::move(members), names));
    ledger = made.get();
    synthesizer = std::move(made);
  }
  std::unique_ptr<Synthesizer> talker(const std::string& name, double usd, bool breaks) {
    const Note note = [this](const std::string& line) { view.notes.push_back(line); };
    std::unique_ptr<Model> model;
    if (recording) {
      std::vector<Exchange> own;
      for (const Exchange& e : recording->exchanges)
        if (e.model == name) own.push_back(e);
      model = std::make_unique<ReplayModel>(own, name, note);
    } else {
      auto made = std::make_unique<Player>(*loop, name, usd);
      made->breaks = breaks;
      players.push_back(made.get());
      model = std::move(made);
    }
    return std::make_unique<Talker>(std::make_unique<RecordingModel>(std::move(model), exchanges, note));
  }
  Ledger* ledger = nullptr;
  std::vector<Player*> players;
};

SessionOptions mixed_options(int jobs) {
  SessionOptions o = talk_options("60candidates", jobs);
  o.synthesizer = names;
  return o;
}

std::map<std::string, Books> books_of(Store& store, const SessionId& id) {
  std::map<std::string, Books> books;
  const auto page = store.exchanges(id, {.limit = 10'000, .after = {}});
  for (const ExchangeRecord& e : page->items) books[e.exchange.model].add(usage_of(e.exchange.reply));
  return books;
}
std::string recipes_of(Store& store, const SessionId& id) {
  std::string text;
  const auto nodes = load_nodes(store, id);
  for (const SessionNode& node : *nodes) text += node.proposal.recipe.dump() + "\n";
  return text;
}

struct MixtureTest : testing::Test {
  FakeClock clock;
  std::unique_ptr<Store> store = make_fake_store(clock);

  // One process, killed after so many writes. The books are those of the last one.
  struct Lived {
    std::optional<SessionId> id;
    std::map<std::string, Books> told;
    std::int64_t calls = 0;
    bool died = false;
  };
  static Lived process(Store& kept, const std::shared_ptr<const Recording>& recording,
                       const std::optional<SessionId>& resumed, int jobs, int writes) {
    Lived lived{.id = resumed, .told = {}};
    MixedWorld world(kept, recording);
    MortalStore mortal(kept, writes, [&] {
      lived.died = true;
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
    auto session = resumed ? Session::resume(std::move(parts), *resumed, talk_problem(), "")
                           : Session::start(std::move(parts), mixed_options(jobs), talk_problem());
    if (!session) {
      EXPECT_TRUE(lived.died) << session.error().message;
      return lived;
    }
    lived.id = (*session)->id();
    if (!lived.died) {
      const SessionResult result = world.run(**session);
      if (!lived.died) {
        EXPECT_EQ(result.status, SessionStatus::finished) << (result.error ? result.error->message : "");
      }
    }
    lived.told = world.ledger->books;
    for (const Player* player : world.players) lived.calls += player->calls;
    return lived;
  }
};

TEST_F(MixtureTest, EveryCallIsOnTheBillAndToldOnceAlsoWhereNothingCameOfIt) {
  for (const int jobs : {1, 5}) {
    const Lived lived = process(*store, nullptr, std::nullopt, jobs, 1'000'000);
    ASSERT_TRUE(lived.id);
    const auto books = books_of(*store, *lived.id);
    EXPECT_EQ(words(lived.told), words(books)) << jobs;
    ASSERT_TRUE(books.contains("a/1") && books.contains("batch:b/1")) << words(books);
    EXPECT_NEAR(books.at("a/1").usd, 0.01 * static_cast<double>(books.at("a/1").calls), 1e-9);
    EXPECT_NEAR(books.at("batch:b/1").usd, 0.005 * static_cast<double>(books.at("batch:b/1").calls), 1e-9);
    EXPECT_EQ(books.at("a/1").calls + books.at("batch:b/1").calls, lived.calls);
    const Spend spend = store->session(*lived.id)->state.spend;
    EXPECT_EQ(spend.calls, lived.calls);
    EXPECT_NEAR(spend.known_usd, books.at("a/1").usd + books.at("batch:b/1").usd, 1e-9);
    int broken = 0;
    const auto page = store->exchanges(*lived.id, {.limit = 10'000, .after = {}});
    for (const ExchangeRecord& e : page->items) broken += e.exchange.reply.finish == Finish::failed ? 1 : 0;
    EXPECT_GT(broken, 0) << "else this test looks at less than it says\n" << words(books);
  }
}

TEST_F(MixtureTest, AReplayChoosesTheSameAndHasTheSameBill) {
  for (const int jobs : {1, 5}) {
    const Lived lived = process(*store, nullptr, std::nullopt, jobs, 1'000'000);
    const auto recorded = record_session(*store, *lived.id);
    ASSERT_TRUE(recorded);
    const auto text = recording_from_text(to_text(*recorded));
    ASSERT_TRUE(text) << text.error().message;
    const auto elsewhere = make_fake_store(clock);
    const Lived again = process(*elsewhere, std::make_shared<const Recording>(*text), std::nullopt, jobs, 1'000'000);
    EXPECT_EQ(events_of(*elsewhere, *again.id), events_of(*store, *lived.id)) << jobs;
    EXPECT_EQ(recipes_of(*elsewhere, *again.id), recipes_of(*store, *lived.id)) << jobs;
    EXPECT_EQ(tree_digest(*load_nodes(*elsewhere, *again.id)), recorded->tree) << jobs;
    EXPECT_EQ(words(again.told), words(lived.told)) << jobs;
    EXPECT_EQ(words(books_of(*elsewhere, *again.id)), words(books_of(*store, *lived.id))) << jobs;
  }
}

TEST_F(MixtureTest, KilledAtAnyMomentOfAReplayNothingIsChargedTwiceOrLost) {
  const Lived lived = process(*store, nullptr, std::nullopt, 5, 1'000'000);
  const auto recording = std::make_shared<const Recording>(*record_session(*store, *lived.id));
  Random random(9);
  for (int i = 0; i < 40; ++i) {
    const auto kept = make_fake_store(clock);
    std::optional<SessionId> id;
    for (int kills = 0; kills < 1 + i % 3; ++kills)
      id = process(*kept, recording, id, 5, 1 + static_cast<int>(random.next() % 250)).id;
    const Lived last = process(*kept, recording, id, 5, 1'000'000);
    ASSERT_TRUE(last.id);
    EXPECT_EQ(events_of(*kept, *last.id), events_of(*store, *lived.id)) << i;
    EXPECT_EQ(recipes_of(*kept, *last.id), recipes_of(*store, *lived.id)) << i;
    EXPECT_EQ(words(books_of(*kept, *last.id)), words(books_of(*store, *lived.id))) << i;
    EXPECT_EQ(words(last.told), words(lived.told)) << i << ": a resumed process tells all of it again, once";
    if (HasFailure()) break;
  }
}

// Without a recording: what was asked when the process died is asked again, what had arrived is not.
TEST_F(MixtureTest, KilledAndResumedItPaysForEachPurposeOnce) {
  Random random(10);
  for (int i = 0; i < 20; ++i) {
    const auto kept = make_fake_store(clock);
    std::optional<SessionId> id;
    for (int kills = 0; kills < 3; ++kills)
      id = process(*kept, nullptr, id, 5, 2 + static_cast<int>(random.next() % 120)).id;
    const Lived last = process(*kept, nullptr, id, 5, 1'000'000);
    ASSERT_TRUE(last.id);
    std::set<std::pair<std::uint64_t, int>> purposes;
    const auto page = kept->exchanges(*last.id, {.limit = 10'000, .after = {}});
    for (const ExchangeRecord& e : page->items)
      EXPECT_TRUE(purposes.emplace(e.exchange.purpose.expansion, e.exchange.purpose.attempt).second) << i;
    EXPECT_EQ(words(last.told), words(books_of(*kept, *last.id))) << i;
    EXPECT_EQ(kept->session(*last.id)->state.spend.calls, static_cast<std::int64_t>(purposes.size())) << i;
  }
}

}  // namespace
}  // namespace kerf
