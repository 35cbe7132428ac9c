#include "store/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

namespace kerf {
namespace {

constexpr int busy_ms = 10'000;

}  // namespace

std::int64_t SqlRow::integer(std::size_t column) const {
  const auto* value = std::get_if<std::int64_t>(&values_[column]);
  return value == nullptr ? 0 : *value;
}

const std::string& SqlRow::text(std::size_t column) const {
  static const std::string none;
  const auto* value = std::get_if<std::string>(&values_[column]);
  return value == nullptr ? none : *value;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(handle, path));
  if (code != SQLITE_OK) return database->error(code);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, busy_ms);
  return database;
}

Database::~Database() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

std::unexpected<Error> Database::error(int code) const {
  const std::string said = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return fail(ErrorKind::system,
                  fmt::format("no space left for the store {}: free some and try again; what was recorded "
                              "is safe",
                              path_));
    case SQLITE_NOTADB:
      return user_error(
          fmt::format("{} is no kerf store ({}): name another with --store, or move it away", path_, said));
    case SQLITE_CORRUPT:
      return fail(ErrorKind::system,
                  fmt::format("the store {} is damaged ({}): move it away, or save what can be saved with "
                              "sqlite3 {} .recover",
                              path_, said, path_));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(ErrorKind::system,
                  fmt::format("another process has kept the store {} locked for {} s: end it and try again", path_,
                              busy_ms / 1000));
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return user_error(fmt::format(
          "cannot write the store {} ({}): check its permissions, or name another with --store", path_, said));
    case SQLITE_IOERR:
      return fail(ErrorKind::system,
                  fmt::format("cannot read or write the store {} ({}): check the disk", path_, said));
    case SQLITE_NOMEM:
      return fail(ErrorKind::system, "out of memory while using the store");
    default:
      return fail(ErrorKind::internal, fmt::format("the store {} was misused: {}", path_, said));
  }
}

Result<> Database::write_ahead() {
  constexpr int pause_ms = 10;
  // SQLite itself does not wait where two processes open a new file and both switch.
  for (int waited_ms = 0;; waited_ms += pause_ms) {
    const int code =
        sqlite3_exec(handle_, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    if ((code & 0xff) != SQLITE_BUSY || waited_ms >= busy_ms) return error(code);
    sqlite3_sleep(pause_ms);
  }
}

Result<sqlite3_stmt*> Database::prepare(std::string_view sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code != SQLITE_OK) return error(code);
  statements_.emplace(sql, statement);
  return statement;
}

Result<std::vector<SqlRow>> Database::query(std::string_view sql, std::span<const SqlValue> values) {
  sqlite3_stmt* statement = TRY(prepare(sql));
  struct Reset {  // so that it holds no lock and can be used again, whatever happens
    sqlite3_stmt* statement;
    ~Reset() {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    }
  } reset{statement};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int at = static_cast<int>(i) + 1;
    int code = SQLITE_OK;
    if (const auto* integer = std::get_if<std::int64_t>(&values[i])) code = sqlite3_bind_int64(statement, at, *integer);
    if (const auto* number = std::get_if<double>(&values[i])) code = sqlite3_bind_double(statement, at, *number);
    if (const auto* text = std::get_if<std::string>(&values[i])) {
      code = sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    if (code != SQLITE_OK) return error(code);
  }
  std::vector<SqlRow> rows;
  for (;;) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return rows;
    if (code != SQLITE_ROW) return error(code);
    std::vector<SqlValue> row(static_cast<std::size_t>(sqlite3_column_count(statement)));
    for (std::size_t column = 0; column < row.size(); ++column) {
      const int at = static_cast<int>(column);
      switch (sqlite3_column_type(statement, at)) {
        case SQLITE_INTEGER:
          row[column] = static_cast<std::int64_t>(sqlite3_column_int64(statement, at));
          break;
        case SQLITE_FLOAT:
          row[column] = sqlite3_column_double(statement, at);
          break;
        case SQLITE_NULL:
          break;
        default: {
          const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, at));
          row[column] = bytes == nullptr
                            ? std::string()
                            : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, at)));
        }
      }
    }
    rows.emplace_back(std::move(row));
  }
}

Result<> Database::run(std::string_view sql, std::initializer_list<SqlValue> values) {
  TRY(query(sql, values));
  return {};
}

Result<> Database::script(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return {};
}

Result<Transaction> Transaction::begin(Database& database) {
  TRY(database.run("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->run("ROLLBACK");
}

Result<> Transaction::commit() {
  Database* database = std::exchange(database_, nullptr);
  Result<> done = database->run("COMMIT");
  if (!done) (void)database->run("ROLLBACK");  // where it failed without ending the transaction
  return done;
}

}  // namespace kerf
