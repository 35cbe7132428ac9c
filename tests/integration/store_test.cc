// The store on a real disk: what a conformance suite in memory cannot show. Crashes, two processes, damaged files.
#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/paths.h"
#include "base/random.h"
#include "store/sqlite.h"

namespace kerf {
namespace {

using testing::HasSubstr;

class StoreOnDisk : public testing::Test {
 protected:
  TemporaryDirectory folder = TemporaryDirectory::create("kerf-store-test").value();
  std::string path = (folder.path() / "deep" / "store.db").string();
  SystemClock clock;

  std::unique_ptr<Store> open() {
    auto store = open_store(path, clock);
    EXPECT_TRUE(store) << store.error().message;
    return *std::move(store);
  }
};

NewSession a_session() {
  NewSession session;
  session.task.problem = {.id = "p", .name = "p", .source = "class Model: pass\n"};
  return session;
}

NewNode a_node(NodeIndex index, std::size_t bytes = 100) {
  NewNode node;
  node.expansion = {.id = static_cast<ExpansionId>(index) + 1, .task = Task::expand, .parents = {0}, .reason = "test"};
  node.told = {
      .id = node.expansion.id, .outcome = {.kind = Outcome::Kind::measured, .reward = {0.5, 0.1}}, .node = index};
  node.candidate = {.text = std::to_string(index) + std::string(bytes, ' '), .language = Language::cpp, .name = "c"};
  node.evaluation.verdict = Verdict::measured;
  return node;
}

// Records nodes as fast as it can and says so, a byte each, once a call has returned; until it is killed.
[[noreturn]] void record_for_ever(const std::string& path, int out) {
  SystemClock clock;
  auto store = open_store(path, clock);
  if (!store) ::_exit(3);
  const auto found = (*store)->find("last");
  auto writer = found ? (*store)->resume(found->session) : (*store)->create(a_session());
  if (!writer) ::_exit(4);
  auto events = (*store)->events((*writer)->id());
  for (auto i = static_cast<NodeIndex>(events->size());; ++i) {
    if (!(*writer)->record(a_node(i, 3000))) ::_exit(5);
    if (::write(out, "+", 1) != 1) ::_exit(6);
  }
}

TEST_F(StoreOnDisk, KillAtAnyMomentLosesNothingThatWasRecorded) {
  Random random(1);
  std::size_t recorded = 0;
  for (int round = 0; round < 25; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      record_for_ever(path, ends[1]);
    }
    ::close(ends[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(2'000 + random.below(60'000)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: exit " << WEXITSTATUS(status);
    char bytes[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], bytes, sizeof bytes)) > 0;) recorded += static_cast<std::size_t>(n);
    ::close(ends[0]);

    const auto store = open();
    const auto found = store->find("last");
    if (!found) {
      ASSERT_EQ(recorded, 0U);
      continue;
    }
    EXPECT_FALSE(*store->busy(found->session)) << "the lock died with its holder";
    const auto events = store->events(found->session);
    ASSERT_TRUE(events) << events.error().message;
    // At most one more than was said: recorded, and killed before it could say so.
    EXPECT_GE(events->size(), recorded);
    EXPECT_LE(events->size(), recorded + 1);
    recorded = events->size();
    PageRequest all{.limit = 1'000'000};
    const auto nodes = store->nodes(found->session, all);
    ASSERT_TRUE(nodes) << nodes.error().message;
    ASSERT_EQ(nodes->items.size(), recorded) << "a node and its step are one";
    if (recorded > 0) {
      EXPECT_TRUE(store->candidate(nodes->items.back().candidate));
    }
  }
  EXPECT_GT(recorded, 50U) << "the children came to something";
}

TEST_F(StoreOnDisk, TwoProcessesMustNotWorkOnOneSession) {
  auto store = open();
  auto writer = *store->create(a_session());
  const SessionId id = writer->id();
  const auto exit_of = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      SystemClock own;
      auto other = open_store(path, own);
      if (!other) ::_exit(9);
      const bool busy = (*other)->busy(id).value_or(false);
      const auto resumed = (*other)->resume(id);
      ::_exit(resumed ? 0 : busy && resumed.error().kind == ErrorKind::user ? 1 : 8);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  EXPECT_EQ(exit_of(), 1);
  writer.reset();
  EXPECT_EQ(exit_of(), 0);
}

TEST_F(StoreOnDisk, ProcessesWriteToOneStoreAtOnce) {
  open();
  constexpr int processes = 4, nodes = 40;
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      SystemClock own;
      auto store = open_store(path, own);
      if (!store) ::_exit(1);
      auto writer = (*store)->create(a_session());
      if (!writer) ::_exit(2);
      for (NodeIndex n = 0; n < nodes; ++n) {
        if (!(*writer)->record(a_node(n))) ::_exit(3);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  const auto store = open();
  const auto sessions = store->sessions({});
  ASSERT_EQ(sessions->items.size(), static_cast<std::size_t>(processes));
  for (const SessionRecord& session : sessions->items) EXPECT_EQ(session.steps, nodes);
}

TEST_F(StoreOnDisk, ProcessesThatCreateItAtOnceAllGetIt) {
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      SystemClock own;
      const auto store = open_store(path, own);
      if (!store) (void)!::write(2, store.error().message.data(), store.error().message.size());
      ::_exit(store ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
}

TEST_F(StoreOnDisk, WhatIsNoStoreIsRefusedInOneLineAndLeftAsItIs) {
  const std::string text = "This is a letter to my aunt, and no database at all, whatever its name may be.\n";
  std::filesystem::create_directories(folder.path() / "deep");
  std::ofstream(path) << text;
  const auto store = open_store(path, clock);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::user);
  EXPECT_THAT(store.error().message, HasSubstr("is no kerf store"));
  EXPECT_EQ(*read_file(path), text);
}

TEST_F(StoreOnDisk, SomebodyElsesDatabaseIsRefused) {
  std::filesystem::create_directories(folder.path() / "deep");
  ASSERT_TRUE((*Database::open(path))->script("CREATE TABLE bookmarks (url TEXT)"));
  const auto store = open_store(path, clock);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("a database, but no kerf store"));
}

TEST_F(StoreOnDisk, AStoreOfANewerKerfIsRefusedInOneLine) {
  open();
  ASSERT_TRUE((*Database::open(path))->script("INSERT INTO schema_version VALUES (99, 0)"));
  const auto store = open_store(path, clock);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::user);
  EXPECT_THAT(store.error().message, HasSubstr("newer kerf (schema 99"));
}

TEST_F(StoreOnDisk, ADamagedFileIsAnErrorAndNoCrash) {
  {
    auto store = open();
    auto writer = *store->create(a_session());
    for (NodeIndex i = 0; i < 50; ++i) ASSERT_TRUE(writer->record(a_node(i, 2000)));
  }
  const auto size = std::filesystem::file_size(path);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  const std::string noise(static_cast<std::size_t>(size) - 4096, '\x5a');
  file << noise << std::flush;
  const auto store = open_store(path, clock);
  if (!store) {
    EXPECT_EQ(store.error().kind, ErrorKind::system) << store.error().message;
    return;
  }
  const auto sessions = (*store)->sessions({});
  ASSERT_FALSE(sessions);
  EXPECT_EQ(sessions.error().kind, ErrorKind::system);
  EXPECT_THAT(sessions.error().message, HasSubstr("damaged"));
}

TEST_F(StoreOnDisk, AFullDiskFailsTheRecordAndKeepsWhatWasThere) {
  const pid_t child = ::fork();
  if (child == 0) {  // a limit on the size of files stands for the disk
    ::signal(SIGXFSZ, SIG_IGN);
    SystemClock own;
    auto store = open_store(path, own);
    auto writer = store ? (*store)->create(a_session()) : std::unexpected(store.error());
    if (!writer) ::_exit(1);
    for (NodeIndex i = 0; i < 5; ++i) {
      if (!(*writer)->record(a_node(i))) ::_exit(2);
    }
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto full = (*writer)->record(a_node(5, 8 << 20));
    if (full || full.error().kind != ErrorKind::system) ::_exit(3);
    ::_exit((*writer)->record(a_node(5)) ? 0 : 4);  // something smaller still fits
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const auto store = open();
  EXPECT_EQ(store->session(store->find("last")->session)->steps, 6);
}

TEST_F(StoreOnDisk, AFolderThatCannotBeWrittenSaysSo) {
  const auto store = open_store("/proc/kerf/store.db", clock);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::user);
}

}  // namespace
}  // namespace kerf
