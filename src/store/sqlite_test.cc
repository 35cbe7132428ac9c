#include "store/sqlite.h"

#include <gmock/gmock.h>

#include <string>

namespace kerf {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace kerf
