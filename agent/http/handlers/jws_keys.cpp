#include "agent/service/jws_keys.h"

#include "agent/http/handlers/handlers.h"
#include "agent/http/handlers/json_text.h"
#include "agent/http/handlers/jws_key_json.h"
#include "agent/service/dfsps.h"
#include "agent/service/jws_key_proof.h"

namespace hubseal::agent::http {
namespace {

void write(ObjectText& item, const store::JwsKey& key) {
  item.text("dfspId", key.dfsp_id);
  item.text("publicKey", key.public_key);
  item.optional_json("createdAt", key.created_at_json);
  item.json("validations", key.validations_json);
  item.text("validationState", key.validation_state);
  // MCM's object ends here.
  if (key.possession != store::kUnproven) item.text("possession", key.possession);
  item.optional_text("certificate", key.certificate);
  item.optional_text("intermediateChain", key.intermediate_chain);
}

/// For its owner and the hub.
void write_whole(ObjectText& item, const store::JwsKey& key) {
  write(item, key);
  item.optional_text("overrideBy", key.override_by);
  item.optional_text("override", key.override_reason);
}

std::optional<std::string> text(const Json& body, const char* member) {
  const auto found = body.find(member);
  return found == body.end() ? std::nullopt : std::optional(found->get<std::string>());
}

JwsKeys::Sent sent_key(const Json& body, std::string dfsp_id) {
  JwsKeys::Sent sent{std::move(dfsp_id), text(body, "publicKey"), std::nullopt};
  if (const auto found = body.find("createdAt"); found != body.end()) sent.created_at_json = dump_json(*found);
  return sent;
}

Outcome get(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  return ok_object(TRY(services.jws_keys.get(request.param("dfspId"))), write_whole);
}

Outcome challenge(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  const auto challenge = TRY(services.jws_keys.challenge(request.param("dfspId")));
  return ok({{"hubId", challenge.hub_id},
             {"dfspId", request.param("dfspId")},
             {"nonce", challenge.nonce},
             {"expiresAt", with_milliseconds(format_utc(challenge.expires_at))}});
}

Outcome put(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  JwsKeys::Sent sent = sent_key(request.body, request.param("dfspId"));
  sent.certificate = text(request.body, "certificate");
  sent.intermediate_chain = text(request.body, "intermediateChain");
  sent.nonce = text(request.body, "nonce");
  sent.proof = text(request.body, "proof");
  sent.proof_by_current_key = text(request.body, "proofByCurrentKey");
  sent.override_reason = text(request.body, "override");
  return ok_object(TRY(services.jws_keys.put(request.caller, sent)), write_whole);
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

/// What a participant sends of its own key: a publicKey, or a certificate, which the service sees to.
Schema participants_key_schema() {
  Schema schema = jws_key_schema();
  schema.front().required = false;
  schema.push_back({.name = "certificate", .max_bytes = kMaxJwsCertificateBytes, .min_bytes = 1});
  schema.push_back({.name = "intermediateChain", .max_bytes = kMaxJwsChainBytes, .min_bytes = 1});
  schema.push_back({.name = "nonce", .max_bytes = 64, .min_bytes = 1});
  for (const char* member : {"proof", "proofByCurrentKey"})
    schema.push_back({.name = member, .max_bytes = kMaxProofBytes, .min_bytes = 1});
  schema.push_back({.name = "override", .max_bytes = kMaxOverrideBytes, .min_bytes = 1});
  return schema;
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
  Schema external = jws_key_schema();
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
  routes.push_back({.method = "GET",
                    .path = path + "/challenge",
                    .handler = [services](const Request& request) { return challenge(services, request); },
                    .roles = owners,
                    .has_etag = false});
  for (const char* method : {"POST", "PUT"})
    routes.push_back({.method = method,
                      .path = path,
                      .handler = [services](const Request& request) { return put(services, request); },
                      .roles = owners,
                      .takes_body = true,
                      .body = participants_key_schema()});
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
