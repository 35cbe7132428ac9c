// The conformance suite of stores: every implementation behaves the same. SQLite's runs in memory here; its files,
// locks and crashes are tested in tests/integration/store_test.cc.
#include "store/store.h"

#include <gmock/gmock.h>

#include "store/fake_store.h"
#include "store/store_fixture.h"

namespace kerf {
namespace {

using namespace testing_store;
using testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(
    Store, AnyStore,
    testing::Values(StoreKind{"fake", [](const Clock& clock) { return make_fake_store(clock); }},
                    StoreKind{"sqlite", [](const Clock& clock) { return open_store(":memory:", clock).value(); }}),
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

TEST(Store, ADatabaseServerIsUnavailableYet) {
  FakeClock clock;
  const auto store = open_store("postgresql://host/kerf", clock);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace kerf
