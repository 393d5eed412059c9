#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// What a DFSP says its CA is. PEM texts as they came, empty where there is none; the JSON as it was computed.
struct DfspCa {
  std::string root_certificate;
  std::string intermediate_chain;
  std::string validations_json;
  std::string validation_state;  ///< "VALID" or "INVALID"

  bool operator==(const DfspCa&) const = default;
};

/// Threads: share it freely. Errors: storage_unavailable.
class DfspCaTable {
 public:
  explicit DfspCaTable(Database& database) : database_(database) {}

  Result<std::optional<DfspCa>> find(std::string_view dfsp_id);
  /// Replaces what was there.
  Result<> put(std::string_view dfsp_id, const DfspCa& ca, TimePoint now);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
