#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/auth/jws_algorithm.h"
#include "common/json.h"
#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::agent::auth {

constexpr std::size_t kMaxJwkSetBytes = 64 * 1024;

/// The keys with which a provider signs tokens (RFC 7517 section 5).
/// Owns: the keys. Threads: share it freely; it does not change.
class JwkSet {
 public:
  /// Keys of other uses, kinds and sizes are left out, as RFC 7517 section 5 wants it, and so is one that brings its
  /// private half. Errors: bad_request: no set of keys, or none in it that can be used.
  static Result<JwkSet> parse(std::string_view text);

  /// The key that a token names, for this algorithm. A token that names none gets the only one that fits.
  /// Null: there is none.
  EVP_PKEY* find(std::string_view kid, const JwsAlgorithm& algorithm) const;

 private:
  struct Jwk {
    std::string kid;        ///< may be empty
    std::string algorithm;  ///< the only one that it is for; empty: any that fits
    KeyType type;
    PkeyPtr key;
  };

  static Result<Jwk> read(const Json& jwk);

  std::vector<Jwk> keys_;
};

}  // namespace hubseal::agent::auth
