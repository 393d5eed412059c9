#include "agent/service/dfsp_cas.h"

#include <algorithm>

#include "agent/http/handlers/handlers.h"
#include "agent/service/dfsps.h"

namespace hubseal::agent::http {
namespace {

/// Where nothing was sent nothing was looked at, and that is no proof of anything.
Json to_json(const store::DfspCa& ca) {
  Json validations = Json::parse(ca.validations_json);
  const bool looked = std::any_of(validations.begin(), validations.end(),
                                  [](const Json& validation) { return validation["performed"].get<bool>(); });
  return {{"rootCertificate", ca.root_certificate},
          {"intermediateChain", ca.intermediate_chain},
          {"validations", std::move(validations)},
          {"validationState", looked ? ca.validation_state : "NOT_AVAILABLE"}};
}

Outcome get(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  const auto ca = TRY(services.dfsp_cas.find(request.param("dfspId")));
  if (ca) return ok(to_json(*ca));
  // Clients know this form, not a 404.
  return ok({{"rootCertificate", nullptr},
             {"intermediateChain", nullptr},
             {"validations", Json::array()},
             {"validationState", "NOT_AVAILABLE"}});
}

Outcome put(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  return ok(to_json(
      TRY(services.dfsp_cas.put(request.caller, request.param("dfspId"), request.text("rootCertificate").value_or(""),
                                request.text("intermediateChain").value_or("")))));
}

}  // namespace

void add_dfsp_ca(std::vector<Route>& routes, const Services& services) {
  const std::string path = "/api/dfsps/{dfspId}/ca";
  const std::vector<Role> roles = {Role::mta, Role::pta, Role::dfsp};
  // Whose key it is says who somebody is: its owner brings it, or the hub's administrators do.
  const std::vector<Role> owners = {Role::pta, Role::dfsp};
  routes.push_back({.method = "GET",
                    .path = path,
                    .handler = [services](const Request& request) { return get(services, request); },
                    .roles = roles});
  // A connector whose own CA is not made yet sends {}, one whose CA is a root sends a null chain.
  routes.push_back({.method = "POST",
                    .path = path,
                    .handler = [services](const Request& request) { return put(services, request); },
                    .roles = owners,
                    .takes_body = true,
                    .body = {{.name = "rootCertificate", .max_bytes = kMaxCertificateBytes, .nullable = true},
                             {.name = "intermediateChain", .max_bytes = kMaxChainBytes, .nullable = true}}});
}

}  // namespace hubseal::agent::http
