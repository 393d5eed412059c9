#include "daemon/registry/quota_table.h"

#include "daemon/registry/columns.h"

namespace hubseal::daemon::quota_table {

Result<> set(Database& database, const QuotaRecord& quota) {
  Statement upsert = TRY(
      database.prepare("INSERT INTO quotas (kind, name, level, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET "
                       "level = ?3, at = ?4"));
  return upsert.bind(to_string(quota.kind)).bind(quota.name).bind(quota.level).bind(seconds(quota.at)).run();
}

Result<std::vector<QuotaRecord>> list(Database& database) {
  Statement rows = TRY(database.prepare("SELECT kind, name, level, at FROM quotas"));
  std::vector<QuotaRecord> quotas;
  while (TRY(rows.step())) {
    const QuotaKind kind = TRY(word_to_value(kQuotaKinds, rows.text(0)));
    quotas.push_back({.kind = kind, .name = rows.text(1), .level = rows.integer(2), .at = time_from(rows.integer(3))});
  }
  return quotas;
}

}  // namespace hubseal::daemon::quota_table
