#include "agent/service/endpoint_items.h"

#include "agent/http/handlers/endpoint_json.h"
#include "agent/http/handlers/handlers.h"
#include "agent/service/dfsps.h"

namespace hubseal::agent::http {
namespace {

using Item = EndpointItems::Item;
using Kind = EndpointItems::Kind;
using Owner = EndpointItems::Owner;

/// Where the items of an owner are, and who may do what there.
struct Place {
  std::string path;
  std::vector<Role> list_readers;
  std::vector<Role> readers;
  std::vector<Role> writers;
};

struct TypedRoute {
  std::string_view path;
  Kind kind;
};

constexpr TypedRoute kTypedRoutes[] = {
    {"/ingress/ips", {"INGRESS", "IP"}}, {"/egress/ips", {"EGRESS", "IP"}}, {"/ingress/urls", {"INGRESS", "URL"}}};

/// In the names that clients know: snake case, unlike everywhere else.
Json to_json(const Item& item) {
  Json json = {{"id", item.id}};
  if (item.dfsp_id) json["dfsp_id"] = *item.dfsp_id;
  json.update({{"state", item.state},
               {"direction", item.direction},
               {"type", item.type},
               {"created_date", with_milliseconds(item.created_at)},
               {"created_by", nullptr},
               {"value", Json::parse(item.value_json)}});
  return json;
}

Answer ok_items(const Request& request, std::vector<Item> items) {
  Json list = Json::array();
  for (const Item& item : request.page.of(std::move(items))) list.push_back(to_json(item));
  return ok(list);
}

/// The DFSP in the path, which must be there; the hub where the path has none.
Result<Owner> owner_of(const Services& services, const Request& request) {
  if (!request.path.contains("dfspId")) return std::nullopt;
  TRY(services.dfsps.require(request.param("dfspId")));
  return request.param("dfspId");
}

EndpointValue value_of(const Json& value) {
  if (value.contains("url")) return UrlEntry{value["url"].get<std::string>()};
  return ip_entry(value);
}

std::optional<std::string> text_of(const Json& body, const char* member) {
  const auto found = body.find(member);
  return found == body.end() ? std::nullopt : std::optional(found->get<std::string>());
}

Outcome add_item(const Services& services, const Request& request, const Kind& kind) {
  const Owner owner = TRY(owner_of(services, request));
  return ok(to_json(TRY(services.endpoint_items.add(request.caller, owner, kind, value_of(request.body["value"])))));
}

Outcome get_item(const Services& services, const Request& request, const std::optional<Kind>& kind) {
  const Owner owner = TRY(owner_of(services, request));
  return ok(to_json(TRY(services.endpoint_items.get(owner, request.number("epId"), kind))));
}

Outcome change_item(const Services& services, const Request& request, const std::optional<Kind>& kind) {
  const Owner owner = TRY(owner_of(services, request));
  const Json& body = request.body;
  EndpointItems::Change change = {
      .state = text_of(body, "state"), .direction = text_of(body, "direction"), .type = text_of(body, "type")};
  if (body.contains("value")) {
    const Json& value = body["value"];
    const bool fits = value.contains("url") ? value.size() == 1 : value.contains("address") && value.contains("ports");
    if (!fits) return tl::unexpected(Error{Code::bad_request, "wanted a value with url alone, or address and ports"});
    change.value = value_of(value);
  }
  return ok(to_json(TRY(services.endpoint_items.change(request.caller, owner, request.number("epId"), kind, change))));
}

Outcome remove_item(const Services& services, const Request& request, const std::optional<Kind>& kind) {
  const Owner owner = TRY(owner_of(services, request));
  TRY(services.endpoint_items.remove(request.caller, owner, request.number("epId"), kind));
  return no_content();
}

/// A value of the type that the route is for, or, where it is for any, of either: then the item decides.
Member value_member(const std::optional<Kind>& kind) {
  Member value = {.name = "value", .type = Type::object, .required = kind.has_value(), .closed = true};
  if (!kind || kind->type == "IP") value.members = ip_members();
  if (!kind || kind->type == "URL")
    value.members.insert(value.members.end(), url_members().begin(), url_members().end());
  if (!kind)
    for (Member& member : value.members) member.required = false;
  return value;
}

/// What a client may send back of what it has read; anything else in the body is nobody's business.
Schema change_body(const std::optional<Kind>& kind) {
  return {value_member(kind),
          {.name = "state", .one_of = {"NEW", "CONFIRMED", "INVALID"}},
          {.name = "direction", .one_of = {"INGRESS", "EGRESS"}},
          {.name = "type", .one_of = {"IP", "URL"}}};
}

/// GET, PUT and DELETE of one item, by its number.
void add_one(std::vector<Route>& routes, const Services& services, const Place& place, std::string path,
             const std::optional<Kind>& kind) {
  path += "/{epId}";
  routes.push_back({.method = "GET",
                    .path = path,
                    .handler = [services, kind](const Request& request) { return get_item(services, request, kind); },
                    .roles = place.readers});
  routes.push_back(
      {.method = "PUT",
       .path = path,
       .handler = [services, kind](const Request& request) { return change_item(services, request, kind); },
       .roles = place.writers,
       .takes_body = true,
       .body = change_body(kind)});
  routes.push_back(
      {.method = "DELETE",
       .path = path,
       .handler = [services, kind](const Request& request) { return remove_item(services, request, kind); },
       .roles = place.writers});
}

void add_typed(std::vector<Route>& routes, const Services& services, const Place& place, const TypedRoute& typed) {
  const std::string path = place.path + std::string(typed.path);
  const Kind kind = typed.kind;
  routes.push_back({.method = "GET",
                    .path = path,
                    .handler = [services, kind](const Request& request) -> Outcome {
                      const Owner owner = TRY(owner_of(services, request));
                      return ok_items(request, TRY(services.endpoint_items.list(owner, kind)));
                    },
                    .roles = place.readers,
                    .paged = true});
  routes.push_back({.method = "POST",
                    .path = path,
                    .handler = [services, kind](const Request& request) { return add_item(services, request, kind); },
                    .roles = place.writers,
                    .takes_body = true,
                    .body = {value_member(kind)}});
  add_one(routes, services, place, path, kind);
}

void add_place(std::vector<Route>& routes, const Services& services, const Place& place) {
  routes.push_back({.method = "GET",
                    .path = place.path,
                    .handler = [services](const Request& request) -> Outcome {
                      const Owner owner = TRY(owner_of(services, request));
                      return ok_items(request, TRY(services.endpoint_items.list(owner)));
                    },
                    .roles = place.list_readers,
                    .paged = true});
  for (const TypedRoute& typed : kTypedRoutes) add_typed(routes, services, place, typed);
  add_one(routes, services, place, place.path, std::nullopt);
}

/// What people have to look at, and what they say then: for DFSPs' items only.
void add_confirmation(std::vector<Route>& routes, const Services& services, const Place& place) {
  routes.push_back({.method = "GET",
                    .path = "/api/dfsps/endpoints/unprocessed",
                    .handler = [services](const Request& request) -> Outcome {
                      return ok_items(request, TRY(services.endpoint_items.unprocessed()));
                    },
                    .roles = {Role::pta},
                    .paged = true});
  routes.push_back({.method = "GET",
                    .path = place.path + "/unprocessed",
                    .handler = [services](const Request& request) -> Outcome {
                      TRY(services.dfsps.require(request.param("dfspId")));
                      return ok_items(request, TRY(services.endpoint_items.unprocessed(request.param("dfspId"))));
                    },
                    .roles = place.readers,
                    .paged = true});
  routes.push_back({.method = "POST",
                    .path = place.path + "/{epId}/confirmation",
                    .handler = [services](const Request& request) -> Outcome {
                      const std::string& dfsp_id = request.param("dfspId");
                      TRY(services.dfsps.require(dfsp_id));
                      using Seen = EndpointItems::Seen;
                      const auto seen = request.if_match.value_or("*") == "*" ? Seen::unknown : Seen::certain;
                      return ok(to_json(
                          TRY(services.endpoint_items.confirm(request.caller, dfsp_id, request.number("epId"), seen))));
                    },
                    .roles = {Role::pta},
                    .guarded_path = place.path + "/{epId}"});
}

}  // namespace

void add_endpoint_items(std::vector<Route>& routes, const Services& services) {
  const std::vector<Role> everyone = {Role::everyone};
  const std::vector<Role> dfsp = {Role::mta, Role::pta, Role::dfsp};
  add_place(routes, services, {"/api/hub/endpoints", {Role::everyone, Role::pta}, everyone, {Role::pta}});
  const Place of_dfsps = {"/api/dfsps/{dfspId}/endpoints", dfsp, dfsp, dfsp};
  add_place(routes, services, of_dfsps);
  add_confirmation(routes, services, of_dfsps);
}

}  // namespace hubseal::agent::http
