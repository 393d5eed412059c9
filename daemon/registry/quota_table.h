#pragma once

#include <string>
#include <vector>

#include "common/clock.h"
#include "daemon/quota/quota.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// At least this much is left of a bucket, and it fills from `at` on.
struct QuotaRecord {
  QuotaKind kind{};
  std::string name;
  std::int64_t level = 0;  ///< tokens
  TimePoint at{};
};

/// What is left of quotas (daemon/quota/quotas.h).
namespace quota_table {

Result<> set(Database& database, const QuotaRecord& quota);
Result<std::vector<QuotaRecord>> list(Database& database);

}  // namespace quota_table
}  // namespace hubseal::daemon
