#include "pkcs11/signing.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace hubseal::pkcs11 {
namespace {

constexpr std::array<CK_MECHANISM_TYPE, 3> kMechanisms = {CKM_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_ECDSA};

/// The hashes that TLS 1.2 and 1.3 sign with.
struct Hash {
  std::size_t bytes;
  CK_MECHANISM_TYPE mechanism;
  CK_RSA_PKCS_MGF_TYPE mask;
  std::uint8_t arc;  ///< the last of its OID, 2.16.840.1.101.3.4.2
  std::string_view pkcs1, pss, ecdsa;
};
constexpr Hash kHashes[] = {
    {32, CKM_SHA256, CKG_MGF1_SHA256, 1, "rsa_pkcs1_sha256", "rsa_pss_sha256", "ecdsa_sha256"},
    {48, CKM_SHA384, CKG_MGF1_SHA384, 2, "rsa_pkcs1_sha384", "rsa_pss_sha384", "ecdsa_sha384"},
    {64, CKM_SHA512, CKG_MGF1_SHA512, 3, "rsa_pkcs1_sha512", "rsa_pss_sha512", "ecdsa_sha512"},
};

const Hash* hash_of_size(std::size_t bytes) {
  const auto* found =
      std::find_if(std::begin(kHashes), std::end(kHashes), [&](const Hash& h) { return h.bytes == bytes; });
  return found == std::end(kHashes) ? nullptr : found;
}

std::size_t signature_size(KeyType type) {
  switch (type) {
    case KeyType::rsa_2048: return 256;
    case KeyType::rsa_3072: return 384;
    case KeyType::rsa_4096: return 512;
    case KeyType::ec_p256: return 64;
    case KeyType::ec_p384: return 96;
  }
  return 0;
}

/// The DER in front of the hash (RFC 8017 section 9.2, note 1).
constexpr std::size_t kPrefixBytes = 19;
std::array<std::uint8_t, kPrefixBytes> digest_info_prefix(const Hash& hash) {
  const auto size = static_cast<std::uint8_t>(hash.bytes);
  return {0x30,     static_cast<std::uint8_t>(size + 17),
          0x30,     0x0d,
          0x06,     0x09,
          0x60,     0x86,
          0x48,     0x01,
          0x65,     0x03,
          0x04,     0x02,
          hash.arc, 0x05,
          0x00,     0x04,
          size};
}

std::optional<Wanted> in_digest_info(ByteView data) {
  for (const Hash& hash : kHashes) {
    const auto prefix = digest_info_prefix(hash);
    if (data.size() == kPrefixBytes + hash.bytes && std::equal(prefix.begin(), prefix.end(), data.begin()))
      return Wanted{hash.pkcs1, data.subspan(kPrefixBytes)};
  }
  return std::nullopt;
}

/// RFC 8446 4.2.3: a salt as long as the hash, and MGF1 with the same hash. Nothing for anything else.
const Hash* hash_of_pss(const CK_MECHANISM& mechanism) {
  CK_RSA_PKCS_PSS_PARAMS given{};
  if (!mechanism.pParameter || mechanism.ulParameterLen != sizeof given) return nullptr;
  std::memcpy(&given, mechanism.pParameter, sizeof given);
  const Hash* hash = hash_of_size(given.sLen);
  return hash && hash->mechanism == given.hashAlg && hash->mask == given.mgf ? hash : nullptr;
}

}  // namespace

std::span<const CK_MECHANISM_TYPE> mechanisms() { return kMechanisms; }

std::optional<CK_MECHANISM_INFO> mechanism_info(CK_MECHANISM_TYPE type) {
  if (type == CKM_ECDSA) return CK_MECHANISM_INFO{256, 384, CKF_SIGN | CKF_EC_F_P | CKF_EC_NAMEDCURVE};
  if (type == CKM_RSA_PKCS || type == CKM_RSA_PKCS_PSS) return CK_MECHANISM_INFO{2048, 4096, CKF_SIGN};
  for (const Hash& hash : kHashes)
    if (hash.mechanism == type) return CK_MECHANISM_INFO{0, 0, 0};
  return std::nullopt;
}

CK_RV Signing::begin(const CK_MECHANISM& mechanism, KeyType type, std::optional<Signing>& signing) {
  if (std::find(kMechanisms.begin(), kMechanisms.end(), mechanism.mechanism) == kMechanisms.end())
    return CKR_MECHANISM_INVALID;
  if (is_rsa(type) == (mechanism.mechanism == CKM_ECDSA)) return CKR_KEY_TYPE_INCONSISTENT;
  std::size_t digest_bytes = 0;
  if (mechanism.mechanism == CKM_RSA_PKCS_PSS) {
    const Hash* hash = hash_of_pss(mechanism);
    if (!hash) return CKR_MECHANISM_PARAM_INVALID;
    digest_bytes = hash->bytes;
  } else if (mechanism.ulParameterLen != 0) {
    return CKR_MECHANISM_PARAM_INVALID;
  }
  signing = Signing(mechanism.mechanism, digest_bytes, signature_size(type));
  return CKR_OK;
}

std::optional<Wanted> Signing::wanted(ByteView data) const {
  if (mechanism_ == CKM_RSA_PKCS) return in_digest_info(data);
  const Hash* hash = hash_of_size(data.size());
  if (!hash || (digest_bytes_ != 0 && hash->bytes != digest_bytes_)) return std::nullopt;
  return Wanted{mechanism_ == CKM_ECDSA ? hash->ecdsa : hash->pss, data};
}

}  // namespace hubseal::pkcs11
