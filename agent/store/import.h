#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/store/connectivity_table.h"
#include "agent/store/dfsp_ca_table.h"
#include "agent/store/dfsp_server_cert_table.h"
#include "agent/store/dfsp_table.h"
#include "agent/store/endpoint_document_table.h"
#include "agent/store/endpoint_item_table.h"
#include "agent/store/inbound_enrollment_table.h"
#include "agent/store/jws_key_table.h"
#include "agent/store/location.h"
#include "agent/store/outbound_enrollment_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

/// What another program's store holds, judged and ready, under the numbers that clients know.
struct Import {
  struct Participant {
    Dfsp dfsp;
    std::int64_t number;
    std::optional<std::string> ping_status;
    std::string ping_status_at;
  };
  struct Inbound {
    InboundEnrollment enrollment;
    std::string canonical_csr;
  };
  struct Key {
    JwsKey key;
    bool native;
    std::optional<std::string> source = {};
  };
  /// The highest numbers that were ever given out: what comes next gets others.
  struct Counters {
    std::int64_t dfsp = 0;
    std::int64_t enrollment = 1;
    std::int64_t hub_endpoint_item = 0;
    std::int64_t dfsp_endpoint_item = 0;
    std::int64_t dfsp_endpoint = 0;
  };

  std::vector<Participant> participants = {};
  std::vector<EndpointItem> items = {};
  std::vector<EndpointDocument> documents = {};
  std::vector<std::pair<std::string, ConnectorState>> states = {};  ///< with the DFSP's id
  std::vector<std::pair<std::string, DfspCa>> cas = {};
  std::vector<DfspServerCert> server_certs = {};
  std::vector<Inbound> inbound = {};
  std::vector<OutboundEnrollment> outbound = {};  ///< their keys are not in the HSM: none is ever the one to use
  std::vector<Key> keys = {};
  Counters counters = {};
};

/// The currencies that a participant's zone may be. Errors: storage_unavailable.
Result<std::set<std::string>> currencies();

/// Puts all of it into the database, which holds nothing yet and which nobody else uses, or none of it; with `rehearse`
/// none of it either, after all was done. Errors: conflict (in use, not empty), storage_unavailable.
Result<> store(const Import& all, const Location& location, TimePoint now, bool rehearse);

}  // namespace hubseal::agent::store
