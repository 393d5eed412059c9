#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// Somebody has stopped all signing.
struct SealRecord {
  TimePoint at{};
  std::string peer;  ///< entry of the configuration
  std::int64_t uid = 0;
  std::string reason;
  std::int64_t seals = 1;  ///< how often it was asked for since the last time it was lifted
};

namespace seal_table {

Result<std::optional<SealRecord>> find(Database& database);
/// In place of the one that is there.
Result<> set(Database& database, const SealRecord& seal);
Result<> remove(Database& database);

}  // namespace seal_table
}  // namespace hubseal::daemon
