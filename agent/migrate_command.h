#pragma once

#include <string>

#include "agent/store/location.h"
#include "common/result.h"

namespace hubseal::agent {

struct Config;

/// hubseal-agent migrate: what its options say.
struct MigrateCommand {
  std::string from;             ///< "sqlite" or "postgresql"
  std::string to;               ///< the other one: what the configuration names
  std::string from_path;        ///< of the SQLite file
  std::string from_connection;  ///< libpq's connection string
  bool dry_run = false;
};

/// Copies the store into the one that the configuration names, and prints a row for each table.
/// Errors: bad_request (options that do not fit the configuration); as store::transfer.
Result<> run(const MigrateCommand& command, const Config& config);

}  // namespace hubseal::agent
