#include "agent/http/pipeline.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "agent/http/etag.h"
#include "common/bytes.h"
#include "common/log.h"
#include "common/number.h"
#include "common/private_key.h"

namespace hubseal::agent::http {
namespace {

constexpr JsonLimits kBodyLimits = {.max_depth = 8, .max_members = 256, .allow_fractions = true};
constexpr std::string_view kNoPrivateKeys =
    "a private key must never be sent to this server: participants keep theirs, and the hub's keys are made in the HSM "
    "on the signing host (hubseal key create, hubseal ca create). A CA whose key is in the HSM already is taken over "
    "there (hubseal ca import). Consider the key that was sent compromised";

/// "request.body.name should be string, request.body should have ..."
std::string joined(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations) {
    // A missing member is the fault of the object around it, and so is one too many.
    std::string path = violation.path;
    if (violation.error_code.starts_with("required") || violation.error_code.starts_with("additionalProperties"))
      path.resize(path.rfind('.'));
    text.append(text.empty() ? "" : ", ").append("request").append(path).append(" ").append(violation.message);
  }
  return text;
}

bool is_media(const std::optional<std::string>& content_type, std::string_view wanted) {
  if (!content_type) return false;
  std::string media = content_type->substr(0, content_type->find(';'));
  while (media.ends_with(' ') || media.ends_with('\t')) media.pop_back();
  std::transform(media.begin(), media.end(), media.begin(), [](unsigned char c) { return std::tolower(c); });
  return media == wanted;
}

std::vector<Violation> check_path(const PathParameters& path) {
  std::vector<Violation> found;
  for (const auto& [name, value] : path)
    if ((name == "enId" || name == "epId") && !parse_number<std::uint64_t>(value, 0, INT64_MAX))
      found.push_back({".params." + name, "should be integer", "type.openapi.validation"});
  return found;
}

void look_for_private_key(const Json& body, std::vector<Violation>& found) {
  if (const auto place = private_key_in(body))
    found.push_back({".body" + *place, std::string(kNoPrivateKeys), "privateKey.hubseal"});
}

/// A body for which nobody has a use may be anything, as clients expect; but whoever sends a private key must hear of
/// it.
Json unread(const std::string& body) { return parse_json(body, kBodyLimits).value_or(body); }

/// What is refused for another reason than its body.
Answer refuse_unread(const Json& body, Answer refusal, const std::string& correlation_id) {
  std::vector<Violation> found;
  look_for_private_key(body, found);
  return found.empty() ? std::move(refusal) : framework_error(400, joined(found), found, correlation_id);
}

/// "limit" or "offset".
void read_page(std::string_view name, const std::string& value, Page& page, std::vector<Violation>& found) {
  const bool limit = name == "limit";
  const int least = limit ? 1 : 0;
  const int most = limit ? store::kMaxPageRows : store::kMaxPageOffset;
  const auto number = parse_number<int>(value, least, most);
  if (!number)
    found.push_back({fmt::format(".query.{}", name), fmt::format("should be integer of {} to {}", least, most),
                     "type.openapi.validation"});
  else if (limit)
    page.limit = *number;
  else
    page.offset = *number;
}

std::vector<Violation> check_query(const Target& target, const Route& route, Request& request) {
  std::vector<Violation> found;
  for (const auto& [name, value] : target.query) {
    const std::string path = ".query." + log::printable(name, 64);
    const bool of_page = route.paged && (name == "limit" || name == "offset");
    if (!of_page && std::find(route.query.begin(), route.query.end(), name) == route.query.end())
      found.push_back({path, fmt::format("Unknown query parameter '{}'", log::printable(name, 64)), ""});
    else if (value.empty())
      found.push_back({path, fmt::format("Empty value found for query parameter '{}'", name), ""});
    else if (!request.query.emplace(name, value).second)
      found.push_back({path, fmt::format("query parameter '{}' stands twice", name), ""});
    else if (of_page)
      read_page(name, value, request.page, found);
  }
  return found;
}

/// What `work` answers, or what is answered in its place when it throws.
template <class Work>
Answer or_incident(const std::string& correlation_id, Work work) {
  try {
    return work();
  } catch (const std::exception& problem) {
    return incident(problem.what(), correlation_id);
  } catch (...) {
    return incident("an exception that is no std::exception", correlation_id);
  }
}

/// Those of the router name their parameter themselves.
std::string first_message(const std::vector<Violation>& violations) {
  const Violation& first = violations.front();
  return first.error_code.empty() ? first.message : joined({first});
}

}  // namespace

std::string new_correlation_id() {
  std::array<std::uint8_t, 8> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return to_hex(bytes);
}

Pipeline::Pipeline(std::vector<Route> routes, BrowserGuard guard, Gate gate)
    : router_(std::move(routes)),
      requests_(std::make_unique<RequestMetrics>(router_.routes())),
      guard_(std::move(guard)),
      gate_(gate) {}

std::size_t Pipeline::max_body_bytes(const Incoming& incoming) const {
  const auto target = parse_target(incoming.target);
  const Route* const route = target ? router_.match(incoming.method, target->segments).route : nullptr;
  return route && route->body_is_list ? kMaxListBytes : kMaxBodyBytes;
}

Answer Pipeline::answer(const Incoming& incoming, const std::string& correlation_id) const noexcept {
  const auto start = std::chrono::steady_clock::now();
  Answer answer = or_incident(correlation_id, [&] { return answer_or_throw(incoming, correlation_id); });
  answer.took = std::chrono::steady_clock::now() - start;
  return answer;
}

Answer Pipeline::answer_or_throw(const Incoming& incoming, const std::string& correlation_id) const {
  if (const auto why = guard_.refuse(incoming))
    return framework_error(403, *why, {{".headers", *why, ""}}, correlation_id);
  if (auto match = router_.match_rest(incoming.method, incoming.target))
    return serve(incoming, {}, *std::move(match), correlation_id);
  const auto target = parse_target(incoming.target);
  if (!target) {
    const std::string& why = target.error().message;
    return framework_error(400, why, {{".params", why, ""}}, correlation_id);
  }
  const std::string path = incoming.target.substr(0, incoming.target.find('?'));
  Router::Match match = router_.match(incoming.method, target->segments);
  if (match.route) return serve(incoming, *target, std::move(match), correlation_id);
  if (match.allow.empty()) return framework_error(404, "not found", {{path, "not found", ""}}, correlation_id);
  const std::string why = fmt::format("{} method not allowed", log::printable(incoming.method, 32));
  Answer answer = framework_error(405, why, {{path, why, ""}}, correlation_id);
  answer.allow = std::move(match.allow);
  return answer;
}

Answer Pipeline::serve(const Incoming& incoming, const Target& target, Router::Match match,
                       const std::string& correlation_id) const {
  const Route* const route = match.route;
  std::string who;
  Answer answer = or_incident(correlation_id, [&] {
    auto caller = gate_.admit(incoming, *route, match.path, correlation_id);
    if (!caller) return std::move(caller).error();
    who = caller->who();
    return serve_admitted(incoming, target, std::move(match), *std::move(caller));
  });
  if (!who.empty()) answer.caller = std::move(who);
  answer.route = route;
  return answer;
}

Answer Pipeline::serve_admitted(const Incoming& incoming, const Target& target, Router::Match match,
                                Caller caller) const {
  const Route& route = *match.route;
  const std::string correlation_id = caller.correlation_id;
  Request request;
  request.caller = std::move(caller);
  request.cookies = incoming.cookie.value_or("");
  request.x_dfsp_id = incoming.x_dfsp_id;
  request.peer = incoming.peer;
  request.if_match = incoming.if_match;
  request.host = incoming.host;
  const std::string_view wanted = route.media_type.empty() ? "application/json" : std::string_view(route.media_type);
  const bool none_is_fine = route.body_may_be_missing && incoming.body.empty();
  if ((route.takes_body || !route.media_type.empty()) && !none_is_fine && !is_media(incoming.content_type, wanted)) {
    const std::string why =
        fmt::format("unsupported media type {}", log::printable(incoming.content_type.value_or("undefined"), 80));
    return refuse_unread(unread(incoming.body), framework_error(415, why, {{route.path, why, ""}}, correlation_id),
                         correlation_id);
  }
  if (!route.media_type.empty()) request.raw = incoming.body;
  if (const auto found = check_query(target, route, request); !found.empty())
    return framework_error(400, first_message(found), found, correlation_id);
  std::vector<Violation> found = check_path(match.path);
  if (route.takes_body) {
    auto body = incoming.body.empty() ? Result<Json>(Json::object()) : parse_json(incoming.body, kBodyLimits);
    if (!body)
      return refuse_unread(Json(incoming.body),
                           framework_error(400, "request body: " + body.error().message, {}, correlation_id),
                           correlation_id);
    look_for_private_key(*body, found);
    if (route.reshape) body = route.reshape(*std::move(body));
    const auto violations =
        route.body_is_list ? check_list_body(*body, route.body) : check_body(*body, route.body, route.closed_body);
    found.insert(found.end(), violations.begin(), violations.end());
    request.body = *std::move(body);
  } else if (route.media_type.empty() && !incoming.body.empty()) {
    look_for_private_key(unread(incoming.body), found);
  }
  if (!found.empty()) return framework_error(400, joined(found), found, correlation_id);
  request.path = std::move(match.path);
  Outcome outcome = route.handler(request);
  if (!outcome) return service_error(outcome.error(), correlation_id);
  return route.method == "GET" && route.has_etag ? with_etag(*std::move(outcome), incoming.if_none_match)
                                                 : *std::move(outcome);
}

}  // namespace hubseal::agent::http
