/// The operations that the agent serves. Each file here turns JSON into a service call and its
/// result into the JSON that clients know.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/http/router.h"

namespace hubseal::agent {
class Connectivity;
class Credentials;
class DfspCas;
class DfspServerCerts;
class BrowserSessions;
class Dfsps;
class EndpointDocuments;
class EndpointItems;
class HubCa;
class HubJwsKey;
class HubServerCerts;
class InboundEnrollments;
class MonetaryZones;
class JwsKeys;
class Onboarding;
class OutboundEnrollments;
class Pki;
class SigningDaemon;
class VerificationKeys;
class KeyConsumers;
namespace auth {
class BrowserLogin;
}
namespace store {
class Database;
struct Dfsp;
}  // namespace store
}  // namespace hubseal::agent

namespace hubseal::agent::http {

/// What logins of people with browsers need.
struct BrowserAuth {
  auth::BrowserLogin& login;
  BrowserSessions& sessions;
};

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
  EndpointItems& endpoint_items;
  EndpointDocuments& endpoint_documents;
  Connectivity& connectivity;
  MonetaryZones& monetary_zones;
  OutboundEnrollments& outbound_enrollments;
  Onboarding& onboarding;
  JwsKeys& jws_keys;
  VerificationKeys& verification_keys;
  KeyConsumers& key_consumers;
  HubJwsKey& hub_jws_key;
  HubServerCerts& hub_server_certs;
  const BrowserAuth* browser_auth = nullptr;  ///< null: people cannot log in
  Credentials* credentials = nullptr;         ///< null: there is no [keycloak]
  bool asks_who = false;                      ///< callers must say who they are
  bool has_tls = false;                       ///< the listener
};

void add_browser_auth(std::vector<Route>& routes, const Services& services);
void add_health(std::vector<Route>& routes, const Services& services);
Route health_route(std::string path, store::Database& database, SigningDaemon& daemon);
void add_hub_ca(std::vector<Route>& routes, const Services& services);
void add_portal_config(std::vector<Route>& routes, const Services& services);
void add_pki(std::vector<Route>& routes, const Services& services);
void add_credentials(std::vector<Route>& routes, const Services& services);
void add_dfsp_ca(std::vector<Route>& routes, const Services& services);
void add_dfsp_server_certs(std::vector<Route>& routes, const Services& services);
void add_dfsps(std::vector<Route>& routes, const Services& services);
void add_inbound_enrollments(std::vector<Route>& routes, const Services& services);
void add_endpoint_items(std::vector<Route>& routes, const Services& services);
void add_endpoint_documents(std::vector<Route>& routes, const Services& services);
void add_connectivity(std::vector<Route>& routes, const Services& services);
void add_monetary_zones(std::vector<Route>& routes, const Services& services);
void add_outbound_enrollments(std::vector<Route>& routes, const Services& services);
void add_onboarding(std::vector<Route>& routes, const Services& services);
void add_hub_jws_key(std::vector<Route>& routes, const Services& services);
void add_hub_server_certs(std::vector<Route>& routes, const Services& services);
void add_jws_keys(std::vector<Route>& routes, const Services& services);
void add_jwks(std::vector<Route>& routes, const Services& services);
void add_jws_consumers(std::vector<Route>& routes, const Services& services);
/// Last: it describes the routes that are there.
void add_documentation(std::vector<Route>& routes);

std::vector<Route> all_routes(const Services& services);

/// Of the listener for metrics, which has no others.
std::vector<Route> metrics_routes(std::function<std::string()> page, store::Database& database, SigningDaemon& daemon);

/// Participants as clients know them.
Answer ok_dfsps(const std::vector<store::Dfsp>& dfsps);

/// "2026-11-30T08:00:00Z" with the milliseconds that clients know.
std::string with_milliseconds(std::string utc);

}  // namespace hubseal::agent::http
