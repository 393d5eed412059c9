#pragma once

#include <cstdint>
#include <memory>

#include "agent/store/location.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Sessions;

/// What the database has refused since the start.
struct Refusals {
  std::uint64_t connections = 0;  ///< there was none
  std::uint64_t others = 0;
};

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
  Refusals refusals() const;

  Sessions& sessions() { return *sessions_; }

 private:
  explicit Database(std::unique_ptr<Sessions> sessions);

  std::unique_ptr<Sessions> sessions_;
};

}  // namespace hubseal::agent::store
