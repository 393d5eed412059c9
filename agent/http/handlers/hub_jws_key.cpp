#include "agent/service/hub_jws_key.h"

#include "agent/http/handlers/handlers.h"
#include "agent/http/handlers/jws_key_json.h"
#include "agent/service/jws_keys.h"

namespace hubseal::agent::http {

void add_hub_jws_key(std::vector<Route>& routes, const Services& services) {
  HubJwsKey& hub_jws_key = services.hub_jws_key;
  routes.push_back({.method = "GET",
                    .path = "/api/hub/jwscerts",
                    .handler = [&hub_jws_key](const Request&) -> Outcome { return ok_jws_key(TRY(hub_jws_key.get())); },
                    .roles = {Role::mta, Role::pta}});
  // What the hub signs with is its security team's to change: with it whoever has an administrator's login, or this
  // server, would speak for the hub.
  routes.push_back({.method = "PUT",
                    .path = "/api/hub/jwscerts/rotate",
                    .handler = [&hub_jws_key](const Request&) -> Outcome {
                      return fail(Code::conflict, "nothing was rotated. " + TRY(hub_jws_key.rotation_steps()));
                    },
                    .roles = {Role::pta}});
  routes.push_back({.method = "POST",
                    .path = "/api/hub/jwscerts",
                    .handler = [&hub_jws_key](const Request& request) -> Outcome {
                      return ok_jws_key(TRY(hub_jws_key.confirm(*request.text("publicKey"))));
                    },
                    .roles = {Role::pta},
                    .takes_body = true,
                    .body = jws_key_schema()});
}

}  // namespace hubseal::agent::http
