#include "agent/service/credentials.h"

#include <fmt/format.h>

#include "agent/auth/wiped.h"
#include "agent/http/handlers/handlers.h"
#include "agent/service/dfsps.h"
#include "common/log.h"

namespace hubseal::agent::http {
namespace {

constexpr int kRetryAfterSeconds = 5;

Answer shown(const auth::Credential& credential, int status) {
  Json body = {{"clientId", credential.client_id},
               {"clientSecret", std::string(credential.secret.c_str(), credential.secret.size())}};
  if (credential.created_at) body["createdAt"] = with_milliseconds(format_utc(*credential.created_at));
  Answer answer = ok(body, status);
  answer.secret = true;
  auth::wipe(body["clientSecret"].get_ref<std::string&>());
  return answer;
}

/// A provider that is away is not this server's fault, nor what was asked.
Answer unavailable(const Error& error, const std::string& correlation_id) {
  log::error("credentials could not be had", {{"correlation", correlation_id}, {"problem", error.message}});
  Answer answer =
      framework_error(503, "the identity provider cannot be asked at the moment; try again later", {}, correlation_id);
  answer.retry_after_seconds = kRetryAfterSeconds;
  return answer;
}

using Get = Result<auth::Credential> (Credentials::*)(const Caller&, std::string_view);

Outcome answer(const Services& services, const Request& request, Get get, int status) {
  const std::string& dfsp_id = request.param("dfspId");
  TRY(services.dfsps.require(dfsp_id));
  if (!services.credentials)
    return fail(Code::not_found, fmt::format("there are no credentials for DFSP {}: the hub has set up no Keycloak "
                                             "([keycloak] of agent.toml)",
                                             dfsp_id));
  const auto credential = (services.credentials->*get)(request.caller, dfsp_id);
  if (credential) return shown(*credential, status);
  if (credential.error().code == Code::internal) return unavailable(credential.error(), request.caller.correlation_id);
  return tl::unexpected(Problem(credential.error()));
}

}  // namespace

void add_credentials(std::vector<Route>& routes, const Services& services) {
  const std::string path = "/api/dfsps/{dfspId}/credentials";
  routes.push_back(
      {.method = "GET",
       .path = path,
       .handler = [services](const Request& request) { return answer(services, request, &Credentials::get, 200); },
       .roles = {Role::dfsp},
       .has_etag = false});
  routes.push_back(
      {.method = "POST",
       .path = path,
       .handler = [services](const Request& request) { return answer(services, request, &Credentials::renew, 201); },
       .roles = {Role::dfsp}});
}

}  // namespace hubseal::agent::http
