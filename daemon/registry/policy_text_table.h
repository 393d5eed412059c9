#pragma once

#include <map>
#include <optional>
#include <string>

#include "daemon/registry/sqlite.h"

/// Texts of policy files that people were asked to agree to: an approval names them by their SHA-256, and the files of
/// the one who asked may be others by now. By their hash, so that asking again takes no room.
namespace hubseal::daemon::policy_text_table {

Result<> keep(Database& database, const std::map<std::string, std::string>& files);
/// The text with this SHA-256, in hexadecimal; nothing where none was kept.
/// Errors: storage_unavailable where it is not that any more.
Result<std::optional<std::string>> find(Database& database, const std::string& sha256);

}  // namespace hubseal::daemon::policy_text_table
