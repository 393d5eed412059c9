#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace Poco::Data {
class Session;
}

namespace hubseal::agent::store {

class Sessions;

/// One SQL file of agent/store/migrations/.
struct Migration {
  int version;
  const char* name;
  const char* sql;
};

/// In ascending order, compiled into the program.
std::span<const Migration> embedded_migrations();

/// The statements of a migration: each ends with a semicolon at the end of a line.
std::vector<std::string> split_statements(std::string_view sql);

/// Brings the schema up to date, each migration in a transaction of its own.
/// Errors: conflict where the database was written by a newer program, where a migration that
/// was applied is not the one compiled in, or where a table is another program's; storage_unavailable.
Result<> migrate(Sessions& sessions, std::span<const Migration> migrations);
/// The same as part of a transaction that has begun.
Result<> migrate_within(Poco::Data::Session& session, std::span<const Migration> migrations);
/// Errors: conflict where the schema is another than these migrations make.
Result<> require_current(Poco::Data::Session& session, std::span<const Migration> migrations);

}  // namespace hubseal::agent::store
