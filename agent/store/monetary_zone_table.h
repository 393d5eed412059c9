#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// A currency in which DFSPs can work.
struct MonetaryZone {
  std::string id;  ///< ISO 4217
  std::string name;
  std::string created_at;  ///< as format_utc writes it
};

/// Threads: share it freely. Errors: storage_unavailable.
class MonetaryZoneTable {
 public:
  explicit MonetaryZoneTable(Database& database) : database_(database) {}

  /// In the order of their ids.
  Result<std::vector<MonetaryZone>> list();

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
