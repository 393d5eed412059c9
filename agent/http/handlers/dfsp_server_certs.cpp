#include "agent/service/dfsp_server_certs.h"

#include "agent/http/handlers/handlers.h"
#include "agent/http/handlers/json_text.h"
#include "agent/http/handlers/server_cert_body.h"
#include "agent/service/certificate.h"
#include "agent/service/dfsps.h"
#include "agent/service/x509_info.h"

namespace hubseal::agent::http {
namespace {

using ServerCert = store::DfspServerCert;

/// An empty text has an empty text for its info, as clients know it.
Json info_of(const std::optional<Certificate>& certificate) {
  return certificate ? certificate_info(certificate->get()) : Json("");
}

Result<Json> to_json(const ServerCert& stored) {
  const CaChain ca = TRY(CaChain::parse(stored.root_certificate.value_or(""), stored.intermediate_chain.value_or("")));
  const Certificate server = TRY(Certificate::parse(stored.server_certificate));
  Json item = {{"dfspId", stored.dfsp_id}};
  if (stored.root_certificate) {
    item["rootCertificate"] = *stored.root_certificate;
    item["rootCertificateInfo"] = info_of(ca.root);
  }
  if (stored.intermediate_chain) item["intermediateChain"] = *stored.intermediate_chain;
  item["intermediateChainInfo"] = Json::array();
  for (const Certificate& one : ca.intermediates) item["intermediateChainInfo"].push_back(certificate_info(one.get()));
  item["serverCertificate"] = stored.server_certificate;
  item["serverCertificateInfo"] = certificate_info(server.get());
  item["validations"] = Json::parse(stored.validations_json);
  item["validationState"] = stored.validation_state;
  return item;
}

Outcome list(const Services& services, const Request& request) {
  std::vector<Json> items;
  for (const ServerCert& stored : request.page.of(TRY(services.dfsp_server_certs.list())))
    items.push_back(TRY(to_json(stored)));
  return ok_json_array(items, [](const Json& item) { return item; });
}

Outcome get(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  return ok(TRY(to_json(TRY(services.dfsp_server_certs.get(request.param("dfspId"))))));
}

Outcome put(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  ServerCert wanted;
  wanted.dfsp_id = request.param("dfspId");
  wanted.root_certificate = request.text("rootCertificate");
  wanted.intermediate_chain = chain_of(request.body);
  wanted.server_certificate = *request.text("serverCertificate");
  return ok(TRY(to_json(TRY(services.dfsp_server_certs.put(request.caller, std::move(wanted))))));
}

Outcome remove(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  TRY(services.dfsp_server_certs.remove(request.caller, request.param("dfspId")));
  return no_content();
}

}  // namespace

Schema server_cert_schema(bool required) {
  return {
      {.name = "rootCertificate", .max_bytes = kMaxCertificateBytes, .nullable = true},
      {.name = "intermediateChain",
       .type = Type::text_or_list,
       .max_bytes = kMaxChainBytes,
       .max_items = kMaxChainCertificates,
       .nullable = true},
      {.name = "serverCertificate",
       .required = required,
       .max_bytes = kMaxCertificateBytes,
       .min_bytes = required ? 0U : 1U,
       .nullable = !required},
  };
}

std::optional<std::string> chain_of(const Json& body) {
  const auto found = body.find("intermediateChain");
  if (found == body.end() || found->is_null()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  std::string joined;
  for (const Json& one : *found) joined.append(joined.empty() ? "" : "\n").append(one.get_ref<const std::string&>());
  return joined;
}

void add_dfsp_server_certs(std::vector<Route>& routes, const Services& services) {
  const std::string path = "/api/dfsps/{dfspId}/servercerts";
  const std::vector<Role> roles = {Role::mta, Role::pta, Role::dfsp};
  // Whose key it is says who somebody is: its owner brings it, or the hub's administrators do.
  const std::vector<Role> owners = {Role::pta, Role::dfsp};
  routes.push_back({.method = "GET",
                    .path = "/api/dfsps/servercerts",
                    .handler = [services](const Request& request) { return list(services, request); },
                    .roles = {Role::pta},
                    .paged = true});
  routes.push_back({.method = "GET",
                    .path = path,
                    .handler = [services](const Request& request) { return get(services, request); },
                    .roles = roles});
  for (const char* method : {"POST", "PUT"})
    routes.push_back({.method = method,
                      .path = path,
                      .handler = [services](const Request& request) { return put(services, request); },
                      .roles = owners,
                      .takes_body = true,
                      .body = server_cert_schema(true)});
  routes.push_back({.method = "DELETE",
                    .path = path,
                    .handler = [services](const Request& request) { return remove(services, request); },
                    .roles = owners});
}

}  // namespace hubseal::agent::http
