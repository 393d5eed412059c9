#include "agent/service/onboarding.h"

#include "agent/http/handlers/handlers.h"
#include "agent/service/dfsps.h"

namespace hubseal::agent::http {
namespace {

Outcome onboard(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  TRY(services.onboarding.publish(request.caller, request.param("dfspId")));
  return ok(Json::object());
}

}  // namespace

void add_onboarding(std::vector<Route>& routes, const Services& services) {
  routes.push_back({.method = "POST",
                    .path = "/api/dfsps/{dfspId}/onboard",
                    .handler = [services](const Request& request) { return onboard(services, request); },
                    .roles = {Role::pta}});
}

}  // namespace hubseal::agent::http
