#include "agent/service/hub_server_certs.h"

#include "agent/http/handlers/handlers.h"
#include "agent/http/handlers/server_cert_body.h"
#include "agent/service/certificate.h"
#include "agent/service/pkcs11_uri.h"
#include "agent/service/x509_info.h"

namespace hubseal::agent::http {
namespace {

using Shown = HubServerCerts::Shown;

/// Clients know the serial number of this one certificate with colons: "4f:1c:0a".
std::string with_colons(const std::string& hex) {
  std::string text;
  for (std::size_t i = 0; i < hex.size(); ++i) text.append(i > 0 && i % 2 == 0 ? ":" : "").append(1, hex[i]);
  return text;
}

Result<Json> info_of(const std::string& pem) {
  const Certificate certificate = TRY(Certificate::parse(pem));
  return certificate_info(certificate.get());
}

Result<Json> to_json(const store::HubServerCert& stored) {
  Json item = Json::object();
  if (stored.root_certificate) {
    item["rootCertificate"] = *stored.root_certificate;
    item["rootCertificateInfo"] = TRY(info_of(*stored.root_certificate));
  }
  if (!stored.chain.empty()) {
    item["intermediateChain"] = stored.chain;
    for (const std::string& one : stored.chain) item["intermediateChainInfo"].push_back(TRY(info_of(one)));
  }
  item["serverCertificate"] = stored.server_certificate;
  Json info = TRY(info_of(stored.server_certificate));
  info["serialNumber"] = with_colons(info["serialNumber"].get<std::string>());
  item["serverCertificateInfo"] = std::move(info);
  item["validations"] = Json::parse(stored.validations_json);
  item["validationState"] = stored.validation_state;
  return item;
}

/// Where the key is and who has to agree is for the hub's own people.
Outcome show(const Request& request, const Result<Shown>& found) {
  const Shown shown = TRY(found);
  const auto& identity = request.caller.identity;
  const bool hubs_own = !identity || identity->is(Role::pta);
  if (!shown.in_use && !hubs_own) return fail(Code::not_found, "the hub has no server certificate yet");
  Json item = shown.in_use ? TRY(to_json(*shown.in_use))
                           : Json{{"validations", Json::array()}, {"validationState", "NOT_AVAILABLE"}};
  if (!hubs_own) return ok(item);
  if (shown.in_use && shown.in_use->key_label) item["keyUri"] = private_key_uri("", *shown.in_use->key_label);
  if (shown.approval_json) item["approval"] = Json::parse(*shown.approval_json);
  return ok(item);
}

Result<Shown> make(HubServerCerts& certs, const Request& request) { return certs.make(request.caller); }

Result<Shown> renew(HubServerCerts& certs, const Request& request) {
  return certs.renew(request.caller, request.body.value("anew", false));
}

/// A body with a certificate brings it; any other has one made.
Outcome put(HubServerCerts& certs, const Request& request, Result<Shown> (*make)(HubServerCerts&, const Request&)) {
  if (const auto certificate = request.text("serverCertificate"))
    return show(request, certs.bring(request.caller, {.certificate = *certificate,
                                                      .root = request.text("rootCertificate").value_or(""),
                                                      .chain = chain_of(request.body).value_or("")}));
  return show(request, make(certs, request));
}

/// It says how people revoke what is not used any more.
Outcome remove(HubServerCerts& certs, const Request& request) {
  const std::string command = TRY(certs.remove(request.caller));
  Answer answer = empty_ok();
  if (!command.empty()) answer.headers.emplace_back("X-Not-Revoked", command);
  return answer;
}

}  // namespace

void add_hub_server_certs(std::vector<Route>& routes, const Services& services) {
  HubServerCerts& certs = services.hub_server_certs;
  const std::string path = "/api/hub/servercerts";
  routes.push_back({.method = "GET",
                    .path = path,
                    .handler = [&certs](const Request& request) { return show(request, certs.get(request.caller)); },
                    .roles = {Role::everyone},
                    .has_etag = false});  // what people have agreed to is issued when somebody reads it
  const Schema bring = server_cert_schema(false);
  Schema renew_or_bring = bring;
  renew_or_bring.push_back({.name = "anew", .type = Type::boolean});
  for (const auto& [method, make, body] : {std::tuple("POST", &make, bring), {"PUT", &renew, renew_or_bring}})
    routes.push_back({.method = method,
                      .path = path,
                      .handler = [&certs, make = make](const Request& request) { return put(certs, request, make); },
                      .roles = {Role::pta},
                      .takes_body = true,
                      .body_may_be_missing = true,
                      .body = body});
  routes.push_back({.method = "DELETE",
                    .path = path,
                    .handler = [&certs](const Request& request) { return remove(certs, request); },
                    .roles = {Role::pta}});
}

}  // namespace hubseal::agent::http
