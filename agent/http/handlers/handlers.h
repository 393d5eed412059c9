/// The operations that the agent serves. Each file here turns JSON into a service call and its
/// result into the JSON that clients know.
#pragma once

#include <vector>

#include "agent/http/router.h"

namespace hubseal::agent {
class BrowserSessions;
class Dfsps;
class HubCa;
class InboundEnrollments;
class Pki;
class SigningDaemon;
namespace auth {
class BrowserLogin;
}
namespace store {
class Database;
}
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
  InboundEnrollments& inbound_enrollments;
  const BrowserAuth* browser_auth = nullptr;  ///< null: people cannot log in
};

void add_browser_auth(std::vector<Route>& routes, const Services& services);
void add_health(std::vector<Route>& routes, const Services& services);
void add_hub_ca(std::vector<Route>& routes, const Services& services);
void add_pki(std::vector<Route>& routes, const Services& services);
void add_dfsps(std::vector<Route>& routes, const Services& services);
void add_inbound_enrollments(std::vector<Route>& routes, const Services& services);

std::vector<Route> all_routes(const Services& services);

}  // namespace hubseal::agent::http
