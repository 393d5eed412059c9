#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// What a DFSP says its TLS server shows. PEM texts as they came; the JSON as it was computed.
struct DfspServerCert {
  std::string dfsp_id;
  std::optional<std::string> root_certificate;
  std::optional<std::string> intermediate_chain;
  std::string server_certificate;
  std::string validations_json;
  std::string validation_state;  ///< "VALID" or "INVALID"

  bool operator==(const DfspServerCert&) const = default;
};

/// Threads: share it freely. Errors: storage_unavailable.
class DfspServerCertTable {
 public:
  explicit DfspServerCertTable(Database& database) : database_(database) {}

  Result<std::optional<DfspServerCert>> find(std::string_view dfsp_id);
  /// In the order in which the DFSPs were added.
  Result<std::vector<DfspServerCert>> list();
  /// Replaces what was there.
  Result<> put(const DfspServerCert& certificate, TimePoint now);
  Result<> remove(std::string_view dfsp_id);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
