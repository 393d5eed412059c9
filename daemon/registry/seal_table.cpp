#include "daemon/registry/seal_table.h"

#include "daemon/registry/columns.h"

namespace hubseal::daemon::seal_table {

Result<std::optional<SealRecord>> find(Database& database) {
  Statement row = TRY(database.prepare("SELECT at, peer, uid, reason, seals FROM seal"));
  if (!TRY(row.step())) return std::nullopt;
  return SealRecord{time_from(row.integer(0)), row.text(1), row.integer(2), row.text(3), row.integer(4)};
}

Result<> set(Database& database, const SealRecord& seal) {
  Statement insert = TRY(database.prepare(
      "INSERT OR REPLACE INTO seal (only_row, at, peer, uid, reason, seals) VALUES (1, ?, ?, ?, ?, ?)"));
  return insert.bind(seconds(seal.at)).bind(seal.peer).bind(seal.uid).bind(seal.reason).bind(seal.seals).run();
}

Result<> remove(Database& database) { return TRY(database.prepare("DELETE FROM seal")).run(); }

}  // namespace hubseal::daemon::seal_table
