/// The few calls of SQLite that the registry makes, with owners and Results.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/bytes.h"
#include "common/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace hubseal::daemon {

/// One prepared statement, borrowed from its Database while it is bound and stepped.
/// Errors: conflict for a violated UNIQUE or PRIMARY KEY, storage_unavailable for everything that
/// the disk can do (full, I/O, read-only), internal for the rest.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)), next_(other.next_) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Binds the parameters in their order.
  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind(ByteView blob);
  Statement& bind_null();

  /// True while there is a row.
  Result<bool> step();
  /// For statements without rows.
  Result<> run();

  std::string text(int column) const;
  std::int64_t integer(int column) const;
  Bytes blob(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3_stmt* statement_;
  int next_ = 1;
};

/// One connection.
/// Threads: one at a time.
class Database {
 public:
  /// Opens or creates the file: WAL, synchronous=FULL, foreign keys on.
  static Result<Database> open(const std::filesystem::path& path);

  /// The prepared form of `sql`, which must be a literal: it is kept for the next time.
  Result<Statement> prepare(std::string_view sql);
  /// Several statements without parameters.
  Result<> execute(const char* sql);
  /// False as well once SQLite has rolled one back by itself (disk full, I/O error).
  bool in_transaction() const;
  /// Rows changed by the last statement.
  std::int64_t changes() const;
  /// The number of the row that was inserted last.
  std::int64_t last_row() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}

  std::unique_ptr<sqlite3, Close> handle_;
  std::unordered_map<std::string_view, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

}  // namespace hubseal::daemon
