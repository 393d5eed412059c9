#include "agent/service/dfsps.h"

#include "agent/http/handlers/handlers.h"
#include "agent/service/credentials.h"
#include "agent/service/outbound_enrollments.h"
#include "common/log.h"

namespace hubseal::agent::http {
namespace {

std::optional<std::string> text_of(const Json& body, const char* member) {
  const auto found = body.find(member);
  return found == body.end() ? std::nullopt : std::optional(found->get<std::string>());
}

Outcome list_dfsps(Dfsps& dfsps, const Request& request) {
  Json list = Json::array();
  for (const store::Dfsp& dfsp : request.page.of(TRY(dfsps.list(request.caller)))) list.push_back(dfsp_json(dfsp));
  return ok(list);
}

/// The DFSP is there either way; whoever sees that the key is missing asks for it.
void make_first_key(OutboundEnrollments& outbound, const Caller& caller, const std::string& dfsp_id) {
  if (!outbound.makes_keys()) return;
  if (const auto made = outbound.create(caller, dfsp_id); !made)
    log::warning("the hub's client key for a new DFSP was not made",
                 {{"dfsp", dfsp_id}, {"problem", made.error().message}, {"correlation", caller.correlation_id}});
}

Outcome add_dfsp(const Services& services, const Request& request) {
  const Json& body = request.body;
  store::Dfsp dfsp;
  dfsp.id = body["dfspId"].get<std::string>();
  dfsp.name = body["name"].get<std::string>();
  dfsp.monetary_zone = text_of(body, "monetaryZoneId");
  if (body.contains("isProxy")) dfsp.is_proxy = body["isProxy"].get<bool>();
  dfsp.security_group = text_of(body, "securityGroup").value_or("");
  dfsp.email = text_of(body, "email");
  if (body.contains("fxpCurrencies")) dfsp.fxp_currencies = body["fxpCurrencies"].get<std::vector<std::string>>();
  const std::string id = dfsp.id;
  TRY(services.dfsps.add(request.caller, std::move(dfsp)));
  make_first_key(services.outbound_enrollments, request.caller, id);
  if (services.credentials) services.credentials->provide(request.caller, id);
  return ok({{"id", id}});
}

Outcome change_dfsp(const Services& services, const Request& request) {
  const Json& body = request.body;
  store::DfspChange change = {.name = text_of(body, "name"),
                              .monetary_zone = text_of(body, "monetaryZoneId"),
                              .security_group = text_of(body, "securityGroup")};
  if (body.contains("isProxy")) change.is_proxy = body["isProxy"].get<bool>();
  const store::Dfsp dfsp = TRY(services.dfsps.change(request.caller, request.param("dfspId"), change));
  // What failed when it was added is made up for.
  if (services.credentials) services.credentials->provide(request.caller, dfsp.id);
  return ok(dfsp_json(dfsp, "dfspId"));
}

Outcome remove_dfsp(Dfsps& dfsps, const Request& request) {
  TRY(dfsps.remove(request.caller, request.param("dfspId")));
  return no_content();
}

const Schema kNewDfsp = {
    {.name = "dfspId", .required = true, .max_bytes = 64, .min_bytes = 1},
    {.name = "name", .required = true, .max_bytes = 512},
    {.name = "monetaryZoneId", .max_bytes = 3},
    {.name = "isProxy", .type = Type::boolean},
    {.name = "securityGroup", .max_bytes = 256},
    {.name = "email", .max_bytes = 256},
    {.name = "fxpCurrencies", .type = Type::text_list, .max_bytes = 3},
};

// Without the id, which never changes. An empty group would be a group that anybody could be said to be in.
const Schema kDfspChange = {
    {.name = "name", .max_bytes = 512, .min_bytes = 1},
    {.name = "monetaryZoneId", .max_bytes = 3},
    {.name = "isProxy", .type = Type::boolean},
    {.name = "securityGroup", .max_bytes = 256, .min_bytes = 1},
};

void add_one_dfsp(std::vector<Route>& routes, const Services& services) {
  Dfsps& dfsps = services.dfsps;
  const std::string path = "/api/dfsps/{dfspId}";
  routes.push_back({.method = "GET",
                    .path = path,
                    .handler = [&dfsps](const Request& request) -> Outcome {
                      return ok(dfsp_json(TRY(dfsps.get(request.param("dfspId")))));
                    },
                    .roles = {Role::mta, Role::pta, Role::dfsp}});
  routes.push_back({.method = "PUT",
                    .path = path,
                    .handler = [services](const Request& request) { return change_dfsp(services, request); },
                    .roles = {Role::pta},
                    .takes_body = true,
                    .body = kDfspChange});
  routes.push_back({.method = "DELETE",
                    .path = path,
                    .handler = [&dfsps](const Request& request) { return remove_dfsp(dfsps, request); },
                    .roles = {Role::pta}});
}

}  // namespace

Json dfsp_json(const store::Dfsp& dfsp, std::string_view id) {
  Json item = {{id, dfsp.id}, {"name", dfsp.name}};
  if (dfsp.monetary_zone) item["monetaryZoneId"] = *dfsp.monetary_zone;
  // A number or null, never a boolean: clients know it so.
  item["isProxy"] = dfsp.is_proxy ? Json(*dfsp.is_proxy ? 1 : 0) : Json(nullptr);
  item["securityGroup"] = dfsp.security_group;
  return item;
}

void add_dfsps(std::vector<Route>& routes, const Services& services) {
  Dfsps& dfsps = services.dfsps;
  routes.push_back({.method = "GET",
                    .path = "/api/dfsps",
                    .handler = [&dfsps](const Request& request) { return list_dfsps(dfsps, request); },
                    .roles = {Role::everyone, Role::pta},
                    .paged = true});
  routes.push_back({.method = "POST",
                    .path = "/api/dfsps",
                    .handler = [services](const Request& request) { return add_dfsp(services, request); },
                    .roles = {Role::pta},
                    .takes_body = true,
                    .body = kNewDfsp});
  add_one_dfsp(routes, services);
}

}  // namespace hubseal::agent::http
