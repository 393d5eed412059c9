#include "agent/service/endpoint_documents.h"

#include "agent/http/handlers/endpoint_json.h"
#include "agent/http/handlers/handlers.h"
#include "agent/service/dfsps.h"

namespace hubseal::agent::http {
namespace {

/// In the names that clients know. The state says nothing of whether it counts: the latest does, confirmed or not.
Json to_json(const EndpointDocuments::Document& document) {
  Json json = {{"id", document.id},
               {"dfspId", document.dfsp_id},
               {"state", document.confirmed ? "CONFIRMED" : "NOT_STARTED"},
               {"createdBy", nullptr},
               {"createdAt", with_milliseconds(document.created_at)}};
  json.update(Json::parse(document.value_json));
  return json;
}

Outcome get_document(const Services& services, const Request& request, const std::string& direction) {
  const std::string& dfsp_id = request.param("dfspId");
  TRY(services.dfsps.require(dfsp_id));
  return ok(to_json(TRY(services.endpoint_documents.latest(dfsp_id, direction))));
}

Outcome set_ingress(const Services& services, const Request& request) {
  const std::string& dfsp_id = request.param("dfspId");
  TRY(services.dfsps.require(dfsp_id));
  const UrlEntry entry = {request.body["url"].get<std::string>()};
  return ok(to_json(TRY(services.endpoint_documents.set_ingress(request.caller, dfsp_id, entry))));
}

Outcome set_egress(const Services& services, const Request& request) {
  const std::string& dfsp_id = request.param("dfspId");
  TRY(services.dfsps.require(dfsp_id));
  std::vector<IpEntry> entries;
  for (const Json& entry : request.body["ipList"]) entries.push_back(ip_entry(entry));
  return ok(to_json(TRY(services.endpoint_documents.set_egress(request.caller, dfsp_id, entries))));
}

Outcome confirm(const Services& services, const Request& request, const std::string& direction) {
  const std::string& dfsp_id = request.param("dfspId");
  TRY(services.dfsps.require(dfsp_id));
  return ok(
      to_json(TRY(services.endpoint_documents.confirm(request.caller, dfsp_id, direction, request.number("epId")))));
}

}  // namespace

void add_endpoint_documents(std::vector<Route>& routes, const Services& services) {
  const std::vector<Role> roles = {Role::mta, Role::pta, Role::dfsp};
  for (const auto& [path, direction] : {std::pair("/api/dfsps/{dfspId}/endpoints/ingress", "INGRESS"),
                                        std::pair("/api/dfsps/{dfspId}/endpoints/egress", "EGRESS")})
    routes.push_back({.method = "GET",
                      .path = path,
                      .handler = [services, direction = std::string(direction)](
                                     const Request& request) { return get_document(services, request, direction); },
                      .roles = roles});
  routes.push_back({.method = "POST",
                    .path = "/api/dfsps/{dfspId}/endpoints/ingress",
                    .handler = [services](const Request& request) { return set_ingress(services, request); },
                    .roles = roles,
                    .takes_body = true,
                    .body = url_members(),
                    .closed_body = true});
  routes.push_back({.method = "POST",
                    .path = "/api/dfsps/{dfspId}/endpoints/egress",
                    .handler = [services](const Request& request) { return set_egress(services, request); },
                    .roles = roles,
                    .takes_body = true,
                    .body = {{.name = "ipList",
                              .type = Type::object_list,
                              .required = true,
                              .max_items = 64,
                              .min_items = 1,
                              .members = ip_members(),
                              .closed = true}},
                    .closed_body = true});
  for (const auto& [path, direction] :
       {std::pair("/api/dfsps/{dfspId}/endpoints/ingress/{epId}/confirmation", "INGRESS"),
        std::pair("/api/dfsps/{dfspId}/endpoints/egress/{epId}/confirmation", "EGRESS")})
    routes.push_back({.method = "POST",
                      .path = path,
                      .handler = [services, direction = std::string(direction)](
                                     const Request& request) { return confirm(services, request, direction); },
                      .roles = {Role::pta}});
}

}  // namespace hubseal::agent::http
