#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// Where a DFSP receives, or from where it sends, as its connector uploaded it.
struct EndpointDocument {
  std::int64_t id = 0;
  std::string dfsp_id = {};
  std::string direction = {};   ///< "INGRESS" or "EGRESS"
  std::string value_json = {};  ///< members always in the same order
  std::string created_at = {};  ///< as format_utc writes it
};

/// Of one DFSP and direction; the oldest goes when one more comes.
constexpr int kKeptEndpointDocuments = 20;

/// Threads: share it freely. Errors: storage_unavailable.
class EndpointDocumentTable {
 public:
  explicit EndpointDocumentTable(Database& database) : database_(database) {}

  /// Adds it under a new number and returns it, or returns the latest one where that says the same.
  Result<EndpointDocument> add(EndpointDocument document, TimePoint now);
  Result<std::optional<EndpointDocument>> latest(const std::string& dfsp_id, const std::string& direction);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
