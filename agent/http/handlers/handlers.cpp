#include "agent/http/handlers/handlers.h"

namespace hubseal::agent::http {

std::vector<Route> all_routes(const Services& services) {
  std::vector<Route> routes;
  add_browser_auth(routes, services);
  add_health(routes, services);
  add_hub_ca(routes, services);
  add_pki(routes, services);
  add_dfsps(routes, services);
  add_inbound_enrollments(routes, services);
  return routes;
}

}  // namespace hubseal::agent::http
