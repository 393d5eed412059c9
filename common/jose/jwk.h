/// JSON Web Keys (RFC 7517, RFC 7518 section 6) of public keys.
#pragma once

#include <string>

#include "common/json.h"
#include "common/key_types.h"
#include "common/openssl.h"

namespace hubseal::jose {

/// "RS256", "ES256" or "ES384": the algorithm that goes with a kind of key (RFC 7518 section 3.1).
std::string_view jws_algorithm(KeyType type);
SignatureAlgorithm signature_algorithm(KeyType type);

/// Members kty and what the kind of key needs: n and e, or crv, x and y.
Result<Json> to_jwk(const EVP_PKEY* key);

/// The public key that a JWK describes, whatever else it says. Errors: bad_request: a kind or size that is none of
/// kKeyTypes, numbers that are no such key.
Result<PkeyPtr> from_jwk(const Json& jwk);

/// base64url of the SHA-256 thumbprint of `jwk` (RFC 7638): our `kid`.
std::string thumbprint(const Json& jwk);

}  // namespace hubseal::jose
