#include "agent/http/gate.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "agent/auth/token_verifier.h"
#include "agent/http/cookies.h"
#include "agent/service/browser_sessions.h"
#include "agent/service/dfsps.h"
#include "common/log.h"

namespace hubseal::agent::http {
namespace {

constexpr int kRetryAfterSeconds = 5;
constexpr std::string_view kDfspId = "dfspId";

/// As it may stand between quotes in a header (RFC 6750 section 3).
std::string header_text(std::string_view text) {
  std::string safe(text);
  std::replace(safe.begin(), safe.end(), '"', '\'');
  std::replace(safe.begin(), safe.end(), '\\', '/');
  return safe;
}

Answer unauthenticated(const Route& route, std::string_view why, const std::string& correlation_id) {
  const std::string message = why.empty() ? "Authentication required" : fmt::format("Authentication required: {}", why);
  Answer answer = framework_error(401, message, {{route.path, message, ""}}, correlation_id);
  std::string challenge = "Bearer realm=\"hubseal\"";
  if (!why.empty()) challenge += fmt::format(", error=\"invalid_token\", error_description=\"{}\"", header_text(why));
  answer.headers.emplace_back("WWW-Authenticate", std::move(challenge));
  return answer;
}

Answer unavailable(const Route& route, const std::string& why, const std::string& correlation_id) {
  Answer answer = framework_error(503, why, {{route.path, why, ""}}, correlation_id);
  answer.retry_after_seconds = kRetryAfterSeconds;
  return answer;
}

Answer forbidden(const Route& route, const PathParameters& path, const Caller& caller) {
  std::string wanted;
  for (const Role role : route.roles) wanted.append(wanted.empty() ? "" : ", ").append(auth::to_string(role));
  std::string why = fmt::format("user does not have the required roles {}", wanted);
  if (const auto dfsp = path.find(kDfspId); dfsp != path.end())
    why += fmt::format(" for DFSP {}", log::printable(dfsp->second, 80));
  Answer answer = framework_error(403, why, {{route.path, why, ""}}, caller.correlation_id);
  answer.headers.emplace_back("X-AUTH-ERROR", header_text(why));
  answer.caller = caller.who();
  return answer;
}

/// The token of "Bearer TOKEN"; the scheme in any case (RFC 9110 section 11.1).
std::string_view bearer_token(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  const bool fits = header.size() > kScheme.size() &&
                    std::equal(kScheme.begin(), kScheme.end(), header.begin(),
                               [](unsigned char wanted, unsigned char found) { return std::tolower(found) == wanted; });
  return fits ? header.substr(kScheme.size()) : "";
}

bool lists(const Route& route, Role role) {
  return std::find(route.roles.begin(), route.roles.end(), role) != route.roles.end();
}

}  // namespace

tl::expected<Caller, Answer> Gate::admit(const Incoming& incoming, const Route& route, const PathParameters& path,
                                         const std::string& correlation_id) const {
  Caller caller{correlation_id};
  if (!verifier_ || lists(route, Role::anybody)) return caller;
  auto identity = identify(incoming, route, correlation_id);
  if (!identity) return tl::unexpected(std::move(identity).error());
  caller.identity = *std::move(identity);
  const auto allowed = is_allowed(*caller.identity, route, path);
  if (!allowed) return tl::unexpected(service_error(allowed.error(), correlation_id));
  if (!*allowed) return tl::unexpected(forbidden(route, path, caller));
  return caller;
}

tl::expected<auth::Identity, Answer> Gate::identify(const Incoming& incoming, const Route& route,
                                                    const std::string& correlation_id) const {
  if (!incoming.authorization) return identify_browser(incoming, route, correlation_id);
  const std::string_view token = bearer_token(*incoming.authorization);
  if (token.empty())
    return tl::unexpected(
        unauthenticated(route, "the Authorization header is not \"Bearer\" and a token", correlation_id));
  auto identity = verifier_->verify(token);
  if (identity) return *std::move(identity);
  const auth::Refusal& refusal = identity.error();
  return tl::unexpected(refusal.unavailable ? unavailable(route, refusal.why, correlation_id)
                                            : unauthenticated(route, refusal.why, correlation_id));
}

tl::expected<auth::Identity, Answer> Gate::identify_browser(const Incoming& incoming, const Route& route,
                                                            const std::string& correlation_id) const {
  const auto id = find_cookie(incoming.cookie.value_or(""), kSessionCookie);
  if (!sessions_ || !id) return tl::unexpected(unauthenticated(route, "", correlation_id));
  auto identity = sessions_->find(*id);
  if (!identity) return tl::unexpected(service_error(identity.error(), correlation_id));
  if (!*identity) return tl::unexpected(unauthenticated(route, "", correlation_id));
  // Browsers send cookies by themselves; a page of another site could not add this header without being allowed to.
  if (route.method != "GET" && !incoming.csrf) {
    const std::string_view why = "a call with a browser's session needs the header X-CSRF";
    return tl::unexpected(framework_error(403, why, {{".headers", std::string(why), ""}}, correlation_id));
  }
  return **std::move(identity);
}

Result<bool> Gate::is_allowed(const auth::Identity& identity, const Route& route, const PathParameters& path) const {
  const auto dfsp = path.find(kDfspId);
  if (dfsp == path.end())
    return std::any_of(route.roles.begin(), route.roles.end(), [&](Role role) { return identity.is(role); });
  const bool for_everyone = lists(route, Role::everyone);
  for (const Role of_the_hub : {Role::pta, Role::mta})
    if (identity.is(of_the_hub) && (for_everyone || lists(route, of_the_hub))) return true;
  if (!for_everyone && !lists(route, Role::dfsp)) return false;
  return dfsps_->is_own(identity, dfsp->second);
}

}  // namespace hubseal::agent::http
