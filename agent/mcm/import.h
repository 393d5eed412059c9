#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/mcm/mysql_dump.h"
#include "agent/mcm/report.h"
#include "agent/mcm/vault_export.h"
#include "agent/store/import.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::mcm {

/// What this agent holds good.
struct Rules {
  int rsa_bits;                      ///< that a CSR must have, as for ValidationRules
  std::vector<std::string> hub_ids;  ///< the hub's own, there and here: none is a participant's
  std::set<std::string> currencies;  ///< each is a monetary zone
  std::string group_prefix;          ///< of the security group of a DFSP that has none of its own
};

struct Outcome {
  store::Import import = {};
  Report report = {};
};

/// What a Connection Manager 3.4.0 holds, judged by our rules. What they refuse is left out, and each thing that is
/// left out or stored otherwise than it was stands in the report. Where MCM keeps what is INVALID, so does this.
/// Errors: bad_request: a table or column is missing: it is the dump of something else; or two rows of a table have one
/// id.
Result<Outcome> read_mcm(const MysqlDump& dump, const VaultExport& vault, const Rules& rules, TimePoint now);

}  // namespace hubseal::agent::mcm
