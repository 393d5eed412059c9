#include "daemon/registry/ca_table.h"

namespace hubseal::daemon::ca_table {

Result<> add(Database& database, const CaRecord& ca) {
  Statement insert =
      TRY(database.prepare("INSERT INTO cas (name, key, profile, certificate, csr) VALUES (?, ?, ?, ?, ?)"));
  return insert.bind(ca.name).bind(ca.key).bind(ca.profile).bind(ByteView(ca.certificate)).bind(ByteView(ca.csr)).run();
}

Result<bool> has_alike(Database& database, const std::string& name) {
  Statement row = TRY(database.prepare("SELECT 1 FROM cas WHERE name = ? COLLATE NOCASE"));
  return row.bind(name).step();
}

Result<std::vector<CaRecord>> list(Database& database) {
  Statement rows = TRY(database.prepare("SELECT name, key, profile, certificate, csr FROM cas ORDER BY name"));
  std::vector<CaRecord> cas;
  while (TRY(rows.step()))
    cas.push_back({.name = rows.text(0),
                   .key = rows.text(1),
                   .profile = rows.text(2),
                   .certificate = rows.blob(3),
                   .csr = rows.blob(4)});
  return cas;
}

}  // namespace hubseal::daemon::ca_table
