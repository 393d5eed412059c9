#pragma once

#include <memory>

#include "agent/store/location.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Sessions;

/// The agent's database: opened, migrated, ready. The tables (dfsp_table.h, ...) work on it.
/// Owns: the sessions and, for SQLite, the file, which only this user may read. A PostgreSQL may serve other agents
/// too. Threads: share it freely.
class Database {
 public:
  /// Errors: storage_unavailable (cannot be opened), conflict (written by a newer program).
  static Result<std::unique_ptr<Database>> open(const Location& location);
  ~Database();

  /// Whether the database answers.
  Result<> ping();

  Sessions& sessions() { return *sessions_; }

 private:
  explicit Database(std::unique_ptr<Sessions> sessions);

  std::unique_ptr<Sessions> sessions_;
};

}  // namespace hubseal::agent::store
