// A small layer over SQLite's C interface: owned handles, values, errors that say what to do.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kerf {

using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string>;

class SqlRow {
 public:
  explicit SqlRow(std::vector<SqlValue> values) : values_(std::move(values)) {}
  // The column's value; 0 or "" where it is null.
  [[nodiscard]] std::int64_t integer(std::size_t column) const;
  [[nodiscard]] const std::string& text(std::size_t column) const;
  [[nodiscard]] bool null(std::size_t column) const { return values_[column].index() == 0; }

 private:
  std::vector<SqlValue> values_;
};

// One connection, used by one thread.
class Database {
 public:
  // Created if it is not there. ":memory:" has no file.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One statement with its parameters (?1, ?2 …). Texts may hold any bytes.
  [[nodiscard]] Result<std::vector<SqlRow>> query(std::string_view sql, std::span<const SqlValue> values = {});
  [[nodiscard]] Result<std::vector<SqlRow>> query(std::string_view sql, std::initializer_list<SqlValue> values) {
    return query(sql, std::span(values.begin(), values.size()));
  }
  Result<> run(std::string_view sql, std::initializer_list<SqlValue> values = {});
  // Several statements without parameters.
  Result<> script(const std::string& sql);
  // Commits go to a log first: one has reached the operating system, so kill -9 loses nothing; a power failure can lose
  // the last ones, never damage the file. The log reaches the disk when a checkpoint does.
  [[nodiscard]] Result<> write_ahead();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  [[nodiscard]] std::unexpected<Error> error(int code) const;
  [[nodiscard]] Result<sqlite3_stmt*> prepare(std::string_view sql);

  sqlite3* handle_;
  std::string path_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;  // prepared once each
};

// Begins at once as a writer, so that what it reads cannot change under it; rolls back unless committed.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  [[nodiscard]] Result<> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace kerf
