#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "agent/auth/jwks_cache.h"
#include "agent/auth/roles.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/result.h"

namespace hubseal::agent::auth {

/// What a token must be like.
struct TokenRules {
  std::string issuer;
  std::string audience = "connection-manager-api";
  std::vector<std::string> algorithms = {"RS256", "ES256"};  ///< names that find_jws_algorithm knows
  std::chrono::seconds tolerance{60};                        ///< between our clock and the provider's
  std::string kind = "Bearer";  ///< what Keycloak calls such tokens in their payload; other providers say nothing
  std::string groups_claim = "groups";
  GroupNames groups = {};
};

/// Why nobody was recognised.
struct Refusal {
  Refusal(Error e) : why(std::move(e.message)) {}  // NOLINT(google-explicit-constructor): so that TRY works

  std::string why;           ///< what was found and what was wanted; nothing secret
  bool unavailable = false;  ///< not the token's fault: the provider's keys are not known
};

constexpr std::size_t kMaxTokenBytes = 8 * 1024;

/// Judges tokens: JWTs (RFC 7519) that the provider signed for this API, by RFC 8725 and RFC 9068 section 4.
/// Threads: share it freely.
class TokenVerifier {
 public:
  TokenVerifier(TokenRules rules, JwksCache& keys, const Clock& clock)
      : rules_(std::move(rules)), keys_(keys), clock_(clock) {}

  tl::expected<Identity, Refusal> verify(std::string_view token) const { return verify(token, {}); }
  /// An ID token (OpenID Connect Core section 3.1.3.7) must hold the nonce that it was asked for with.
  tl::expected<Identity, Refusal> verify(std::string_view token, std::string_view nonce) const;

 private:
  Result<const JwsAlgorithm*> check_header(const Json& header) const;
  tl::expected<void, Refusal> check_signature(std::string_view signed_part, std::string_view signature,
                                              const Json& header) const;
  Result<> check_claims(const Json& claims) const;
  Result<> check_times(const Json& claims) const;
  Result<Identity> identify(const Json& claims) const;

  const TokenRules rules_;
  JwksCache& keys_;
  const Clock& clock_;
};

}  // namespace hubseal::agent::auth
