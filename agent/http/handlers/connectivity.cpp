#include "agent/service/connectivity.h"

#include <set>

#include "agent/http/handlers/handlers.h"
#include "agent/service/dfsps.h"

namespace hubseal::agent::http {
namespace {

constexpr std::size_t kMaxDescriptionBytes = 2048;

std::optional<std::string> text_of(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found == object.end() ? std::nullopt : std::optional(found->get<std::string>());
}

Json to_json(const store::ConnectorState& state) {
  Json json = {{"state", state.state}, {"status", state.status}};
  if (state.state_description) json["stateDescription"] = *state.state_description;
  if (state.error_description) json["errorDescription"] = *state.error_description;
  json["lastUpdated"] = state.last_updated;
  return json;
}

/// Of the participants whom the caller may see.
Outcome list_states(const Services& services, const Request& request) {
  std::set<std::string> visible;
  for (store::Dfsp& dfsp : TRY(services.dfsps.list(request.caller))) visible.insert(std::move(dfsp.id));
  auto found = TRY(services.connectivity.list());
  std::erase_if(found, [&](const store::Connectivity& dfsp) { return !visible.contains(dfsp.dfsp_id); });
  Json list = Json::array();
  for (const store::Connectivity& dfsp : request.page.of(std::move(found))) {
    Json states = Json::array();
    for (const store::ConnectorState& state : dfsp.states) states.push_back(to_json(state));
    list.push_back({{"dfspId", dfsp.dfsp_id},
                    {"pingStatus", dfsp.ping_status ? Json(*dfsp.ping_status) : Json(nullptr)},
                    {"lastUpdatedPingStatusAt", with_milliseconds(dfsp.ping_status_at)},
                    {"statesStatus", std::move(states)}});
  }
  return ok({{"dfsps", std::move(list)}});
}

Outcome set_states(const Services& services, const Request& request) {
  const std::string& dfsp_id = request.param("dfspId");
  TRY(services.dfsps.require(dfsp_id));
  std::vector<store::ConnectorState> states;
  for (const auto& [name, state] : request.body.items())
    states.push_back({.state = name,
                      .status = state["status"].get<std::string>(),
                      .state_description = text_of(state, "stateDescription"),
                      .error_description = text_of(state, "errorDescription"),
                      .last_updated = state["lastUpdated"].get<std::string>()});
  TRY(services.connectivity.set_states(dfsp_id, states));
  return ok({{"code", 0}});
}

Json step(std::string_view identifier, std::string_view status) {
  return {{"identifier", identifier}, {"status", status}};
}

/// Two phases: the first is over once there is an id to ask with.
Outcome get_status(const Services& services, const Request& request) {
  const std::string& dfsp_id = request.param("dfspId");
  TRY(services.dfsps.require(dfsp_id));
  Json technical = Json::array();
  for (const store::OnboardingStep& one : TRY(services.connectivity.onboarding(dfsp_id)))
    technical.push_back(step(one.identifier, one.done ? "COMPLETED" : one.begun ? "IN_PROGRESS" : "NOT_STARTED"));
  Json phases = Json::array();
  phases.push_back({{"phase", "BUSINESS_SETUP"}, {"steps", Json::array({step("ID_GENERATION", "COMPLETED")})}});
  phases.push_back({{"phase", "TECHNICAL_SETUP"}, {"steps", std::move(technical)}});
  return ok(phases);
}

Schema states_body() {
  const Schema members = {
      {.name = "status", .required = true, .one_of = {kConnectorStatuses.begin(), kConnectorStatuses.end()}},
      {.name = "lastUpdated", .required = true, .max_bytes = 64},
      {.name = "stateDescription", .max_bytes = kMaxDescriptionBytes},
      {.name = "errorDescription", .max_bytes = kMaxDescriptionBytes}};
  Schema body;
  for (const std::string_view state : kConnectorStates)
    body.push_back({.name = state, .type = Type::object, .members = members, .closed = true});
  return body;
}

}  // namespace

void add_connectivity(std::vector<Route>& routes, const Services& services) {
  routes.push_back({.method = "GET",
                    .path = "/api/dfsps/states-status",
                    .handler = [services](const Request& request) { return list_states(services, request); },
                    .roles = {Role::everyone},
                    .paged = true});
  routes.push_back({.method = "POST",
                    .path = "/api/dfsps/{dfspId}/states",
                    .handler = [services](const Request& request) { return set_states(services, request); },
                    .roles = {Role::dfsp, Role::pta},
                    .takes_body = true,
                    .body = states_body(),
                    .closed_body = true});
  routes.push_back({.method = "GET",
                    .path = "/api/dfsps/{dfspId}/status",
                    .handler = [services](const Request& request) { return get_status(services, request); },
                    .roles = {Role::mta, Role::pta, Role::dfsp}});
}

}  // namespace hubseal::agent::http
