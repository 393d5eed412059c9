// The services that verify messages say with which keys.
#include "agent/http/handlers/handlers.h"
#include "agent/service/key_consumers.h"

namespace hubseal::agent::http {
namespace {

Outcome report(KeyConsumers& consumers, const Request& request) {
  KeyConsumers::Loaded loaded;
  for (const Json& key : request.body["keys"])
    if (const auto id = key["dfspId"].get<std::string>(); !loaded.emplace(id, key["kid"].get<std::string>()).second)
      return fail(Code::bad_request, "keys names one dfspId twice; wanted the key that is verified with");
  TRY(consumers.report(request.param("name"), loaded));
  return no_content();
}

Json shown(const KeyConsumers::Owner& owner) {
  Json consumers = Json::array();
  for (const KeyConsumers::Consumer& consumer : owner.consumers) {
    Json one = {{"name", consumer.name}, {"state", to_string(consumer.state)}};
    if (!consumer.kid.empty()) one["kid"] = consumer.kid;
    one["reportedAt"] = with_milliseconds(consumer.reported_at);
    consumers.push_back(std::move(one));
  }
  return {{"dfspId", owner.id}, {"kids", owner.kids}, {"consumers", std::move(consumers)}};
}

Outcome list(KeyConsumers& consumers, const Request& request) {
  Json all = Json::array();
  for (const KeyConsumers::Owner& owner : request.page.of(TRY(consumers.list()))) all.push_back(shown(owner));
  return ok(all);
}

}  // namespace

void add_jws_consumers(std::vector<Route>& routes, const Services& services) {
  KeyConsumers& consumers = services.key_consumers;
  const std::string path = "/api/jws/consumers/{name}";
  routes.push_back({.method = "GET",
                    .path = "/api/jws/consumers",
                    .handler = [&consumers](const Request& request) { return list(consumers, request); },
                    .roles = {Role::mta, Role::pta},
                    .paged = true});
  routes.push_back({.method = "PUT",
                    .path = path,
                    .handler = [&consumers](const Request& request) { return report(consumers, request); },
                    .roles = {Role::service, Role::pta},
                    .takes_body = true,
                    .body = {{.name = "keys",
                              .type = Type::object_list,
                              .required = true,
                              .max_items = 256,
                              .members = {{.name = "dfspId", .required = true, .max_bytes = 64, .min_bytes = 1},
                                          {.name = "kid", .required = true, .max_bytes = 43, .min_bytes = 43}},
                              .closed = true}},
                    .closed_body = true});
  routes.push_back({.method = "DELETE",
                    .path = path,
                    .handler = [&consumers](const Request& request) -> Outcome {
                      TRY(consumers.forget(request.caller, request.param("name")));
                      return no_content();
                    },
                    .roles = {Role::pta}});
}

}  // namespace hubseal::agent::http
