#include "daemon/registry/ca_table.h"

#include "daemon/registry/columns.h"

namespace hubseal::daemon::ca_table {

Result<> add(Database& database, const CaRecord& ca) {
  Statement insert =
      TRY(database.prepare("INSERT INTO cas (name, key, profile, certificate, csr, chain) VALUES (?, ?, ?, ?, ?, ?)"));
  return insert.bind(ca.name)
      .bind(ca.key)
      .bind(ca.profile)
      .bind(ByteView(ca.certificate))
      .bind(ByteView(ca.csr))
      .bind(ca.chain)
      .run();
}

Result<bool> update(Database& database, const CaRecord& before, const CaRecord& after) {
  Statement update = TRY(database.prepare(
      "UPDATE cas SET certificate = ?1, chain = ?2, successor = ?3, retired_at = ?4 WHERE name = ?5 AND certificate IS "
      "?6 "
      "AND retired_at IS ?7 AND NOT EXISTS (SELECT 1 FROM cas s WHERE s.name = ?3 AND s.retired_at IS NOT NULL)"));
  const auto bind_time = [&](const std::optional<TimePoint>& time) {
    if (time)
      update.bind(seconds(*time));
    else
      update.bind_null();
  };
  update.bind(ByteView(after.certificate)).bind(after.chain).bind(after.successor);
  bind_time(after.retired_at);
  update.bind(before.name).bind(ByteView(before.certificate));
  bind_time(before.retired_at);
  TRY(update.run());
  return database.changes() == 1;
}

Result<bool> has_alike(Database& database, const std::string& name) {
  Statement row = TRY(database.prepare("SELECT 1 FROM cas WHERE name = ? COLLATE NOCASE"));
  return row.bind(name).step();
}

Result<std::vector<CaRecord>> list(Database& database) {
  Statement rows = TRY(database.prepare(
      "SELECT name, key, profile, certificate, csr, chain, retired_at, successor FROM cas ORDER BY name"));
  std::vector<CaRecord> cas;
  while (TRY(rows.step())) {
    CaRecord ca{.name = rows.text(0),
                .key = rows.text(1),
                .profile = rows.text(2),
                .certificate = rows.blob(3),
                .csr = rows.blob(4),
                .chain = rows.text(5),
                .successor = rows.text(7)};
    if (!rows.is_null(6)) ca.retired_at = time_from(rows.integer(6));
    cas.push_back(std::move(ca));
  }
  return cas;
}

}  // namespace hubseal::daemon::ca_table
