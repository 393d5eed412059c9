#include <string>

#include "agent/auth/browser_login.h"
#include "agent/http/handlers/handlers.h"

namespace hubseal::agent::http {
namespace {

/// As the browser that asks knows this server: by the address at which people log in, where they do, and otherwise by
/// the one that it has asked for.
std::string own_origin(const Services& services, const Request& request) {
  if (services.browser_auth) return services.browser_auth->login.origin();
  return (services.has_tls ? "https://" : "http://") + request.host.value_or("localhost");
}

Outcome portal_config(const Services& services, const Request& request) {
  const std::string origin = own_origin(services, request);
  const std::string auth = origin + "/api/auth";
  return ok({{"API_BASE_URL", origin},
             {"AUTH_ENABLED", services.asks_who ? "TRUE" : "FALSE"},
             {"CHECK_SESSION_URL", auth + "/profile"},
             {"LOGIN_URL", auth + "/login"},
             {"LOGIN_PROVIDER", ""},
             {"LOGOUT_URL", auth + "/logout"}});
}

}  // namespace

/// What the operators' portal reads before anything else, hence before anybody has logged in.
void add_portal_config(std::vector<Route>& routes, const Services& services) {
  for (const char* path : {"/config", "/api/config"})
    routes.push_back({.method = "GET",
                      .path = path,
                      .handler = [services](const Request& request) { return portal_config(services, request); },
                      .roles = {Role::anybody}});
}

}  // namespace hubseal::agent::http
