/// Tokens as OpenSSL signs them, for tests of what judges tokens.
#pragma once

#include <string>

#include "agent/auth/jwk_set.h"
#include "common/json.h"
#include "common/openssl.h"

namespace hubseal::agent::test {

/// A key of a provider. Owns it.
struct TokenKey {
  /// RSA of 2048 bits, or P-256 where `ec`.
  explicit TokenKey(std::string kid, bool ec = false);

  Json jwk() const;
  /// base64url of the header, the claims and the signature over both.
  std::string sign(const Json& header, const Json& claims) const;
  std::string sign(const Json& claims) const;

  std::string kid;
  std::string algorithm;
  PkeyPtr key;
};

Result<auth::JwkSet> set_of(const std::vector<const TokenKey*>& keys);

}  // namespace hubseal::agent::test
