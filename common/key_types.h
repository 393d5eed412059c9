/// The kinds of key and signature that HubSeal knows, in the words that travel on the wire and
/// stand in profiles and configuration files.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/bytes.h"
#include "common/openssl.h"
#include "common/result.h"

namespace hubseal {

enum class KeyType { rsa_2048, rsa_3072, rsa_4096, ec_p256, ec_p384 };

constexpr std::array<std::pair<std::string_view, KeyType>, 5> kKeyTypes = {{
    {"rsa_2048", KeyType::rsa_2048},
    {"rsa_3072", KeyType::rsa_3072},
    {"rsa_4096", KeyType::rsa_4096},
    {"ec_p256", KeyType::ec_p256},
    {"ec_p384", KeyType::ec_p384},
}};

std::string_view to_string(KeyType type);
inline bool is_rsa(KeyType type) {
  return type == KeyType::rsa_2048 || type == KeyType::rsa_3072 || type == KeyType::rsa_4096;
}

/// Hash and padding of a signature; the curve of an ECDSA signature is its key's.
enum class SignatureAlgorithm {
  rsa_pkcs1_sha256,
  rsa_pkcs1_sha384,
  rsa_pkcs1_sha512,
  rsa_pss_sha256,  ///< salt as long as the hash, MGF1 with the same hash (RFC 7518 section 3.5)
  rsa_pss_sha384,
  rsa_pss_sha512,
  ecdsa_sha256,
  ecdsa_sha384,
  ecdsa_sha512,
};

std::string_view to_string(SignatureAlgorithm algorithm);
bool is_rsa(SignatureAlgorithm algorithm);
bool is_pss(SignatureAlgorithm algorithm);
/// The hash alone: EVP_sha256(), EVP_sha384() or EVP_sha512(); static, never freed.
const EVP_MD* hash_of(SignatureAlgorithm algorithm);
/// Whether a key of this kind can make such a signature.
bool fits(SignatureAlgorithm algorithm, KeyType type);

/// A key's name that cannot lie: SHA-256 over its SubjectPublicKeyInfo (DER, RFC 5280 4.1.2.7).
using KeyId = std::array<std::uint8_t, 32>;
std::string to_string(const KeyId& id);  ///< 64 lower-case hexadecimal digits
Result<KeyId> parse_key_id(std::string_view hex);

std::array<std::uint8_t, 32> sha256(ByteView data);

/// DER SubjectPublicKeyInfo of a public key.
Result<Bytes> spki_of(const EVP_PKEY* key);
Result<KeyId> key_id_of(const EVP_PKEY* key);
/// SHA-256 over what two keys have in common when the private half of one gives away that of the other: an
/// RSA modulus, whatever the exponent; the x of an EC point, whatever the sign of y.
Result<KeyId> key_core_of(const EVP_PKEY* key);
/// "-----BEGIN PUBLIC KEY-----" form.
Result<std::string> public_key_pem(const EVP_PKEY* key);
/// Refuses every key that is not one of kKeyTypes (sizes in between, other curves, other kinds).
Result<KeyType> key_type_of(const EVP_PKEY* key);

/// ECDSA-Sig-Value (RFC 3279 section 2.2.3) from r || s as PKCS#11 and JOSE write it, and back;
/// `coordinate_bytes` is 32 for P-256 and 48 for P-384.
Result<Bytes> ecdsa_raw_to_der(ByteView raw);
Result<Bytes> ecdsa_der_to_raw(ByteView der, std::size_t coordinate_bytes);

/// Whether `signature` over `message` was made with the private half of `key`. ECDSA signatures are
/// r || s. Any thread; the key is only read.
bool verify_signature(EVP_PKEY* key, SignatureAlgorithm algorithm, ByteView message, ByteView signature);

}  // namespace hubseal
