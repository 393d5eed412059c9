#pragma once

#include "common/result.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// Brings the tables to the version that this hubseald knows, one step at a time, each in a transaction.
/// Errors: storage_unavailable, also for a registry of a newer version.
Result<> migrate(Database& database);

}  // namespace hubseal::daemon
