#include "store/migrations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

namespace kerf {
namespace {

// Step i leads from version i to version i + 1. Portable SQL: texts, 64-bit integers, no database's own types.
std::span<const std::string_view> migrations() {
  static constexpr std::array<std::string_view, 2> steps = {R"sql(
CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  problem TEXT NOT NULL,            -- Problem::id
  target TEXT NOT NULL,
  document TEXT NOT NULL            -- the problem, its text included, as JSON
);
CREATE TABLE sessions (
  number BIGINT PRIMARY KEY,        -- in order of creation
  id TEXT NOT NULL UNIQUE,
  task TEXT NOT NULL REFERENCES tasks (id),
  created_ms BIGINT NOT NULL,
  options TEXT NOT NULL,
  understood TEXT NOT NULL,         -- digest of an artifact
  versions TEXT NOT NULL
);
CREATE TABLE steps (                -- asks, tells, cancels: what a search is replayed from
  session BIGINT NOT NULL REFERENCES sessions (number),
  step BIGINT NOT NULL,
  event TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (session, step)
);
CREATE TABLE states (
  session BIGINT NOT NULL REFERENCES sessions (number),
  serial BIGINT NOT NULL,
  step BIGINT NOT NULL,
  document TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (session, serial)
);
CREATE TABLE nodes (
  session BIGINT NOT NULL REFERENCES sessions (number),
  node BIGINT NOT NULL,
  step BIGINT NOT NULL,
  expansion TEXT NOT NULL,
  outcome TEXT NOT NULL,
  candidate TEXT NOT NULL,          -- digest of an artifact, as is prompt
  recipe TEXT NOT NULL,
  move TEXT NOT NULL,
  rationale TEXT NOT NULL,
  prompt TEXT NOT NULL,
  spent TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (session, node)
);
CREATE TABLE evaluations (
  session BIGINT NOT NULL REFERENCES sessions (number),
  node BIGINT NOT NULL,
  serial BIGINT NOT NULL,
  step BIGINT NOT NULL,
  purpose TEXT NOT NULL,            -- "search" (told to it), or "confirm"
  verdict TEXT NOT NULL,
  document TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (session, node, serial)
);
CREATE TABLE artifacts (
  digest TEXT PRIMARY KEY,
  kind TEXT NOT NULL,               -- "candidate/cpp", "prompt", "understood", …
  name TEXT NOT NULL,
  content TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);
CREATE TABLE results (              -- what holds for ever, by the digest of all that it depends on
  id TEXT PRIMARY KEY,
  content TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);
CREATE TABLE calibrations (
  machine TEXT NOT NULL,
  serial BIGINT NOT NULL,
  document TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (machine, serial)
);
)sql",
                                                            R"sql(
CREATE TABLE exchanges (            -- every request to a model with its reply
  session BIGINT NOT NULL REFERENCES sessions (number),
  serial BIGINT NOT NULL,
  step BIGINT NOT NULL,
  expansion BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  model TEXT NOT NULL,
  digest TEXT NOT NULL,             -- of the request
  request TEXT NOT NULL,
  reply TEXT NOT NULL,              -- with its usage
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (session, serial)
);
CREATE INDEX exchanges_by_purpose ON exchanges (session, expansion, attempt);
)sql"};
  return steps;
}

}  // namespace

Result<> migrate(Database& database, const Clock& clock) {
  const auto steps = migrations();
  const auto newest = static_cast<std::int64_t>(steps.size());
  Transaction transaction = TRY(Transaction::begin(database));
  const auto tables = TRY(database.query("SELECT name FROM sqlite_master WHERE type = 'table'"));
  const auto named = [&](std::string_view name) {
    return std::ranges::any_of(tables, [&](const SqlRow& row) { return row.text(0) == name; });
  };
  if (!named("schema_version")) {
    if (!tables.empty()) {
      return user_error(fmt::format("{} is a database, but no kerf store: name another with --store", database.path()));
    }
    TRY(database.run("CREATE TABLE schema_version (version BIGINT PRIMARY KEY, created_ms BIGINT NOT NULL)"));
  }
  const auto row = TRY(database.query("SELECT max(version) FROM schema_version"));
  const std::int64_t version = row.at(0).integer(0);
  if (version > newest) {
    return user_error(
        fmt::format("the store {} was written by a newer kerf (schema {}, this one knows {}): update kerf, or "
                    "name another store with --store",
                    database.path(), version, newest));
  }
  for (std::int64_t i = version; i < newest; ++i) {
    TRY(database.script(std::string(steps[static_cast<std::size_t>(i)])));
    TRY(database.run("INSERT INTO schema_version VALUES (?1, ?2)", {i + 1, clock.unix_ms()}));
  }
  return transaction.commit();
}

}  // namespace kerf
