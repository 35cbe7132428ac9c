// What a writer leaves in the tables; what comes back through a store is the conformance suite's (store_test.cc).
#include "store/session_writer.h"

#include <gmock/gmock.h>

#include "base/hash.h"
#include "store/migrations.h"
#include "store/store_fixture.h"

namespace kerf {
namespace {

using namespace testing_store;
using testing::ElementsAre;

// A writer of session 1, which stands at step 40.
class SessionWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    file->database = *Database::open(":memory:");
    file->clock = &clock;
    ASSERT_TRUE(migrate(*file->database, clock));
    writer = make_session_writer(file, "3f9c00000000", 1, nullptr, 40);
  }

  // The values of one column.
  std::vector<std::int64_t> integers(const std::string& sql) {
    std::vector<std::int64_t> made;
    const auto rows = file->database->query(sql).value();
    for (const SqlRow& row : rows) made.push_back(row.integer(0));
    return made;
  }
  std::vector<std::string> texts(const std::string& sql) {
    std::vector<std::string> made;
    const auto rows = file->database->query(sql).value();
    for (const SqlRow& row : rows) made.push_back(row.text(0));
    return made;
  }

  FakeClock clock;
  std::shared_ptr<StoreFile> file = std::make_shared<StoreFile>();
  std::unique_ptr<SessionWriter> writer;
};

TEST_F(SessionWriterTest, StepsGoOnFromTheLast) {
  EXPECT_EQ(*writer->append(Asked{an_expansion(1, {})}), 41);
  EXPECT_EQ(*writer->record(a_node(0)), 42);
  EXPECT_EQ(*writer->record(NewMeasurement{.told = {.id = 2}, .node = 0, .evaluation = measured(90)}), 43);
  EXPECT_THAT(integers("SELECT step FROM steps ORDER BY step"), ElementsAre(41, 42, 43));
  EXPECT_THAT(integers("SELECT step FROM nodes"), ElementsAre(42));
}

TEST_F(SessionWriterTest, AStepThatFailedIsNotCounted) {
  ASSERT_TRUE(writer->record(a_node(0)));
  ASSERT_FALSE(writer->record(a_node(0)));
  EXPECT_EQ(*writer->append(Asked{an_expansion(1, {})}), 42);
}

TEST_F(SessionWriterTest, ANodeHasAnIndex) {
  NewNode node = a_node(0);
  node.told.node.reset();
  const auto recorded = writer->record(node);
  ASSERT_FALSE(recorded);
  EXPECT_EQ(recorded.error().kind, ErrorKind::internal);
  EXPECT_THAT(integers("SELECT count(*) FROM artifacts"), ElementsAre(0));
}

TEST_F(SessionWriterTest, TextsThatNodesShareAreKeptOnce) {
  NewNode first = a_node(0), second = a_node(1);
  second.candidate.text = first.candidate.text;
  ASSERT_TRUE(writer->record(first));
  ASSERT_TRUE(writer->record(second));
  EXPECT_THAT(texts("SELECT kind FROM artifacts ORDER BY kind"), ElementsAre("candidate/cpp", "prompt"));
  EXPECT_THAT(texts("SELECT prompt FROM nodes"), ElementsAre(sha256("please"), sha256("please")));
}

TEST_F(SessionWriterTest, ANodeWithoutAPromptNamesNone) {
  NewNode node = a_node(0);
  node.prompt.clear();
  ASSERT_TRUE(writer->record(node));
  EXPECT_THAT(texts("SELECT prompt FROM nodes"), ElementsAre(""));
  EXPECT_THAT(texts("SELECT kind FROM artifacts"), ElementsAre("candidate/cpp"));
}

TEST_F(SessionWriterTest, EvaluationsAreNumberedForEachNodeAndSayWhatTheyWereFor) {
  ASSERT_TRUE(writer->record(a_node(0)));
  ASSERT_TRUE(writer->record(a_node(1)));
  ASSERT_TRUE(writer->confirm(0, measured(80)));
  EXPECT_THAT(
      texts("SELECT node || '/' || serial || ' ' || purpose || ' ' || step FROM evaluations ORDER BY node, serial"),
      ElementsAre("0/1 search 41", "0/2 confirm 42", "1/1 search 42"));
}

TEST_F(SessionWriterTest, SessionsOfOneFileAreNumberedApart) {
  const auto other = make_session_writer(file, "a00000000000", 2, nullptr, 0);
  ASSERT_TRUE(writer->set_state({.status = SessionStatus::running}));
  ASSERT_TRUE(writer->set_state({.status = SessionStatus::finished}));
  ASSERT_TRUE(other->set_state({.status = SessionStatus::running}));
  EXPECT_THAT(texts("SELECT session || '/' || serial || ' ' || step FROM states ORDER BY session, serial"),
              ElementsAre("1/1 40", "1/2 40", "2/1 0"));
}

TEST_F(SessionWriterTest, WhatTheClockSaidIsWrittenWithIt) {
  clock.time += std::chrono::seconds(3);
  ASSERT_TRUE(writer->append(Asked{an_expansion(1, {})}));
  EXPECT_THAT(integers("SELECT created_ms FROM steps"), ElementsAre(clock.unix_ms()));
}

}  // namespace
}  // namespace kerf
