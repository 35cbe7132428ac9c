// The conformance suite of stores: every implementation behaves the same. SQLite's runs in memory here; its files,
// locks and crashes are tested in tests/integration/store_test.cc.
#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/fake_store.h"
#include "store/sqlite.h"

namespace kerf {
namespace {

using nlohmann::json;
using testing::HasSubstr;

NewSession a_session(const std::string& problem = "kernelbench/1/19") {
  NewSession session;
  session.task.problem = {.id = problem,
                          .name = "ReLU",
                          .source = "class Model: pass\n",
                          .path = "x.py",
                          .sizes = {{"batch_size", Value{std::int64_t{16}}}, {"dim", Value{2.5}}}};
  session.options = {{"policy", "mcts"}, {"seed", 7}};
  session.versions = {{"kerf", "0.1"}};
  return session;
}

Evaluation measured(double us) {
  Evaluation evaluation;
  evaluation.id = "e";
  evaluation.problem = "kernelbench/1/19";
  evaluation.verdict = Verdict::measured;
  evaluation.receipt.emplace();
  evaluation.receipt->time_us = {us, us - 1, us + 1, 200};
  return evaluation;
}

Expansion an_expansion(ExpansionId id, std::vector<NodeIndex> parents) {
  return {.id = id,
          .task = Task::expand,
          .memory = MemoryOperator::inherit,
          .parents = std::move(parents),
          .seed = 11,
          .reason = "because"};
}

NewNode a_node(NodeIndex index, double us = 100) {
  NewNode node;
  node.expansion = an_expansion(static_cast<ExpansionId>(index) + 1,
                                index == 0 ? std::vector<NodeIndex>{} : std::vector<NodeIndex>{0});
  node.told = {
      .id = node.expansion.id,
      .outcome = {.kind = Outcome::Kind::measured, .reward = {0.1 + 0.2, 0.01}, .fraction_of_speed_of_light = 0.5},
      .node = index};
  node.candidate = {.text = "// candidate " + std::to_string(index), .language = Language::cpp, .name = "fused.cpp"};
  node.recipe = {{"moves", {1, 2}}};
  node.move = "fuse";
  node.rationale = "fused two loops";
  node.prompt = "please";
  node.usage = {.tokens_in = 5, .tokens_out = 7, .usd = 0.25, .seconds = 1.5};
  node.evaluation = measured(us);
  return node;
}

struct Kind {
  const char* name;
  std::unique_ptr<Store> (*make)(const Clock&);
};

class AnyStore : public testing::TestWithParam<Kind> {
 protected:
  FakeClock clock;
  std::unique_ptr<Store> store = GetParam().make(clock);

  std::unique_ptr<SessionWriter> create(const NewSession& session = a_session()) {
    auto writer = store->create(session);
    EXPECT_TRUE(writer) << writer.error().message;
    return *std::move(writer);
  }
};
INSTANTIATE_TEST_SUITE_P(
    Store, AnyStore,
    testing::Values(Kind{"fake", [](const Clock& clock) { return make_fake_store(clock); }},
                    Kind{"sqlite", [](const Clock& clock) { return open_store(":memory:", clock).value(); }}),
    [](const auto& kind) { return kind.param.name; });

TEST_P(AnyStore, KeepsASessionAsItWasMade) {
  NewSession made = a_session();
  made.understood = {{"workloads", {1, 2, 3}}};
  const auto writer = create(made);
  EXPECT_EQ(writer->id().size(), 12U);
  const auto session = store->session(writer->id());
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ(session->problem, "kernelbench/1/19");
  EXPECT_EQ(session->target, "cpu");
  EXPECT_EQ(session->options, made.options);
  EXPECT_EQ(session->understood, made.understood);
  EXPECT_EQ(session->versions, made.versions);
  EXPECT_EQ(session->created_ms, clock.unix_ms());
  EXPECT_EQ(session->state.status, SessionStatus::running);
  EXPECT_EQ(session->steps, 0);
  const auto task = store->task(session->task);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->problem.source, made.task.problem.source);
  EXPECT_EQ(task->problem.sizes, made.task.problem.sizes);
}

TEST_P(AnyStore, SessionsOfOneProblemShareATaskAndOthersDoNot) {
  const auto task = [&](const NewSession& session) { return store->session(create(session)->id())->task; };
  NewSession other_target = a_session();
  other_target.task.target = "nvidia";
  EXPECT_EQ(task(a_session()), task(a_session()));
  EXPECT_NE(task(a_session()), task(a_session("kernelbench/1/20")));
  EXPECT_NE(task(a_session()), task(other_target));
}

TEST_P(AnyStore, KeepsANodeWithAllThatWasFoundOut) {
  const auto writer = create();
  const NewNode made = a_node(0, 812.5);
  clock.time += std::chrono::seconds(3);
  EXPECT_EQ(*writer->append(Asked{made.expansion}), 1);
  EXPECT_EQ(*writer->record(made), 2);
  const auto node = store->node(writer->id(), 0);
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_EQ(node->step, 2);
  EXPECT_TRUE(node->expansion == made.expansion);
  EXPECT_EQ(node->expansion.reason, "because");
  EXPECT_EQ(node->outcome.reward.mean, 0.1 + 0.2) << "bit for bit";
  EXPECT_EQ(node->recipe, made.recipe);
  EXPECT_EQ(node->move, "fuse");
  EXPECT_EQ(node->rationale, made.rationale);
  EXPECT_EQ(node->usage.tokens_out, 7);
  EXPECT_EQ(node->created_ms, clock.unix_ms());
  EXPECT_EQ(node->evaluations, 1);
  EXPECT_EQ(node->evaluation.receipt->time_us.median, 812.5);
  EXPECT_EQ(node->candidate, made.candidate.id());
  const auto candidate = store->candidate(node->candidate);
  ASSERT_TRUE(candidate);
  EXPECT_EQ(candidate->text, made.candidate.text);
  EXPECT_EQ(candidate->language, Language::cpp);
  EXPECT_EQ(candidate->name, "fused.cpp");
  EXPECT_EQ(*store->artifact(node->prompt), "please");
}

TEST_P(AnyStore, WhatHappenedReplays) {
  auto search = *make_search({.seed = 4});
  const auto writer = create();
  for (int i = 0; i < 12; ++i) {
    for (const Expansion& e : search->ask(2)) ASSERT_TRUE(writer->append(Asked{e}));
    const Expansion e = search->in_flight().front();
    if (i == 3) {
      ASSERT_TRUE(writer->append(Proposed{e.id, "digest"}));
    }
    if (i == 5) {
      search->cancel(e.id);
      ASSERT_TRUE(writer->append(Cancelled{e.id}));
      continue;
    }
    Told told{.id = e.id, .outcome = {.kind = Outcome::Kind::measured, .reward = {0.1 * i, 0.01}}};
    told.node = *search->tell(e.id, told.outcome);
    if (!told.node) {
      ASSERT_TRUE(writer->record(NewMeasurement{told, e.parents[0], measured(1)}));
      continue;
    }
    NewNode node = a_node(*told.node);
    node.told = told;
    node.expansion = e;
    ASSERT_TRUE(writer->record(node));
  }
  const auto events = store->events(writer->id());
  ASSERT_TRUE(events);
  auto again = *make_search({.seed = 4});
  const auto replayed = replay(*again, *events);
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_EQ(again->best(), search->best());
  EXPECT_EQ(again->in_flight(), search->in_flight());
}

TEST_P(AnyStore, AnyMomentCanBeReadAsItWas) {
  const auto writer = create();
  ASSERT_EQ(*writer->record(a_node(0, 100)), 1);
  SessionState state;
  state.candidates = 1;
  ASSERT_TRUE(writer->set_state(state));
  ASSERT_EQ(*writer->record(a_node(1, 50)), 2);
  ASSERT_EQ(*writer->record(NewMeasurement{{.id = 9, .outcome = {.kind = Outcome::Kind::measured}}, 1, measured(70)}),
            3);
  state = {.status = SessionStatus::finished,
           .stopped_by = "time",
           .message = "done",
           .seconds = 12.5,
           .candidates = 2,
           .best = 1,
           .speedup = Ratio{2, 1.9, 2.1},
           .fraction_of_speed_of_light = 0.75,
           .spend = {.calls = 2, .known_usd = 3, .unpriced = 1}};
  ASSERT_TRUE(writer->set_state(state));

  const SessionId id = writer->id();
  EXPECT_EQ(store->node(id, 1)->evaluation.receipt->time_us.median, 70);
  EXPECT_EQ(store->node(id, 1)->evaluations, 2);
  EXPECT_EQ(store->node(id, 1, 2)->evaluation.receipt->time_us.median, 50);
  EXPECT_EQ(store->node(id, 1, 2)->evaluations, 1);
  EXPECT_FALSE(store->node(id, 1, 1));
  EXPECT_EQ(store->nodes(id, {}, 1)->items.size(), 1U);
  EXPECT_EQ(store->nodes(id, {})->items.size(), 2U);
  EXPECT_EQ(store->events(id, 2)->size(), 2U);
  EXPECT_EQ(store->session(id, 2)->state.status, SessionStatus::running);
  EXPECT_EQ(store->session(id, 2)->state.candidates, 1);
  EXPECT_EQ(store->session(id, 2)->steps, 2);
  EXPECT_EQ(store->session(id, 0)->state.candidates, 0);
  const SessionState last = store->session(id)->state;
  EXPECT_EQ(last.status, SessionStatus::finished);
  EXPECT_EQ(last.stopped_by, "time");
  EXPECT_EQ(last.message, "done");
  EXPECT_EQ(last.seconds, 12.5);
  EXPECT_EQ(last.best, 1);
  EXPECT_EQ(last.speedup->high, 2.1);
  EXPECT_EQ(last.fraction_of_speed_of_light, 0.75);
  EXPECT_EQ(last.spend.known_usd, 3);
  EXPECT_FALSE(last.spend.usd()) << "one price is unknown";
  EXPECT_EQ(store->evaluations(id, 1)->size(), 2U);
}

Exchange an_exchange(std::uint64_t expansion, int attempt, const std::string& text, std::optional<double> usd = 0.5) {
  Exchange e{.purpose = {.expansion = expansion, .attempt = attempt},
             .model = "anthropic/x",
             .request_digest = "d" + text,
             .request = {{"messages", {text}}},
             .reply = {}};
  e.reply.text = text + "\xc3\xa4\n";
  e.reply.reasoning = "hm";
  e.reply.finish = Finish::length;
  e.reply.usage = {.tokens_in = 10, .tokens_out = 2, .cached_in = 4, .usd = usd, .saved_usd = 0.25};
  e.reply.seconds = 1.5;
  return e;
}

TEST_P(AnyStore, KeepsExchangesInTheOrderInWhichTheyCame) {
  const auto writer = create();
  EXPECT_TRUE(store->exchanges(writer->id(), {})->items.empty());
  ASSERT_TRUE(writer->append(Asked{an_expansion(2, {0})}));
  clock.time += std::chrono::seconds(3);
  ASSERT_TRUE(writer->keep(an_exchange(2, 0, "two")));
  ASSERT_TRUE(writer->keep(an_exchange(1, 0, "one")));
  ASSERT_TRUE(writer->keep(an_exchange(2, 1, "two again")));
  const auto all = store->exchanges(writer->id(), {});
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->items.size(), 3U);
  EXPECT_TRUE(all->next.empty());
  const ExchangeRecord& first = all->items[0];
  EXPECT_EQ(first.step, 1);
  EXPECT_EQ(first.created_ms, clock.unix_ms());
  EXPECT_EQ(first.exchange.purpose.expansion, 2U);
  EXPECT_EQ(first.exchange.model, "anthropic/x");
  EXPECT_EQ(first.exchange.request_digest, "dtwo");
  EXPECT_EQ(first.exchange.request, nlohmann::json({{"messages", {"two"}}}));
  EXPECT_EQ(first.exchange.reply.text, "two\xc3\xa4\n");
  EXPECT_EQ(first.exchange.reply.finish, Finish::length);
  EXPECT_EQ(first.exchange.reply.usage.usd, 0.5);
  EXPECT_EQ(all->items[2].exchange.purpose.attempt, 1);
  const auto page = store->exchanges(writer->id(), {.limit = 2, .after = {}});
  ASSERT_EQ(page->items.size(), 2U);
  const auto rest = store->exchanges(writer->id(), {.limit = 2, .after = page->next});
  ASSERT_EQ(rest->items.size(), 1U);
  EXPECT_EQ(rest->items[0].exchange.reply.text, "two again\xc3\xa4\n");
  EXPECT_TRUE(rest->next.empty());
  EXPECT_TRUE(store->exchanges(create()->id(), {})->items.empty()) << "of that session only";
  EXPECT_FALSE(store->exchanges("nosuchsession", {}));
}

TEST_P(AnyStore, FindsAnExchangeByItsPurposeTheLatestCounts) {
  const auto writer = create();
  EXPECT_EQ(*store->exchange(writer->id(), {.expansion = 1, .attempt = 0}), std::nullopt);
  ASSERT_TRUE(writer->keep(an_exchange(1, 0, "old")));
  ASSERT_TRUE(writer->keep(an_exchange(1, 0, "new")));
  ASSERT_TRUE(writer->keep(an_exchange(1, 1, "other")));
  const auto found = store->exchange(writer->id(), {.expansion = 1, .attempt = 0});
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->request_digest, "dnew");
}

TEST_P(AnyStore, AddsUpWhatWasSpentAndUnknownPricesStayUnknown) {
  const auto writer = create();
  EXPECT_EQ(store->spent(writer->id())->usd(), 0);
  ASSERT_TRUE(writer->keep(an_exchange(1, 0, "a")));
  ASSERT_TRUE(writer->keep(an_exchange(2, 0, "b")));
  const auto spent = store->spent(writer->id());
  ASSERT_TRUE(spent);
  EXPECT_EQ(spent->calls, 2);
  EXPECT_EQ(spent->tokens_in, 20);
  EXPECT_EQ(spent->tokens_out, 4);
  EXPECT_EQ(spent->cached_in, 8);
  EXPECT_EQ(spent->usd(), 1.0);
  EXPECT_EQ(spent->saved_usd, 0.5);
  EXPECT_EQ(spent->largest_tokens, 12);
  ASSERT_TRUE(writer->keep(an_exchange(3, 0, "c", std::nullopt)));
  const auto charges = store->charges(writer->id());
  ASSERT_TRUE(charges);
  ASSERT_EQ(charges->size(), 3U);
  ASSERT_EQ(charges->at(2).size(), 1U);
  EXPECT_EQ(charges->at(2)[0].model, an_exchange(2, 0, "b").model);
  EXPECT_EQ(charges->at(2)[0].usage.usd, 0.5);
  EXPECT_FALSE(charges->at(3)[0].usage.usd_known);
  EXPECT_EQ(store->spent(writer->id())->usd(), std::nullopt);
  EXPECT_EQ(store->spent(writer->id())->known_usd, 1.0);
}

TEST_P(AnyStore, AConfirmingRunStandsBesideTheNodeAndIsNoEvent) {
  const auto writer = create();
  ASSERT_TRUE(writer->record(a_node(0, 100)));
  ASSERT_TRUE(writer->record(a_node(1, 50)));
  EXPECT_FALSE(store->node(writer->id(), 0)->confirmed);
  ASSERT_TRUE(writer->confirm(0, measured(90)));
  ASSERT_TRUE(writer->confirm(0, measured(95)));
  const auto node = store->node(writer->id(), 0);
  ASSERT_TRUE(node->confirmed);
  EXPECT_EQ(node->confirmed->receipt->time_us.median, 95);
  EXPECT_EQ(node->evaluation.receipt->time_us.median, 100);
  EXPECT_EQ(node->evaluations, 1);
  EXPECT_FALSE(store->node(writer->id(), 0, 1)->confirmed);
  EXPECT_EQ(store->events(writer->id())->size(), 2U);
  EXPECT_EQ(store->evaluations(writer->id(), 0)->size(), 1U);
}

TEST_P(AnyStore, OneWriterASessionUntilItIsGone) {
  auto writer = create();
  const SessionId id = writer->id();
  EXPECT_TRUE(*store->busy(id));
  const auto second = store->resume(id);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::user);
  EXPECT_THAT(second.error().message, HasSubstr("another kerf is working on session " + id));
  ASSERT_TRUE(writer->record(a_node(0)));
  const auto other = create();  // another session is no obstacle
  writer.reset();
  EXPECT_FALSE(*store->busy(id));
  auto resumed = store->resume(id);
  ASSERT_TRUE(resumed);
  EXPECT_EQ(*(*resumed)->record(a_node(1)), 2) << "steps go on where they were";
}

TEST_P(AnyStore, AWriterOutlivesItsStore) {
  auto writer = create();
  store.reset();
  EXPECT_TRUE(writer->record(a_node(0)));
}

TEST_P(AnyStore, IdsCanBeAbbreviated) {
  std::vector<std::string> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(create()->id());
  auto writer = store->resume(ids[7]);
  ASSERT_TRUE((*writer)->record(a_node(0)));
  EXPECT_EQ(store->find(ids[7])->session, ids[7]);
  EXPECT_EQ(store->find(ids[7].substr(0, 11))->session, ids[7]);
  EXPECT_EQ(store->find(ids[7] + "/0")->node, 0);
  EXPECT_EQ(store->find("last")->session, ids[39]);
  EXPECT_EQ(store->find(ids[7])->node, std::nullopt);
  for (const std::string& bad : {ids[7] + "/1", ids[7] + "/x", ids[7] + "/", std::string("zz"), std::string(),
                                 std::string("/3"), ids[7] + "/-1", std::string("%"), std::string("last/0")}) {
    const auto found = store->find(bad);
    ASSERT_FALSE(found) << bad;
    EXPECT_EQ(found.error().kind, ErrorKind::user) << bad;
  }
  // Forty ids, sixteen digits: some two begin alike.
  bool ambiguous = false;
  for (const char digit : std::string("0123456789abcdef")) {
    const auto found = store->find(std::string(1, digit));
    ambiguous = ambiguous || (!found && found.error().message.find("write more of it") != std::string::npos);
  }
  EXPECT_TRUE(ambiguous);
}

TEST_P(AnyStore, ListsPage) {
  std::vector<std::string> made;
  for (int i = 0; i < 7; ++i) made.push_back(create()->id());
  std::vector<std::string> listed;
  PageRequest request{.limit = 3};
  int pages = 0;
  do {
    const auto page = store->sessions(request);
    ASSERT_TRUE(page);
    for (const SessionRecord& session : page->items) listed.push_back(session.id);
    request.after = page->next;
    ++pages;
  } while (!request.after.empty());
  std::ranges::reverse(made);
  EXPECT_EQ(listed, made) << "newest first";
  EXPECT_EQ(pages, 3);

  auto writer = store->resume(made[0]);
  for (NodeIndex i = 0; i < 6; ++i) ASSERT_TRUE((*writer)->record(a_node(i)));
  const auto first = store->nodes(made[0], {.limit = 4});
  ASSERT_EQ(first->items.size(), 4U);
  const auto second = store->nodes(made[0], {.limit = 4, .after = first->next});
  ASSERT_EQ(second->items.size(), 2U);
  EXPECT_EQ(second->items[0].node, 4);
  EXPECT_TRUE(second->next.empty());
  EXPECT_FALSE(store->nodes(made[0], {.limit = 4, .after = "x"}));
}

TEST_P(AnyStore, WhatIsNotThereIsAUserError) {
  EXPECT_EQ(store->session("feed").error().kind, ErrorKind::user);
  EXPECT_EQ(store->resume("feed").error().kind, ErrorKind::user);
  EXPECT_EQ(store->task("feed").error().kind, ErrorKind::user);
  EXPECT_EQ(store->candidate("feed").error().kind, ErrorKind::user);
  EXPECT_EQ(store->artifact("feed").error().kind, ErrorKind::user);
  EXPECT_EQ(store->find("last").error().kind, ErrorKind::user);
  EXPECT_EQ(store->node(create()->id(), 3).error().kind, ErrorKind::user);
}

TEST_P(AnyStore, ArtifactsHoldAnyBytesOnce) {
  const std::string bytes("a\0b\xff\xfe''\"\n", 9);
  const auto digest = store->put_artifact("prompt", bytes);
  ASSERT_TRUE(digest);
  EXPECT_EQ(*store->put_artifact("prompt", bytes), *digest);
  EXPECT_EQ(*store->artifact(*digest), bytes);
  EXPECT_EQ(*store->artifact(*store->put_artifact("prompt", "")), "");
}

TEST_P(AnyStore, TextsThatAreNoUtf8DoNotKeepANodeFromBeingRecorded) {
  const auto writer = create();
  NewNode node = a_node(0);
  node.evaluation.message = "warning: stray \xff in program";
  node.recipe = {{"x", "\xfe"}};
  node.rationale = "\xff";
  ASSERT_TRUE(writer->record(node));
  EXPECT_THAT(*store->node(writer->id(), 0)->evaluation.message, HasSubstr("in program"));
}

TEST_P(AnyStore, CalibrationsAreReadByMachineTheLatestWins) {
  EXPECT_EQ(*store->calibration("here"), std::nullopt);
  ASSERT_TRUE(store->put_calibration("here", {{"gb_per_s", 40}}));
  ASSERT_TRUE(store->put_calibration("there", {{"gb_per_s", 9}}));
  ASSERT_TRUE(store->put_calibration("here", {{"gb_per_s", 41}}));
  EXPECT_EQ((**store->calibration("here"))["gb_per_s"], 41);
  EXPECT_EQ((**store->calibration("there"))["gb_per_s"], 9);
}

TEST_P(AnyStore, TheResultCacheKeepsTheLatestTextOfAKey) {
  EXPECT_EQ(store->cache().get("k"), std::nullopt);
  store->cache().put("k", "v1");
  store->cache().put("k", "v2");
  store->cache().put("other", "");
  EXPECT_EQ(store->cache().get("k"), "v2");
  EXPECT_EQ(store->cache().get("other"), "");
}

TEST_P(AnyStore, ANodeIsRecordedOnceAndAFailedRecordLeavesNothing) {
  const auto writer = create();
  ASSERT_TRUE(writer->record(a_node(0)));
  NewNode twice = a_node(0);
  twice.candidate.text = "// another";
  ASSERT_FALSE(writer->record(twice));
  EXPECT_EQ(store->events(writer->id())->size(), 1U);
  EXPECT_FALSE(store->candidate(twice.candidate.id()));
  EXPECT_EQ(*writer->record(a_node(1)), 2);
}

TEST(FakeStore, FailsAsAFullDiskWouldFromTheChosenWriteOn) {
  FakeClock clock;
  const auto store = make_fake_store(clock, 2);
  const auto writer = *store->create(a_session());
  EXPECT_TRUE(writer->record(a_node(0)));
  const auto full = writer->record(a_node(1));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind, ErrorKind::system);
  EXPECT_EQ(store->nodes(writer->id(), {})->items.size(), 1U);
}

TEST(Sqlite, ATransactionThatIsNotCommittedLeavesNothing) {
  const auto database = *Database::open(":memory:");
  ASSERT_TRUE(database->script("CREATE TABLE t (x BIGINT PRIMARY KEY)"));
  {
    auto transaction = Transaction::begin(*database);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database->run("INSERT INTO t VALUES (?1)", {std::int64_t{1}}));
  }
  EXPECT_TRUE(database->query("SELECT * FROM t")->empty());
  auto transaction = Transaction::begin(*database);
  ASSERT_TRUE(database->run("INSERT INTO t VALUES (?1)", {std::int64_t{1}}));
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(database->query("SELECT * FROM t")->size(), 1U);
  EXPECT_FALSE(database->run("INSERT INTO t VALUES (?1)", {std::int64_t{1}}));
  EXPECT_TRUE(database->run("INSERT INTO t VALUES (?1)", {std::int64_t{2}})) << "a failed statement can be used again";
}

TEST(Sqlite, AFullDiskSaysWhatToDo) {
  const auto database = *Database::open(":memory:");
  ASSERT_TRUE(database->script("CREATE TABLE t (x TEXT)"));
  ASSERT_TRUE(database->script("PRAGMA max_page_count = 3"));
  const auto full = database->run("INSERT INTO t VALUES (?1)", {std::string(100'000, 'x')});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind, ErrorKind::system);
  EXPECT_THAT(full.error().message, HasSubstr("no space left for the store"));
}

TEST(Store, ADatabaseServerIsUnavailableYet) {
  FakeClock clock;
  const auto store = open_store("postgresql://host/kerf", clock);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace kerf
