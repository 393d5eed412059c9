#include "common/key_types.h"

#include "common/signature_words.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

namespace hubseal {

std::string_view to_string(KeyType type) {
  for (const auto& [name, value] : kKeyTypes)
    if (value == type) return name;
  return "unknown";
}

std::string_view to_string(SignatureAlgorithm algorithm) {
  for (const auto& [name, value] : kSignatureWords)
    if (value == algorithm) return name;
  return "unknown";
}

bool is_rsa(SignatureAlgorithm algorithm) { return algorithm < SignatureAlgorithm::ecdsa_sha256; }

bool is_pss(SignatureAlgorithm algorithm) {
  return is_rsa(algorithm) && algorithm >= SignatureAlgorithm::rsa_pss_sha256;
}

const EVP_MD* hash_of(SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::rsa_pkcs1_sha256:
    case SignatureAlgorithm::rsa_pss_sha256:
    case SignatureAlgorithm::ecdsa_sha256: return EVP_sha256();
    case SignatureAlgorithm::rsa_pkcs1_sha384:
    case SignatureAlgorithm::rsa_pss_sha384:
    case SignatureAlgorithm::ecdsa_sha384: return EVP_sha384();
    case SignatureAlgorithm::rsa_pkcs1_sha512:
    case SignatureAlgorithm::rsa_pss_sha512:
    case SignatureAlgorithm::ecdsa_sha512: return EVP_sha512();
  }
  return nullptr;
}

bool fits(SignatureAlgorithm algorithm, KeyType type) { return is_rsa(algorithm) == is_rsa(type); }

std::string to_string(const KeyId& id) { return to_hex(id); }

Result<KeyId> parse_key_id(std::string_view hex) {
  const Bytes bytes = TRY(from_hex(hex));
  KeyId id;
  if (bytes.size() != id.size())
    return fail(Code::bad_request, fmt::format("a key id has 64 hexadecimal digits, found {}", hex.size()));
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

std::array<std::uint8_t, 32> sha256(ByteView data) {
  std::array<std::uint8_t, 32> digest;
  ::SHA256(data.data(), data.size(), digest.data());
  return digest;
}

Result<Bytes> spki_of(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return fail(Code::internal, "public key does not encode: " + drain_openssl_errors());
  Bytes spki(der, der + size);
  OPENSSL_free(der);
  return spki;
}

Result<KeyId> key_id_of(const EVP_PKEY* key) { return sha256(TRY(spki_of(key))); }

Result<KeyId> key_core_of(const EVP_PKEY* key) {
  const char* name = EVP_PKEY_is_a(key, "RSA") ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_EC_PUB_X;
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
    return fail(Code::internal, fmt::format("a key without its {}: {}", name, drain_openssl_errors()));
  const BignumPtr owner(number);
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(number)));
  BN_bn2bin(number, bytes.data());
  return sha256(bytes);
}

Result<std::string> public_key_pem(const EVP_PKEY* key) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  if (!memory || PEM_write_bio_PUBKEY(memory.get(), key) != 1)
    return fail(Code::internal, "public key does not encode: " + drain_openssl_errors());
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<KeyType> key_type_of(const EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (EVP_PKEY_is_a(key, "RSA")) {
    if (bits == 2048) return KeyType::rsa_2048;
    if (bits == 3072) return KeyType::rsa_3072;
    if (bits == 4096) return KeyType::rsa_4096;
    return fail(Code::policy_denied, fmt::format("RSA key of {} bits; wanted 2048, 3072 or 4096", bits));
  }
  if (EVP_PKEY_is_a(key, "EC")) {
    char curve[64] = "";
    EVP_PKEY_get_group_name(key, curve, sizeof curve, nullptr);
    if (std::string_view(curve) == "prime256v1") return KeyType::ec_p256;
    if (std::string_view(curve) == "secp384r1") return KeyType::ec_p384;
    return fail(Code::policy_denied,
                fmt::format("EC key on curve {}; wanted P-256 or P-384", *curve ? curve : "with explicit parameters"));
  }
  const char* name = EVP_PKEY_get0_type_name(key);
  return fail(Code::policy_denied, fmt::format("{} key; wanted RSA or EC", name ? name : "unknown"));
}

Result<Bytes> ecdsa_raw_to_der(ByteView raw) {
  const auto half = static_cast<int>(raw.size() / 2);
  EcdsaSigPtr signature(ECDSA_SIG_new());
  BignumPtr r(BN_bin2bn(raw.data(), half, nullptr));
  BignumPtr s(BN_bin2bn(raw.data() + half, half, nullptr));
  if (raw.empty() || raw.size() % 2 != 0 || !signature || !r || !s)
    return fail(Code::bad_request, fmt::format("{} bytes are not r || s", raw.size()));
  ECDSA_SIG_set0(signature.get(), r.release(), s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return fail(Code::internal, "ECDSA signature does not encode");
  Bytes result(der, der + size);
  OPENSSL_free(der);
  return result;
}

Result<Bytes> ecdsa_der_to_raw(ByteView der, std::size_t coordinate_bytes) {
  const unsigned char* next = der.data();
  const EcdsaSigPtr signature(d2i_ECDSA_SIG(nullptr, &next, static_cast<long>(der.size())));
  const int half = static_cast<int>(coordinate_bytes);
  Bytes raw(2 * coordinate_bytes);
  if (!signature || next != der.data() + der.size() ||
      BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), half) != half ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + half, half) != half)
    return fail(Code::bad_request, "not an ECDSA signature of this curve: " + drain_openssl_errors());
  return raw;
}

bool verify_signature(EVP_PKEY* key, SignatureAlgorithm algorithm, ByteView message, ByteView signature) {
  const MdContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* padding = nullptr;  // belongs to `context`
  bool good = context && EVP_DigestVerifyInit(context.get(), &padding, hash_of(algorithm), nullptr, key) == 1;
  if (good && is_pss(algorithm))
    good = EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1;
  Bytes der;
  if (good && !is_rsa(algorithm)) {
    auto encoded = ecdsa_raw_to_der(signature);
    if (!encoded) return false;
    der = *std::move(encoded);
    signature = der;
  }
  good =
      good && EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
  if (!good) drain_openssl_errors();
  return good;
}

}  // namespace hubseal
