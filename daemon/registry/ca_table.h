#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

struct CaRecord {
  std::string name;
  std::string key;  ///< label
  std::string profile;
  Bytes certificate;  ///< DER; empty while its CSR is with an outside root
  Bytes csr;          ///< DER; empty for a self-signed root
  std::string chain;  ///< PEM, from who signed it up to the outside root; empty for a self-signed root
  std::optional<TimePoint> retired_at = {};  ///< since when it issues no more
  std::string successor = {};                ///< the CA that issues instead; empty where none was to
};

namespace ca_table {

/// Errors: conflict (name or key is taken).
Result<> add(Database& database, const CaRecord& ca);
/// Writes certificate, chain, retirement and successor of one that is as `before` says. False: it is not, or the
/// successor was retired itself meanwhile.
Result<bool> update(Database& database, const CaRecord& before, const CaRecord& after);
/// Whether one has this name, upper and lower case being the same.
Result<bool> has_alike(Database& database, const std::string& name);
/// By name.
Result<std::vector<CaRecord>> list(Database& database);

}  // namespace ca_table
}  // namespace hubseal::daemon
