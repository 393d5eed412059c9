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
  bool confirmed = false;       ///< somebody of the hub has agreed to what it says
};

/// Of one DFSP and direction; the oldest goes when one more comes, but not the newest that is confirmed.
constexpr int kKeptEndpointDocuments = 20;

/// Threads: share it freely. Errors: storage_unavailable.
class EndpointDocumentTable {
 public:
  explicit EndpointDocumentTable(Database& database) : database_(database) {}

  /// Adds it under a new number and returns it, or returns the latest one where that says the same.
  Result<EndpointDocument> add(EndpointDocument document, TimePoint now);
  Result<std::optional<EndpointDocument>> latest(const std::string& dfsp_id, const std::string& direction);
  Result<std::optional<EndpointDocument>> latest_confirmed(const std::string& dfsp_id, const std::string& direction);
  /// Nothing where there is no such document of this DFSP and direction.
  Result<std::optional<EndpointDocument>> confirm(const std::string& dfsp_id, const std::string& direction,
                                                  std::int64_t id, TimePoint now);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
