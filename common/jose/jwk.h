/// JSON Web Keys (RFC 7517, RFC 7518 section 6) of public keys.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "common/json.h"
#include "common/key_types.h"
#include "common/openssl.h"

namespace hubseal::jose {

/// The algorithms that keys of ours sign JWS with (RFC 7518 section 3.1).
constexpr std::array<std::pair<std::string_view, SignatureAlgorithm>, 5> kJwsAlgorithms = {{
    {"RS256", SignatureAlgorithm::rsa_pkcs1_sha256},
    {"RS384", SignatureAlgorithm::rsa_pkcs1_sha384},
    {"RS512", SignatureAlgorithm::rsa_pkcs1_sha512},
    {"ES256", SignatureAlgorithm::ecdsa_sha256},
    {"ES384", SignatureAlgorithm::ecdsa_sha384},
}};
std::string_view jws_algorithm(SignatureAlgorithm algorithm);
/// That of a kind of key for which nobody has chosen one: RS256, ES256 or ES384.
SignatureAlgorithm signature_algorithm(KeyType type);
/// Whether such a key may sign so: with RSA the hash is free, with a curve it is not.
bool is_jws_algorithm_of(KeyType type, SignatureAlgorithm algorithm);

/// Members kty and what the kind of key needs: n and e, or crv, x and y.
Result<Json> to_jwk(const EVP_PKEY* key);

/// The public key that a JWK describes, whatever else it says. Errors: bad_request: a kind or size that is none of
/// kKeyTypes, numbers that are no such key.
Result<PkeyPtr> from_jwk(const Json& jwk);

/// base64url of the SHA-256 thumbprint of `jwk` (RFC 7638): our `kid`.
std::string thumbprint(const Json& jwk);

}  // namespace hubseal::jose
