#include "agent/auth/provider.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/fields.h"
#include "common/log.h"

namespace hubseal::agent::auth {
namespace {

constexpr std::size_t kMaxDocumentBytes = 64 * 1024;
constexpr std::size_t kMaxUrlBytes = 2048;
constexpr JsonLimits kLimits = {.max_depth = 6, .max_members = 256, .max_values = 4096, .allow_fractions = true};

Result<std::string> url_of(Fields& fields, std::string_view member) {
  std::string url = TRY(fields.text(member, kMaxUrlBytes));
  TRY(parse_provider_url(url));
  return url;
}

}  // namespace

Result<Provider> Provider::make(const ProviderConfig& config) {
  return Provider(config, TRY(HttpClient::make(config.ca_file, config.timeout)));
}

Result<Provider::Document> Provider::discover() const {
  std::string url = config_.issuer;
  if (url.ends_with('/')) url.pop_back();
  const std::string text = TRY(client_.get(url + "/.well-known/openid-configuration", kMaxDocumentBytes));
  const Json json = TRY(parse_json(text, kLimits));
  Fields fields = TRY(Fields::of(json, "discovery."));
  const std::string issuer = TRY(fields.text("issuer", kMaxUrlBytes));
  if (issuer != config_.issuer)
    return fail(Code::internal, fmt::format("the discovery document is of issuer \"{}\"; wanted \"{}\"",
                                            log::printable(issuer, 200), config_.issuer));
  Document document;
  document.jwks_uri = TRY(url_of(fields, "jwks_uri"));
  if (!config_.with_logins) return document;
  document.authorization_endpoint = TRY(url_of(fields, "authorization_endpoint"));
  document.token_endpoint = TRY(url_of(fields, "token_endpoint"));
  if (fields.has("end_session_endpoint")) document.end_session_endpoint = TRY(url_of(fields, "end_session_endpoint"));
  return document;
}

Result<JwkSet> Provider::key_set() const {
  std::string url = config_.jwks_uri;
  if (url.empty() || config_.with_logins) {
    Document document = TRY(discover());
    if (url.empty()) url = document.jwks_uri;
    *known_->lock() = std::move(document);
  }
  return JwkSet::parse(TRY(client_.get(url, kMaxJwkSetBytes)));
}

Result<Provider::Document> Provider::document() const {
  auto known = known_->lock();
  if (*known) return **known;
  return fail(Code::internal, "the identity provider has not been reached yet");
}

Result<std::string> Provider::exchange(const std::string& form, const Wiped* authorization) const {
  return client_.post_form(TRY(document()).token_endpoint, form, authorization, kMaxDocumentBytes);
}

}  // namespace hubseal::agent::auth
