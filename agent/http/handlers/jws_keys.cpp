#include "agent/service/jws_keys.h"

#include "agent/http/handlers/handlers.h"
#include "agent/http/handlers/json_text.h"
#include "agent/http/handlers/jws_key_json.h"
#include "agent/service/dfsps.h"

namespace hubseal::agent::http {
namespace {

void write(ObjectText& item, const store::JwsKey& key) {
  item.text("dfspId", key.dfsp_id);
  item.text("publicKey", key.public_key);
  item.optional_json("createdAt", key.created_at_json);
  item.json("validations", key.validations_json);
  item.text("validationState", key.validation_state);
}

JwsKeys::Sent sent_key(const Json& body, std::string dfsp_id) {
  JwsKeys::Sent sent{std::move(dfsp_id), body["publicKey"].get<std::string>(), std::nullopt};
  if (const auto found = body.find("createdAt"); found != body.end()) sent.created_at_json = dump_json(*found);
  return sent;
}

Outcome get(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  return ok_jws_key(TRY(services.jws_keys.get(request.param("dfspId"))));
}

Outcome put(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  return ok_jws_key(TRY(services.jws_keys.put(request.caller, sent_key(request.body, request.param("dfspId")))));
}

Outcome remove(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  TRY(services.jws_keys.remove(request.caller, request.param("dfspId")));
  return no_content();
}

/// X-DFSP-ID names the proxy that brings them; with a DFSP's login, none but that DFSP.
Outcome put_external(const Services& services, const Request& request) {
  const auto& identity = request.caller.identity;
  if (identity && !identity->is(Role::pta) &&
      !(request.x_dfsp_id && TRY(services.dfsps.is_own(*identity, *request.x_dfsp_id))))
    return fail(Code::forbidden, "X-DFSP-ID names no DFSP of this login; wanted the one that brings the keys");
  if (request.x_dfsp_id) TRY(services.dfsps.require_proxy(*request.x_dfsp_id));
  std::vector<JwsKeys::Sent> sent;
  for (const Json& item : request.body) {
    sent.push_back(sent_key(item, item["dfspId"].get<std::string>()));
    if (!sent.back().created_at_json) sent.back().created_at_json = "0";  // as clients know it
  }
  return ok_array(TRY(services.jws_keys.put_external(request.caller, sent, request.x_dfsp_id)), write);
}

}  // namespace

Answer ok_jws_key(const store::JwsKey& key) { return ok_object(key, write); }

Schema jws_key_schema() {
  return {{.name = "publicKey", .required = true, .max_bytes = kMaxJwsKeyBytes, .min_bytes = 1},
          {.name = "createdAt", .type = Type::number}};
}

void add_jws_keys(std::vector<Route>& routes, const Services& services) {
  const std::string path = "/api/dfsps/{dfspId}/jwscerts";
  const std::vector<Role> dfsp_too = {Role::mta, Role::pta, Role::dfsp};
  // Whose key it is says who somebody is: its owner brings it, or the hub's administrators do.
  const std::vector<Role> owners = {Role::pta, Role::dfsp};
  const Schema key = jws_key_schema();
  Schema external = key;
  external.push_back({.name = "dfspId", .required = true, .max_bytes = 64, .min_bytes = 1});
  routes.push_back({.method = "GET",
                    .path = "/api/dfsps/jwscerts",
                    .handler = [services](const Request& request) -> Outcome {
                      return ok_array(request.page.of(TRY(services.jws_keys.list())), write);
                    },
                    .roles = dfsp_too,
                    .paged = true});
  routes.push_back({.method = "GET",
                    .path = path,
                    .handler = [services](const Request& request) { return get(services, request); },
                    .roles = dfsp_too});
  for (const char* method : {"POST", "PUT"})
    routes.push_back({.method = method,
                      .path = path,
                      .handler = [services](const Request& request) { return put(services, request); },
                      .roles = owners,
                      .takes_body = true,
                      .body = key});
  routes.push_back({.method = "DELETE",
                    .path = path,
                    .handler = [services](const Request& request) { return remove(services, request); },
                    .roles = owners});
  routes.push_back({.method = "POST",
                    .path = "/api/external-dfsps/jwscerts",
                    .handler = [services](const Request& request) { return put_external(services, request); },
                    .roles = {Role::pta, Role::dfsp},
                    .takes_body = true,
                    .body = external,
                    .body_is_list = true});
}

}  // namespace hubseal::agent::http
