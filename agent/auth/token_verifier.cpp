#include "agent/auth/token_verifier.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/log.h"

namespace hubseal::agent::auth {
namespace {

constexpr std::size_t kMaxTextBytes = 256;  // of a claim that is looked at
constexpr JsonLimits kLimits = {.max_depth = 8, .max_members = 256, .max_values = 1024, .allow_fractions = true};

template <class... Values>
tl::unexpected<Error> refuse(fmt::format_string<Values...> text, Values&&... values) {
  return fail(Code::bad_request, fmt::format(text, std::forward<Values>(values)...));
}

std::string shown(std::string_view text) { return log::printable(text, 80); }

struct Parts {
  std::string_view header, claims, signature;
  std::string_view signed_part;  ///< header and claims, as they came
};

Result<Parts> split(std::string_view token) {
  if (token.size() > kMaxTokenBytes)
    return refuse("the token has {} bytes; at most {} are read", token.size(), kMaxTokenBytes);
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (first == last || token.find('.', first + 1) != last)
    return refuse("the token is not three parts with a dot between");
  return Parts{token.substr(0, first), token.substr(first + 1, last - first - 1), token.substr(last + 1),
               token.substr(0, last)};
}

/// RFC 8725 section 2.6: strictly, so that no other reader sees something else in it.
Result<Json> decode(std::string_view part, std::string_view what) {
  const auto bytes = from_base64url(part);
  if (!bytes) return refuse("the token's {} is not base64url", what);
  auto json = parse_json(as_text(*bytes), kLimits);
  if (!json || !json->is_object()) return refuse("the token's {} is not an object of JSON", what);
  return *std::move(json);
}

std::optional<std::string> text_of(const Json& object, const std::string& member) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

/// NumericDate (RFC 7519 section 2): seconds, possibly with a fraction.
Result<std::optional<TimePoint>> time_of(const Json& claims, const std::string& member) {
  const auto found = claims.find(member);
  if (found == claims.end()) return std::nullopt;
  const double seconds = found->is_number() ? found->get<double>() : -1;
  if (!(seconds >= 0 && seconds < 253402300800.0)) return refuse("the token's {} is not a time", member);
  return TimePoint(std::chrono::seconds(static_cast<std::int64_t>(std::floor(seconds))));
}

std::vector<std::string> texts_of(const Json& claims, const std::string& member) {
  std::vector<std::string> texts;
  const auto found = claims.find(member);
  if (found == claims.end() || !found->is_array()) return texts;
  for (const Json& item : *found)
    if (item.is_string()) texts.push_back(item.get<std::string>());
  return texts;
}

/// "at+jwt" and "application/at+jwt" are one type (RFC 7515 section 4.1.9).
std::string media_type(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::string_view kPrefix = "application/";
  return text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : text;
}

}  // namespace

tl::expected<Identity, Refusal> TokenVerifier::verify(std::string_view token, std::string_view nonce) const {
  const Parts parts = TRY(split(token));
  const Json header = TRY(decode(parts.header, "header"));
  // What an unknown signer claims is not even read.
  if (const auto good = check_signature(parts.signed_part, parts.signature, header); !good)
    return tl::unexpected(good.error());
  const Json claims = TRY(decode(parts.claims, "payload"));
  TRY(check_claims(claims));
  TRY(check_times(claims));
  if (!nonce.empty() && text_of(claims, "azp").value_or(rules_.audience) != rules_.audience)
    return refuse("the token was made for another client (azp)");
  if (!nonce.empty() && text_of(claims, "nonce") != nonce)
    return refuse("the token was made for another login (nonce)");
  return TRY(identify(claims));
}

Result<const JwsAlgorithm*> TokenVerifier::check_header(const Json& header) const {
  const std::string name = text_of(header, "alg").value_or("");
  const JwsAlgorithm* algorithm = find_jws_algorithm(name);
  if (!algorithm || std::find(rules_.algorithms.begin(), rules_.algorithms.end(), name) == rules_.algorithms.end())
    return refuse("the token's algorithm is \"{}\"; wanted one of {}", shown(name), fmt::join(rules_.algorithms, ", "));
  if (header.contains("crit")) return refuse("the token's header asks for extensions (crit), of which none is known");
  const std::string type = media_type(text_of(header, "typ").value_or("jwt"));
  if (type != "jwt" && type != "at+jwt")
    return refuse("the token is of type \"{}\"; wanted JWT or at+jwt", shown(type));
  return algorithm;
}

tl::expected<void, Refusal> TokenVerifier::check_signature(std::string_view signed_part, std::string_view signature,
                                                           const Json& header) const {
  // The key decides what a signature must be, the header only which of its forms it has. Keys that a token brings or
  // points to (jwk, jku, x5c, x5u) are not looked at.
  const JwsAlgorithm& algorithm = *TRY(check_header(header));
  const std::string kid = text_of(header, "kid").value_or("");
  const auto set = keys_.get([&](const JwkSet& keys) { return keys.find(kid, algorithm) != nullptr; });
  if (!set) {
    Refusal refusal({Code::internal, "tokens cannot be checked at the moment; try again later"});
    refusal.unavailable = true;
    return tl::unexpected(std::move(refusal));
  }
  EVP_PKEY* key = set->find(kid, algorithm);
  if (!key) return refuse("the provider has no key \"{}\" for {}", shown(kid), algorithm.name);
  const auto bytes = from_base64url(signature);
  if (!bytes || !verify_signature(key, algorithm.signature, as_bytes(signed_part), *bytes))
    return refuse("the token's signature is not the provider's");
  return {};
}

Result<> TokenVerifier::check_claims(const Json& claims) const {
  const std::string issuer = text_of(claims, "iss").value_or("");
  if (issuer != rules_.issuer)
    return refuse("the token is of issuer \"{}\"; wanted \"{}\"", shown(issuer), rules_.issuer);
  std::vector<std::string> audience = texts_of(claims, "aud");
  if (const auto single = text_of(claims, "aud")) audience = {*single};
  if (std::find(audience.begin(), audience.end(), rules_.audience) == audience.end())
    return refuse("the token is for \"{}\"; wanted \"{}\" among its audience",
                  shown(fmt::format("{}", fmt::join(audience, ", "))), rules_.audience);
  // Keycloak says in the payload what a token is: an ID or a logout token opens nothing.
  const std::string kind = text_of(claims, "typ").value_or(rules_.kind);
  if (kind != rules_.kind) return refuse("the token is a \"{}\"; wanted \"{}\"", shown(kind), rules_.kind);
  // RFC 7800: it is worth nothing without a proof of possession, and none is asked for here.
  if (claims.contains("cnf")) return refuse("the token is bound to a key (cnf); wanted a bearer token");
  return {};
}

Result<> TokenVerifier::check_times(const Json& claims) const {
  const TimePoint now = clock_.now();
  const auto expires = TRY(time_of(claims, "exp"));
  if (!expires) return refuse("the token never expires; wanted exp");
  if (now >= *expires + rules_.tolerance) return refuse("the token expired at {}", format_utc(*expires));
  const auto begins = TRY(time_of(claims, "nbf"));
  if (begins && now + rules_.tolerance < *begins)
    return refuse("the token is not valid before {}", format_utc(*begins));
  return {};
}

Result<Identity> TokenVerifier::identify(const Json& claims) const {
  Identity identity;
  identity.subject = text_of(claims, "sub").value_or("");
  if (identity.subject.empty() || identity.subject.size() > kMaxTextBytes)
    return refuse("the token says of nobody (sub) that it is theirs");
  identity.name =
      text_of(claims, "name").value_or(text_of(claims, "preferred_username").value_or("")).substr(0, kMaxTextBytes);
  identity.email = text_of(claims, "email").value_or("").substr(0, kMaxTextBytes);
  set_roles(identity, texts_of(claims, rules_.groups_claim), rules_.groups);
  return identity;
}

}  // namespace hubseal::agent::auth
