#pragma once

#include <string>
#include <vector>

#include "agent/store/dfsp_table.h"
#include "agent/store/monetary_zone_table.h"
#include "common/result.h"

namespace hubseal::agent {

/// The currencies of the scheme, and who works in which.
class MonetaryZones {
 public:
  MonetaryZones(store::MonetaryZoneTable& zones, store::DfspTable& dfsps) : zones_(zones), dfsps_(dfsps) {}

  Result<std::vector<store::MonetaryZone>> list() { return zones_.list(); }
  /// Errors: not_found: no DFSP is in that zone.
  Result<std::vector<store::Dfsp>> dfsps(const std::string& zone);

 private:
  store::MonetaryZoneTable& zones_;
  store::DfspTable& dfsps_;
};

}  // namespace hubseal::agent
