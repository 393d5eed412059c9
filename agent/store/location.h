#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/result.h"

namespace hubseal::agent::store {

/// In the place of a file: a database that is gone when it is closed.
constexpr std::string_view kMemory = ":memory:";

/// Where the database lies: in a file of its own (SQLite), or on a server (PostgreSQL) that several agents share.
struct Location {
  std::filesystem::path file = {};
  std::string postgresql = {};  ///< libpq's connection string; empty: `file`

  bool shared() const { return !postgresql.empty(); }
};

/// Whether there is a file; of a server that is not said.
bool is_there(const Location& location);

/// A connection string that may be used: "host=/run/postgresql dbname=hubseal". Keys: PostgreSQL manual, 34.1.2.
/// `where` it stands is named. Errors: bad_request: another key than those that the agent needs, a password (which
/// belongs into a passfile), or a server that the network leads to without sslmode=verify-full.
Result<> check_postgresql(std::string_view connection, std::string_view where);

}  // namespace hubseal::agent::store
