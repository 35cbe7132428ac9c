#include "store/migrations.h"

#include <array>

namespace kerf {

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

}  // namespace kerf
