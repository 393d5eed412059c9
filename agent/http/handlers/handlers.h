/// The operations that the agent serves. Each file here turns JSON into a service call and its
/// result into the JSON that clients know.
#pragma once

#include <vector>

#include "agent/http/router.h"

namespace hubseal::agent {
class DfspCas;
class DfspServerCerts;
class Dfsps;
class HubCa;
class HubJwsKey;
class InboundEnrollments;
class JwsKeys;
class OutboundEnrollments;
class Pki;
class SigningDaemon;
namespace store {
class Database;
}
}  // namespace hubseal::agent

namespace hubseal::agent::http {

/// What handlers work with; all of it outlives the routes.
struct Services {
  store::Database& database;
  SigningDaemon& health_daemon;  ///< asked with a short deadline
  HubCa& hub_ca;
  Pki& pki;
  Dfsps& dfsps;
  DfspCas& dfsp_cas;
  DfspServerCerts& dfsp_server_certs;
  InboundEnrollments& inbound_enrollments;
  OutboundEnrollments& outbound_enrollments;
  JwsKeys& jws_keys;
  HubJwsKey& hub_jws_key;
};

void add_health(std::vector<Route>& routes, const Services& services);
void add_hub_ca(std::vector<Route>& routes, const Services& services);
void add_pki(std::vector<Route>& routes, const Services& services);
void add_dfsp_ca(std::vector<Route>& routes, const Services& services);
void add_dfsp_server_certs(std::vector<Route>& routes, const Services& services);
void add_dfsps(std::vector<Route>& routes, const Services& services);
void add_inbound_enrollments(std::vector<Route>& routes, const Services& services);
void add_outbound_enrollments(std::vector<Route>& routes, const Services& services);
void add_hub_jws_key(std::vector<Route>& routes, const Services& services);
void add_jws_keys(std::vector<Route>& routes, const Services& services);

std::vector<Route> all_routes(const Services& services);

}  // namespace hubseal::agent::http
