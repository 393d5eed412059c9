#include <fmt/format.h>

#include "agent/auth/browser_login.h"
#include "agent/http/cookies.h"
#include "agent/http/handlers/handlers.h"
#include "agent/service/browser_sessions.h"
#include "common/bytes.h"
#include "common/log.h"
#include "common/random.h"

namespace hubseal::agent::http {
namespace {

constexpr std::chrono::minutes kLoginLifetime{10};
constexpr int kRetryAfterSeconds = 5;

/// Clients know compact JSON with a charset here, and errors of this shape.
Answer compact(const Json& body, int status = 200) {
  Answer answer;
  answer.status = status;
  answer.content_type = "application/json; charset=utf-8";
  answer.body = dump_json(body);
  return answer;
}

Answer problem(const Request& request, int status, std::string_view why) {
  Answer answer = compact({{"error", why}, {"correlationId", request.caller.correlation_id}}, status);
  if (status == 503) answer.retry_after_seconds = kRetryAfterSeconds;
  return answer;
}

Answer not_enabled(const Request& request) { return problem(request, 404, "Authentication not enabled"); }

Answer redirect(const std::string& location) {
  Answer answer;
  answer.status = 302;
  answer.headers.emplace_back("Location", location);
  return answer;
}

Answer refuse_return_to(const Request& request) {
  return problem(request, 400,
                 fmt::format("return_to is \"{}\"; wanted a path of this server",
                             log::printable(request.query_value("return_to").value_or(""), 80)));
}

std::optional<std::string> own_path(const BrowserAuth& auth, const Request& request) {
  return auth.login.own_path(request.query_value("return_to").value_or(""));
}

Outcome login(const BrowserAuth* auth, const Request& request) {
  if (!auth) return not_enabled(request);
  const auto path = own_path(*auth, request);
  if (!path) return refuse_return_to(request);
  const std::string secret = TRY(random_secret());
  const auto location = auth->login.location(secret);
  if (!location) return problem(request, 503, "Authentication failed: " + location.error().message);
  Answer answer = redirect(*location);
  const std::string value = secret + "." + to_base64url(as_bytes(*path));
  answer.headers.emplace_back("Set-Cookie", set_cookie(kLoginCookie, value, SameSite::lax, kLoginLifetime));
  return answer;
}

/// What login() put into its cookie.
struct Pending {
  std::string secret;
  std::string path;
};

std::optional<Pending> pending_login(const BrowserAuth& auth, const Request& request) {
  const std::string cookie = find_cookie(request.cookies, kLoginCookie).value_or("");
  const std::size_t dot = cookie.find('.');
  if (dot == std::string::npos || dot == 0) return std::nullopt;
  const auto bytes = from_base64url(std::string_view(cookie).substr(dot + 1));
  const auto path = bytes ? auth.login.own_path(as_text(*bytes)) : std::nullopt;
  if (!path) return std::nullopt;
  return Pending{cookie.substr(0, dot), *path};
}

Result<> end_session_of(const BrowserAuth& auth, const Request& request) {
  if (const auto id = find_cookie(request.cookies, kSessionCookie)) return auth.sessions.end(*id);
  return {};
}

Outcome finish_login(const BrowserAuth& auth, const Request& request) {
  if (const auto refused = request.query_value("error"))
    return problem(request, 400, "Authentication callback failed: the provider says " + log::printable(*refused, 80));
  const auto pending = pending_login(auth, request);
  if (!pending) return problem(request, 400, "Invalid session, please try logging in again");
  const auto identity = auth.login.finish(pending->secret, {.code = request.query_value("code").value_or(""),
                                                            .state = request.query_value("state").value_or(""),
                                                            .issuer = request.query_value("iss").value_or(""),
                                                            .peer = request.peer});
  if (!identity)
    return problem(request, identity.error().unavailable ? 503 : 400,
                   "Authentication callback failed: " + identity.error().why);
  // A new id for each login: one that somebody else may know from before is worth nothing.
  TRY(end_session_of(auth, request));
  const std::string id = TRY(auth.sessions.begin(*identity));
  log::info("logged in", {{"caller", Caller{"", *identity}.who()}, {"correlation", request.caller.correlation_id}});
  Answer answer = redirect(pending->path);
  answer.headers.emplace_back("Set-Cookie", set_cookie(kSessionCookie, id, SameSite::strict, auth.sessions.lifetime()));
  return answer;
}

Outcome callback(const BrowserAuth* auth, const Request& request) {
  if (!auth) return not_enabled(request);
  Outcome outcome = finish_login(*auth, request);
  // While the provider cannot be asked, the login is not over: the same address asks again.
  if (outcome && outcome->status != 503)
    outcome->headers.emplace_back("Set-Cookie", clear_cookie(kLoginCookie, SameSite::lax));
  return outcome;
}

/// A page of another site cannot bring this about: the cookie does not come along from there.
Outcome logout(const BrowserAuth* auth, const Request& request) {
  if (!auth) return not_enabled(request);
  const auto path = own_path(*auth, request);
  if (!path) return refuse_return_to(request);
  const std::string id = find_cookie(request.cookies, kSessionCookie).value_or("");
  const auto identity = TRY(auth->sessions.find(id));
  if (!identity) return redirect(*path);
  TRY(auth->sessions.end(id));
  log::info("logged out", {{"caller", Caller{"", *identity}.who()}, {"correlation", request.caller.correlation_id}});
  Answer answer = redirect(auth->login.logout_location(*path).value_or(*path));
  answer.headers.emplace_back("Set-Cookie", clear_cookie(kSessionCookie, SameSite::strict));
  return answer;
}

Outcome profile(const Request& request) {
  const auto& identity = request.caller.identity;
  if (!identity) return not_enabled(request);
  Json body = Json::object();
  if (!identity->name.empty()) body["name"] = identity->name;
  if (!identity->email.empty()) body["email"] = identity->email;
  body["roles"] = Json::array();
  for (const Role role : identity->roles) body["roles"].push_back(auth::to_string(role));
  for (const std::string& group : identity->dfsp_groups) body["roles"].push_back(group);
  return compact(body);
}

}  // namespace

void add_browser_auth(std::vector<Route>& routes, const Services& services) {
  const BrowserAuth* auth = services.browser_auth;
  routes.push_back({.method = "GET",
                    .path = "/api/auth/login",
                    .handler = [auth](const Request& request) { return login(auth, request); },
                    .roles = {Role::anybody},
                    .query = {"return_to"}});
  routes.push_back({.method = "GET",
                    .path = "/api/auth/callback",
                    .handler = [auth](const Request& request) { return callback(auth, request); },
                    .roles = {Role::anybody},
                    .query = {"code", "state", "session_state", "iss", "error", "error_description", "error_uri"}});
  routes.push_back({.method = "GET",
                    .path = "/api/auth/logout",
                    .handler = [auth](const Request& request) { return logout(auth, request); },
                    .roles = {Role::anybody},
                    .query = {"return_to"}});
  routes.push_back({.method = "GET",
                    .path = "/api/auth/profile",
                    .handler = [](const Request& request) { return profile(request); },
                    .roles = {Role::everyone}});
}

}  // namespace hubseal::agent::http
