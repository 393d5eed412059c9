// JSON Web Key Sets (RFC 7517) of those whose messages are verified.
#include "agent/http/handlers/handlers.h"
#include "agent/service/verification_keys.h"

namespace hubseal::agent::http {
namespace {

Outcome get(VerificationKeys& keys, const Request& request) {
  const VerificationKeys::Owner owner = TRY(keys.of(request.param("fspId")));
  Json set = Json::array();
  for (const VerificationKeys::Key& key : owner.keys) set.push_back(key.jwk);
  Answer answer = ok({{"keys", std::move(set)}});
  answer.content_type = "application/jwk-set+json";
  return answer;
}

}  // namespace

void add_jwks(std::vector<Route>& routes, const Services& services) {
  routes.push_back(
      {.method = "GET",
       .path = "/api/jwks/{fspId}",
       .handler = [&keys = services.verification_keys](const Request& request) { return get(keys, request); },
       .roles = {Role::mta, Role::pta, Role::dfsp, Role::service}});
}

}  // namespace hubseal::agent::http
