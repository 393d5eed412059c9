#pragma once

#include <string>
#include <vector>

#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

struct CaRecord {
  std::string name;
  std::string key;  ///< label
  std::string profile;
  Bytes certificate;  ///< DER; empty while its CSR is with an outside root
  Bytes csr;          ///< DER; empty for a self-signed root
};

namespace ca_table {

/// Errors: conflict (name or key is taken).
Result<> add(Database& database, const CaRecord& ca);
/// Whether one has this name, upper and lower case being the same.
Result<bool> has_alike(Database& database, const std::string& name);
/// By name.
Result<std::vector<CaRecord>> list(Database& database);

}  // namespace ca_table
}  // namespace hubseal::daemon
