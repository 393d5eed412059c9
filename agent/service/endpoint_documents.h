#pragma once

#include <string>
#include <vector>

#include "agent/service/caller.h"
#include "agent/service/endpoint_values.h"
#include "agent/store/endpoint_document_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

/// Where DFSPs send from and receive, as their connectors upload it: the latest document counts, for gateways the
/// latest that is confirmed, and an upload of what it says already changes nothing. Callers have made sure that the
/// DFSP exists.
class EndpointDocuments {
 public:
  using Document = store::EndpointDocument;

  EndpointDocuments(store::EndpointDocumentTable& table, const Clock& clock) : table_(table), clock_(clock) {}

  /// Errors: bad_request.
  Result<Document> set_ingress(const Caller& caller, const std::string& dfsp_id, const UrlEntry& entry);
  Result<Document> set_egress(const Caller& caller, const std::string& dfsp_id, const std::vector<IpEntry>& entries);
  /// `direction` is "INGRESS" or "EGRESS". Errors: not_found.
  Result<Document> latest(const std::string& dfsp_id, const std::string& direction);
  /// What the hub's gateways may be told of; a document never changes, so that what was read is what is confirmed.
  /// Errors: not_found.
  Result<Document> confirm(const Caller& caller, const std::string& dfsp_id, const std::string& direction,
                           std::int64_t id);

 private:
  Result<Document> store(const Caller& caller, Document document);

  store::EndpointDocumentTable& table_;
  const Clock& clock_;
};

}  // namespace hubseal::agent
