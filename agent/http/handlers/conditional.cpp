#include "agent/http/handlers/conditional.h"

#include <algorithm>

#include "agent/http/etag.h"
#include "agent/service/precondition.h"

namespace hubseal::agent::http {
namespace {

Result<> check(const Handler& get, const Request& request) {
  const Outcome now = get(request);
  if (!now && now.error().error.code != Code::not_found) return tl::unexpected(now.error().error);
  if (now && if_match_names(*request.if_match, etag_of(now->body))) return {};
  return fail(Code::conflict, "this has changed since it was read (If-Match): read it again");
}

Outcome heed(const Handler& get, const Handler& change, const Request& request) {
  if (!request.if_match) return change(request);
  // What GET is asked with: no query and no body.
  Request reading;
  reading.path = request.path;
  reading.caller = request.caller;
  reading.if_match = request.if_match;
  bool outdated = false;
  const Precondition condition([&]() -> Result<> {
    auto checked = check(get, reading);
    outdated = !checked && checked.error().code == Code::conflict;
    return checked;
  });
  Outcome outcome = change(request);
  // What found nothing to write has looked at nothing yet.
  if (outcome)
    if (const auto held = Precondition::check(); !held) outcome = tl::unexpected(Problem(held.error()));
  if (!outcome) outcome.error().outdated = outdated;
  return outcome;
}

Outcome refuse() {
  return tl::unexpected(Error{Code::bad_request, "this operation does not know If-Match; send it without"});
}

}  // namespace

void make_conditional(std::vector<Route>& routes) {
  for (Route& route : routes) {
    if (route.method == "GET") continue;
    const std::string& guarded = route.guarded_path.empty() ? route.path : route.guarded_path;
    const auto get = std::find_if(routes.begin(), routes.end(), [&](const Route& other) {
      return other.method == "GET" && other.has_etag && other.path == guarded;
    });
    route.heeds_if_match = get != routes.end();
    if (!route.heeds_if_match)
      route.handler = [change = std::move(route.handler)](const Request& request) {
        return request.if_match ? refuse() : change(request);
      };
    else
      route.handler = [get = get->handler, change = std::move(route.handler)](const Request& request) {
        return heed(get, change, request);
      };
  }
}

}  // namespace hubseal::agent::http
