#pragma once

#include <string>

#include "daemon/registry/sqlite.h"

namespace hubseal::daemon::instance_table {

/// What this registry is called by what people sign for it: 32 hexadecimal digits, made at random together with
/// the registry and never changed. A signature for one hubseald is worth nothing to another.
Result<std::string> id(Database& database);

}  // namespace hubseal::daemon::instance_table
