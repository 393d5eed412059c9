#include "agent/config_auth.h"

#include <array>

#include <fmt/format.h>

#include "agent/auth/jws_algorithm.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

enum class Mode { none, oidc };
constexpr std::array<std::pair<std::string_view, Mode>, 2> kModes = {{{"none", Mode::none}, {"oidc", Mode::oidc}}};

constexpr std::size_t kMaxUrlBytes = 2048;
constexpr std::size_t kMaxNameBytes = 256;
constexpr std::size_t kMaxPathBytes = 4096;

Result<std::chrono::seconds> seconds(Fields& fields, std::string_view key, std::int64_t min, std::int64_t max,
                                     std::chrono::seconds fallback) {
  return std::chrono::seconds(TRY(fields.integer_or(key, min, max, fallback.count())));
}

/// Leaves the default where the key is absent.
Result<> read_text(Fields& fields, std::string_view key, std::size_t max_bytes, std::string& value) {
  if (auto given = TRY(fields.optional_text(key, max_bytes))) value = *std::move(given);
  return {};
}

Result<> check_url(std::string_view key, const std::string& url) {
  if (const auto good = auth::parse_provider_url(url); !good)
    return fail(Code::bad_request, fmt::format("\"{}\": {}", key, good.error().message));
  return {};
}

Result<> read_provider(Fields& fields, auth::ProviderConfig& provider) {
  provider.issuer = TRY(fields.text("issuer", kMaxUrlBytes));
  TRY(check_url("auth.issuer", provider.issuer));
  TRY(read_text(fields, "jwks_uri", kMaxUrlBytes, provider.jwks_uri));
  if (!provider.jwks_uri.empty()) TRY(check_url("auth.jwks_uri", provider.jwks_uri));
  provider.ca_file = TRY(fields.optional_text("ca_file", kMaxPathBytes)).value_or("");
  provider.timeout = TRY(seconds(fields, "provider_timeout_seconds", 1, 60, provider.timeout));
  return {};
}

Result<> read_algorithms(Fields& fields, std::vector<std::string>& algorithms) {
  if (!fields.has("algorithms")) return {};
  algorithms = TRY(fields.text_list("algorithms", 8, 16));
  if (algorithms.empty()) return fail(Code::bad_request, "\"auth.algorithms\" is empty: no token could be accepted");
  for (const std::string& name : algorithms)
    if (!auth::find_jws_algorithm(name))
      return fail(Code::bad_request, fmt::format("\"auth.algorithms\" holds \"{}\"; wanted {}",
                                                 log::printable(name, 16), auth::jws_algorithm_names()));
  return {};
}

Result<> read_tokens(Fields& fields, auth::TokenRules& tokens) {
  TRY(read_text(fields, "audience", kMaxNameBytes, tokens.audience));
  TRY(read_algorithms(fields, tokens.algorithms));
  tokens.tolerance = TRY(seconds(fields, "clock_tolerance_seconds", 0, 300, tokens.tolerance));
  TRY(read_text(fields, "groups_claim", kMaxNameBytes, tokens.groups_claim));
  TRY(read_text(fields, "pta_group", kMaxNameBytes, tokens.groups.pta));
  TRY(read_text(fields, "mta_group", kMaxNameBytes, tokens.groups.mta));
  TRY(read_text(fields, "service_group", kMaxNameBytes, tokens.groups.service));
  return read_text(fields, "dfsp_group_prefix", kMaxNameBytes, tokens.groups.dfsp_prefix);
}

Result<> read_key_times(Fields& fields, auth::JwksCache::Times& keys) {
  const auto whole = [](auto duration) { return std::chrono::duration_cast<std::chrono::seconds>(duration); };
  keys.refresh = TRY(seconds(fields, "keys_refresh_seconds", 1, 86400, whole(keys.refresh)));
  keys.max_age = TRY(seconds(fields, "keys_max_age_seconds", 1, 604800, whole(keys.max_age)));
  keys.pause = TRY(seconds(fields, "keys_pause_seconds", 1, 300, whole(keys.pause)));
  if (keys.max_age >= keys.refresh) return {};
  return fail(
      Code::bad_request,
      fmt::format("\"auth.keys_max_age_seconds\" is {} and \"auth.keys_refresh_seconds\" {}; wanted at least as much",
                  whole(keys.max_age).count(), whole(keys.refresh).count()));
}

Result<auth::BrowserLoginConfig> read_browser(Fields fields) {
  auth::BrowserLoginConfig browser;
  browser.client_id = TRY(fields.text("client_id", kMaxNameBytes));
  browser.client_secret_file = TRY(secret_path(
      "auth.browser.client_secret_file", TRY(fields.optional_text("client_secret_file", kMaxPathBytes)).value_or("")));
  browser.callback_url = TRY(fields.text("callback_url", kMaxUrlBytes));
  TRY(check_url("auth.browser.callback_url", browser.callback_url));
  browser.lifetime = 60 * TRY(seconds(fields, "session_minutes", 5, 720, std::chrono::seconds(60)));
  TRY(fields.nothing_left());
  return browser;
}

}  // namespace

Result<std::string> secret_path(std::string_view key, std::string path) {
  if (path.empty() || path.front() == '/') return path;
  return fail(Code::bad_request,
              fmt::format("\"{}\" is no absolute path; wanted that of a file that holds the secret, and "
                          "not the secret itself",
                          key));
}

Result<std::optional<OidcConfig>> read_auth(Fields fields) {
  const Mode mode = TRY(fields.choice("mode", kModes));
  std::optional<OidcConfig> config;
  if (mode == Mode::oidc) {
    config.emplace();
    TRY(read_provider(fields, config->provider));
    TRY(read_tokens(fields, config->tokens));
    TRY(read_key_times(fields, config->keys));
    if (const auto browser = TRY(fields.optional_object("browser"))) config->browser = TRY(read_browser(*browser));
    config->provider.with_logins = config->browser.has_value();
    config->tokens.issuer = config->provider.issuer;
    config->keys.patience = config->provider.timeout;
  }
  TRY(fields.nothing_left());
  return config;
}

Result<auth::KeycloakConfig> read_keycloak(Fields fields, const std::optional<OidcConfig>& oidc) {
  if (!oidc)
    return fail(Code::bad_request,
                "there is [keycloak] and \"auth.mode\" is \"none\": whoever connects could read the secrets of all "
                "participants. Wanted mode \"oidc\"");
  auth::KeycloakConfig keycloak;
  keycloak.base_url = TRY(fields.text("base_url", kMaxUrlBytes));
  TRY(check_url("keycloak.base_url", keycloak.base_url));
  if (keycloak.base_url.find('?') != std::string::npos)
    return fail(Code::bad_request, "\"keycloak.base_url\" has a query; wanted https://HOST or https://HOST/PATH");
  while (keycloak.base_url.ends_with('/')) keycloak.base_url.pop_back();
  keycloak.realm = TRY(fields.name("realm", kMaxNameBytes));
  keycloak.client_id = TRY(fields.text("client_id", kMaxNameBytes));
  keycloak.client_secret_file =
      TRY(secret_path("keycloak.client_secret_file", TRY(fields.text("client_secret_file", kMaxPathBytes))));
  keycloak.ca_file = TRY(fields.optional_text("ca_file", kMaxPathBytes)).value_or("");
  keycloak.timeout = TRY(seconds(fields, "timeout_seconds", 1, 60, keycloak.timeout));
  if (TRY(fields.boolean_or("create_clients", false)))
    keycloak.new_clients = auth::NewClients{oidc->tokens.audience, oidc->tokens.groups_claim};
  TRY(fields.nothing_left());
  return keycloak;
}

}  // namespace hubseal::agent
