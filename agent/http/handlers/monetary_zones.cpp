#include "agent/service/monetary_zones.h"

#include "agent/http/handlers/handlers.h"

namespace hubseal::agent::http {
namespace {

Json to_json(const store::MonetaryZone& zone) {
  return {{"monetaryZoneId", zone.id},
          {"name", zone.name},
          {"description", nullptr},
          {"isActive", 1},
          {"createdDate", with_milliseconds(zone.created_at)},
          {"createdBy", "admin"}};
}

Outcome list_zones(MonetaryZones& zones) {
  Json list = Json::array();
  for (const store::MonetaryZone& zone : TRY(zones.list())) list.push_back(to_json(zone));
  return ok(list);
}

Outcome list_dfsps(MonetaryZones& zones, const Request& request) {
  return ok_dfsps(request.page.of(TRY(zones.dfsps(request.param("monetaryZoneId")))));
}

}  // namespace

void add_monetary_zones(std::vector<Route>& routes, const Services& services) {
  MonetaryZones& zones = services.monetary_zones;
  routes.push_back({.method = "GET",
                    .path = "/api/monetaryzones",
                    .handler = [&zones](const Request&) { return list_zones(zones); },
                    .roles = {Role::pta}});
  routes.push_back({.method = "GET",
                    .path = "/api/monetaryzones/{monetaryZoneId}/dfsps",
                    .handler = [&zones](const Request& request) { return list_dfsps(zones, request); },
                    .roles = {Role::pta},
                    .paged = true});
}

}  // namespace hubseal::agent::http
