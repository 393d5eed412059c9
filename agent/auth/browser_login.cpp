#include "agent/auth/browser_login.h"

#include <algorithm>

#include <Poco/URI.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <nlohmann/json.hpp>

#include "agent/auth/http_client.h"
#include "common/bytes.h"
#include "common/fields.h"
#include "common/key_types.h"

namespace hubseal::agent::auth {
namespace {

constexpr std::size_t kMaxPathBytes = 1024;
// A provider that hangs shall not hold every thread, nor one address all that others need.
constexpr int kMaxExchanges = 8;
constexpr JsonLimits kLimits = {.max_depth = 6, .max_members = 64, .max_values = 256, .allow_fractions = true};

std::string form_of(std::initializer_list<std::pair<std::string_view, std::string_view>> members) {
  std::string form;
  for (const auto& [name, value] : members)
    form += fmt::format("{}{}={}", form.empty() ? "" : "&", name, percent_encoded(value));
  return form;
}

/// A value that follows from the browser's secret and does not give it away.
std::string derived(std::string_view purpose, std::string_view secret) {
  return to_base64url(sha256(as_bytes(fmt::format("hubseal browser login {}: {}", purpose, secret))));
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string origin_of(const std::string& url) {
  const std::size_t host = url.find("://") + 3;
  return url.substr(0, std::min(url.find('/', host), url.size()));
}

std::string with_query(const std::string& url, const std::string& query) {
  return url + (url.find('?') == std::string::npos ? "?" : "&") + query;
}

Refusal unavailable(std::string why) {
  Refusal refusal({Code::internal, std::move(why)});
  refusal.unavailable = true;
  return refusal;
}

/// For ID tokens: they are for the client, not for the API.
TokenRules for_id_tokens(TokenRules rules, const std::string& client_id) {
  rules.audience = client_id;
  rules.kind = "ID";
  return rules;
}

}  // namespace

BrowserLogin::BrowserLogin(BrowserLoginConfig config, SecretBytes client_secret, const Provider& provider,
                           TokenRules rules, JwksCache& keys, const Clock& clock)
    : config_(std::move(config)),
      client_secret_(std::move(client_secret)),
      provider_(provider),
      verifier_(for_id_tokens(std::move(rules), config_.client_id), keys, clock),
      origin_(origin_of(config_.callback_url)),
      exchanges_(kMaxExchanges) {}

std::optional<std::string> BrowserLogin::own_path(std::string_view return_to) const {
  if (return_to == origin_) return "/";
  if (return_to.starts_with(origin_)) return_to.remove_prefix(origin_.size());
  // "//host" and "/\host" are other hosts to a browser.
  const bool own =
      return_to.starts_with('/') && !return_to.starts_with("//") && return_to.size() <= kMaxPathBytes &&
      std::all_of(return_to.begin(), return_to.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '\\'; });
  return own ? std::optional<std::string>(return_to) : std::nullopt;
}

Result<std::string> BrowserLogin::location(std::string_view secret) const {
  const std::string challenge = to_base64url(sha256(as_bytes(derived("verifier", secret))));
  return with_query(TRY(provider_.document()).authorization_endpoint, form_of({{"client_id", config_.client_id},
                                                                               {"redirect_uri", config_.callback_url},
                                                                               {"response_type", "code"},
                                                                               {"scope", "openid profile email"},
                                                                               {"code_challenge", challenge},
                                                                               {"code_challenge_method", "S256"},
                                                                               {"state", derived("state", secret)},
                                                                               {"nonce", derived("nonce", secret)}}));
}

Result<std::string> BrowserLogin::exchange(const std::string& form) const {
  std::optional<Wiped> authorization;
  if (!client_secret_.empty()) authorization.emplace(basic_authorization(config_.client_id, client_secret_));
  const Json answer =
      TRY(parse_json(TRY(provider_.exchange(form, authorization ? &*authorization : nullptr)), kLimits));
  Fields fields = TRY(Fields::of(answer, "token answer."));
  return fields.text("id_token", kMaxTokenBytes);
}

tl::expected<Identity, Refusal> BrowserLogin::finish(std::string_view secret, const Callback& callback) {
  if (!same(callback.state, derived("state", secret)))
    return fail(Code::bad_request, "the answer belongs to another login (state)");
  // RFC 9207: the answer of another provider, passed on to this one.
  if (!callback.issuer.empty() && callback.issuer != provider_.issuer())
    return fail(Code::bad_request, "the answer is another provider's (iss)");
  const Places::Place place(exchanges_, holder_of(callback.peer));
  if (!place.taken()) return tl::unexpected(unavailable("too many logins at the moment; try again later"));
  const auto token = exchange(form_of({{"grant_type", "authorization_code"},
                                       {"code", callback.code},
                                       {"redirect_uri", config_.callback_url},
                                       {"client_id", config_.client_id},
                                       {"code_verifier", derived("verifier", secret)}}));
  if (!token && token.error().code == Code::forbidden)
    return fail(Code::bad_request, "the provider did not take the code");
  if (!token) return tl::unexpected(unavailable(token.error().message));
  return verifier_.verify(*token, derived("nonce", secret));
}

std::optional<std::string> BrowserLogin::logout_location(const std::string& path) const {
  const auto document = provider_.document();
  if (!document || document->end_session_endpoint.empty()) return std::nullopt;
  return with_query(document->end_session_endpoint,
                    form_of({{"client_id", config_.client_id}, {"post_logout_redirect_uri", origin_ + path}}));
}

}  // namespace hubseal::agent::auth
