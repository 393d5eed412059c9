#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// A policy that is in force, or was.
struct PolicyRecord {
  std::int64_t version = 0;  ///< from 1, without a gap
  Bytes hash;                ///< hash_of its files (daemon/policy/source.h)
  TimePoint loaded_at{};
  std::string peer;  ///< entry of the configuration that loaded it
  std::int64_t uid = 0;
  std::string approval;  ///< that allowed it; empty where policy asked for none
};

namespace policy_table {

/// Errors: conflict (there is one of this version).
Result<> add(Database& database, const PolicyRecord& policy, const std::map<std::string, std::string>& files);
Result<std::optional<PolicyRecord>> newest(Database& database);
Result<std::optional<PolicyRecord>> find(Database& database, std::int64_t version);
/// Its files, by name, to the byte.
Result<std::map<std::string, std::string>> files(Database& database, std::int64_t version);
/// Oldest first, those after version `after`.
Result<std::vector<PolicyRecord>> list(Database& database, std::int64_t after, std::int64_t limit);

}  // namespace policy_table
}  // namespace hubseal::daemon
