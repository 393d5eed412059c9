#pragma once

#include <optional>
#include <string_view>

#include "common/key_types.h"

namespace hubseal::agent::auth {

/// An algorithm of RFC 7518 section 3.1 that a token may be signed with. Only those with public keys exist here, so
/// that "none" and HMAC, which whoever knows a public key could compute, have no way to be chosen.
struct JwsAlgorithm {
  std::string_view name;
  SignatureAlgorithm signature;
  std::optional<KeyType> curve;  ///< of an EC key, which the algorithm fixes; absent: any RSA key

  bool fits(KeyType key) const { return curve ? key == *curve : is_rsa(key); }
};

/// Null: none of that name.
const JwsAlgorithm* find_jws_algorithm(std::string_view name);
/// "RS256, RS384, ..."
std::string_view jws_algorithm_names();

}  // namespace hubseal::agent::auth
