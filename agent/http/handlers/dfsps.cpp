#include "agent/service/dfsps.h"

#include "agent/http/handlers/handlers.h"

namespace hubseal::agent::http {
namespace {

std::optional<std::string> text_of(const Json& body, const char* member) {
  const auto found = body.find(member);
  return found == body.end() ? std::nullopt : std::optional(found->get<std::string>());
}

Json to_json(const store::Dfsp& dfsp) {
  Json item = {{"id", dfsp.id}, {"name", dfsp.name}};
  if (dfsp.monetary_zone) item["monetaryZoneId"] = *dfsp.monetary_zone;
  // A number or null, never a boolean: clients know it so.
  item["isProxy"] = dfsp.is_proxy ? Json(*dfsp.is_proxy ? 1 : 0) : Json(nullptr);
  item["securityGroup"] = dfsp.security_group;
  return item;
}

Outcome list_dfsps(Dfsps& dfsps, const Request& request) {
  Json list = Json::array();
  for (const store::Dfsp& dfsp : TRY(dfsps.list(request.caller))) list.push_back(to_json(dfsp));
  return ok(list);
}

Outcome add_dfsp(Dfsps& dfsps, const Request& request) {
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
  TRY(dfsps.add(request.caller, std::move(dfsp)));
  return ok({{"id", id}});
}

const Schema kNewDfsp = {
    {.name = "dfspId", .required = true, .max_bytes = 512, .min_bytes = 1},
    {.name = "name", .required = true, .max_bytes = 512},
    {.name = "monetaryZoneId", .max_bytes = 3},
    {.name = "isProxy", .type = Type::boolean},
    {.name = "securityGroup", .max_bytes = 256},
    {.name = "email", .max_bytes = 256},
    {.name = "fxpCurrencies", .type = Type::text_list, .max_bytes = 3},
};

}  // namespace

void add_dfsps(std::vector<Route>& routes, const Services& services) {
  Dfsps& dfsps = services.dfsps;
  routes.push_back({.method = "GET",
                    .path = "/api/dfsps",
                    .handler = [&dfsps](const Request& request) { return list_dfsps(dfsps, request); },
                    .roles = {Role::everyone, Role::pta}});
  routes.push_back({.method = "POST",
                    .path = "/api/dfsps",
                    .handler = [&dfsps](const Request& request) { return add_dfsp(dfsps, request); },
                    .roles = {Role::pta},
                    .takes_body = true,
                    .body = kNewDfsp});
}

}  // namespace hubseal::agent::http
