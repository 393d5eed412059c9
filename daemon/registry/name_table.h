#pragma once

#include <string>

#include "daemon/ca/prepare.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon::name_table {

/// Gives the participant this name, unless it belongs to another (PKI-5). A wildcard belongs to whom
/// the names one label below it belong.
/// Errors: conflict.
Result<> claim(Database& database, const ca::ClaimedName& name, const std::string& subject);

}  // namespace hubseal::daemon::name_table
