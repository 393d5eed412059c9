#include "agent/http/handlers/handlers.h"

#include "agent/http/handlers/conditional.h"

namespace hubseal::agent::http {

std::vector<Route> all_routes(const Services& services) {
  std::vector<Route> routes;
  add_browser_auth(routes, services);
  add_health(routes, services);
  add_hub_ca(routes, services);
  add_pki(routes, services);
  add_portal_config(routes, services);
  add_dfsps(routes, services);
  add_dfsp_ca(routes, services);
  add_dfsp_server_certs(routes, services);
  add_inbound_enrollments(routes, services);
  add_endpoint_items(routes, services);
  add_endpoint_documents(routes, services);
  add_connectivity(routes, services);
  add_monetary_zones(routes, services);
  add_outbound_enrollments(routes, services);
  add_onboarding(routes, services);
  add_jws_keys(routes, services);
  add_jwks(routes, services);
  add_jws_consumers(routes, services);
  add_hub_jws_key(routes, services);
  add_hub_server_certs(routes, services);
  add_credentials(routes, services);
  make_conditional(routes);
  add_documentation(routes);  // of all that is there by then, and how
  return routes;
}

std::string with_milliseconds(std::string utc) {
  if (utc.ends_with('Z')) utc.replace(utc.size() - 1, 1, ".000Z");
  return utc;
}

}  // namespace hubseal::agent::http
