#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// How many enrollments are in a state.
struct EnrollmentCount {
  std::string direction;  ///< "inbound" or "outbound"
  std::string state;
  std::int64_t count = 0;
};

/// A certificate that a participant depends on.
struct CertificateInUse {
  std::string dfsp_id;
  std::string what;  ///< "client" (its own), "hub_client" (the hub's towards it), "ca", "server"
  std::string pem;
};

/// What all participants have, for those who watch over it.
/// Threads: share it freely. Errors: storage_unavailable.
class OverviewTable {
 public:
  explicit OverviewTable(Database& database) : database_(database) {}

  Result<std::vector<EnrollmentCount>> enrollments();
  /// Of each kind the one that counts: the newest.
  Result<std::vector<CertificateInUse>> certificates();
  /// Of participants' keys for JWS that are VALID: "unproven", "proven" and "certified", and how many there are.
  Result<std::vector<std::pair<std::string, std::int64_t>>> jws_keys();
  /// What the hub's own servers show, PEM; nothing where there is none.
  Result<std::optional<std::string>> hub_server_certificate();

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
