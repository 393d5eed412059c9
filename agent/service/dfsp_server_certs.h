#pragma once

#include <string_view>
#include <vector>

#include "agent/service/caller.h"
#include "agent/service/validation.h"
#include "agent/store/dfsp_server_cert_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

/// What the DFSPs' TLS servers show. Callers have made sure that the DFSP exists.
class DfspServerCerts {
 public:
  using ServerCert = store::DfspServerCert;

  DfspServerCerts(store::DfspServerCertTable& table, const Clock& clock, ValidationRules rules)
      : table_(table), clock_(clock), rules_(rules) {}

  Result<std::vector<ServerCert>> list() { return table_.list(); }
  /// Errors: not_found.
  Result<ServerCert> get(std::string_view dfsp_id);
  /// Judges `wanted` and stores it, good or bad, in place of what was there; a repetition changes nothing.
  /// Errors: bad_request, too_large: a text that holds something else than certificates.
  Result<ServerCert> put(const Caller& caller, ServerCert wanted);
  /// Whether there was one or not.
  Result<> remove(const Caller& caller, std::string_view dfsp_id);

 private:
  store::DfspServerCertTable& table_;
  const Clock& clock_;
  const ValidationRules rules_;
};

}  // namespace hubseal::agent
