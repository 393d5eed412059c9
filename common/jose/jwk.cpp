#include "common/jose/jwk.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <nlohmann/json.hpp>

#include "common/fields.h"
#include "common/log.h"
#include "common/x509/public_key.h"

namespace hubseal::jose {
namespace {

/// A number of the key, big-endian; as short as it can be where `bytes` is 0.
Result<std::string> number(const EVP_PKEY* key, const char* name, int bytes) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1)
    return fail(Code::internal, std::string("public key has no ") + name + ": " + drain_openssl_errors());
  const BignumPtr value(raw);
  const int size = bytes ? bytes : BN_num_bytes(value.get());
  Bytes encoded(static_cast<std::size_t>(size));
  if (BN_bn2binpad(value.get(), encoded.data(), size) != size)
    return fail(Code::internal, std::string("public key: bad ") + name);
  return to_base64url(encoded);
}

constexpr std::size_t kMaxNumberText = 1024;  // of 4096 bits, with room

Result<Bytes> bytes_of(Fields& fields, std::string_view member) {
  return from_base64url(TRY(fields.text(member, kMaxNumberText)));
}

Result<PkeyPtr> read_rsa(Fields& fields) {
  const Bytes modulus = TRY(bytes_of(fields, "n"));
  const Bytes exponent = TRY(bytes_of(fields, "e"));
  // With 1 every message would be its own signature.
  if (exponent.size() > 8 || exponent.empty() || exponent.back() % 2 == 0 || exponent == Bytes{1})
    return fail(Code::bad_request, "RSA exponent; wanted an odd one above 1, of at most 8 bytes");
  return x509::rsa_public_key(modulus, exponent);
}

Result<PkeyPtr> read_ec(Fields& fields) {
  const std::string curve = TRY(fields.text("crv", 16));
  if (curve != "P-256" && curve != "P-384")
    return fail(Code::bad_request, fmt::format("crv is \"{}\"; wanted P-256 or P-384", log::printable(curve, 16)));
  const std::size_t size = curve == "P-256" ? 32 : 48;  // RFC 7518 section 6.2.1.2: with leading zeros
  const Bytes x = TRY(bytes_of(fields, "x"));
  const Bytes y = TRY(bytes_of(fields, "y"));
  if (x.size() != size || y.size() != size)
    return fail(Code::bad_request, fmt::format("x and y have {} and {} bytes; wanted {}", x.size(), y.size(), size));
  Bytes point = {0x04};
  point.insert(point.end(), x.begin(), x.end());
  point.insert(point.end(), y.begin(), y.end());
  return x509::ec_public_key(curve.c_str(), point);
}

}  // namespace

std::string_view jws_algorithm(SignatureAlgorithm algorithm) {
  for (const auto& [word, value] : kJwsAlgorithms)
    if (value == algorithm) return word;
  return "";
}

bool is_jws_algorithm_of(KeyType type, SignatureAlgorithm algorithm) {
  if (jws_algorithm(algorithm).empty()) return false;
  return is_rsa(type) ? is_rsa(algorithm) : algorithm == signature_algorithm(type);
}

SignatureAlgorithm signature_algorithm(KeyType type) {
  switch (type) {
    case KeyType::rsa_2048:
    case KeyType::rsa_3072:
    case KeyType::rsa_4096: return SignatureAlgorithm::rsa_pkcs1_sha256;
    case KeyType::ec_p256: return SignatureAlgorithm::ecdsa_sha256;
    case KeyType::ec_p384: return SignatureAlgorithm::ecdsa_sha384;
  }
  return SignatureAlgorithm::rsa_pkcs1_sha256;
}

Result<Json> to_jwk(const EVP_PKEY* key) {
  const KeyType type = TRY(key_type_of(key));
  if (is_rsa(type)) {
    const std::string n = TRY(number(key, OSSL_PKEY_PARAM_RSA_N, 0));
    const std::string e = TRY(number(key, OSSL_PKEY_PARAM_RSA_E, 0));
    return Json{{"kty", "RSA"}, {"n", n}, {"e", e}};
  }
  const int bytes = type == KeyType::ec_p256 ? 32 : 48;
  const std::string x = TRY(number(key, OSSL_PKEY_PARAM_EC_PUB_X, bytes));
  const std::string y = TRY(number(key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes));
  return Json{{"kty", "EC"}, {"crv", type == KeyType::ec_p256 ? "P-256" : "P-384"}, {"x", x}, {"y", y}};
}

Result<PkeyPtr> from_jwk(const Json& jwk) {
  Fields fields = TRY(Fields::of(jwk, "jwk."));
  const std::string kind = TRY(fields.text("kty", 16));
  if (kind != "RSA" && kind != "EC")
    return fail(Code::bad_request, fmt::format("kty is \"{}\"; wanted RSA or EC", log::printable(kind, 16)));
  PkeyPtr key = TRY(kind == "RSA" ? read_rsa(fields) : read_ec(fields));
  TRY(key_type_of(key.get()));
  return key;
}

std::string thumbprint(const Json& jwk) {
  // RFC 7638 section 3.2: the required members only, in lexicographic order, without white space.
  const Json members = jwk.at("kty") == "RSA"
                           ? Json{{"e", jwk.at("e")}, {"kty", "RSA"}, {"n", jwk.at("n")}}
                           : Json{{"crv", jwk.at("crv")}, {"kty", "EC"}, {"x", jwk.at("x")}, {"y", jwk.at("y")}};
  return to_base64url(sha256(as_bytes(dump_json(members))));
}

}  // namespace hubseal::jose
