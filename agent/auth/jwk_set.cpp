#include "agent/auth/jwk_set.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/fields.h"
#include "common/jose/jwk.h"
#include "common/log.h"

namespace hubseal::agent::auth {
namespace {

constexpr std::size_t kMaxKeys = 64;
constexpr std::size_t kMaxKidBytes = 256;
constexpr JsonLimits kLimits = {.max_depth = 6, .max_members = 64, .max_values = 4096, .allow_fractions = true};

}  // namespace

Result<JwkSet::Jwk> JwkSet::read(const Json& jwk) {
  Fields fields = TRY(Fields::of(jwk, "jwk."));
  Jwk read;
  read.kid = TRY(fields.optional_text("kid", kMaxKidBytes)).value_or("");
  read.algorithm = TRY(fields.optional_text("alg", 32)).value_or("");
  if (TRY(fields.optional_text("use", 32)).value_or("sig") != "sig")
    return fail(Code::bad_request, "a key that is not for signatures");
  if (fields.has("d")) return fail(Code::bad_request, "a private key, which everybody can read there");
  read.key = TRY(jose::from_jwk(jwk));
  read.type = TRY(key_type_of(read.key.get()));
  return read;
}

Result<JwkSet> JwkSet::parse(std::string_view text) {
  if (text.size() > kMaxJwkSetBytes)
    return fail(Code::bad_request, fmt::format("{} bytes; at most {} are read", text.size(), kMaxJwkSetBytes));
  const Json json = TRY(parse_json(text, kLimits));
  Fields fields = TRY(Fields::of(json, "the JWK set"));
  if (!fields.has("keys") || !json["keys"].is_array() || json["keys"].size() > kMaxKeys)
    return fail(Code::bad_request, fmt::format("no \"keys\" with a list of at most {} keys", kMaxKeys));
  JwkSet set;
  std::string why = "the list is empty";
  for (const Json& item : json["keys"]) {
    auto key = read(item);
    if (key)
      set.keys_.push_back(*std::move(key));
    else
      why = key.error().message;
  }
  if (set.keys_.empty()) return fail(Code::bad_request, "no key that can be used: " + log::printable(why, 200));
  return set;
}

EVP_PKEY* JwkSet::find(std::string_view kid, const JwsAlgorithm& algorithm) const {
  EVP_PKEY* found = nullptr;
  for (const Jwk& jwk : keys_) {
    if (!algorithm.fits(jwk.type) || (!jwk.algorithm.empty() && jwk.algorithm != algorithm.name)) continue;
    if (kid.empty() && found) return nullptr;
    if (kid.empty() || jwk.kid == kid) found = jwk.key.get();
    if (!kid.empty() && found) return found;
  }
  return found;
}

}  // namespace hubseal::agent::auth
