#include "hsm/mechanism.h"

#include <span>
#include <vector>

#include <fmt/format.h>

namespace hubseal::hsm {
namespace {

struct Row {
  SignatureAlgorithm algorithm;
  CK_MECHANISM_TYPE on_hash;
  CK_MECHANISM_TYPE on_message;
  CK_MECHANISM_TYPE hash;  ///< of PSS
  CK_RSA_PKCS_MGF_TYPE mask;
  CK_ULONG hash_bytes;
};
using enum SignatureAlgorithm;
constexpr Row kRows[kSignatureAlgorithms] = {
    {rsa_pkcs1_sha256, CKM_RSA_PKCS, CKM_SHA256_RSA_PKCS, CKM_SHA256, 0, 32},
    {rsa_pkcs1_sha384, CKM_RSA_PKCS, CKM_SHA384_RSA_PKCS, CKM_SHA384, 0, 48},
    {rsa_pkcs1_sha512, CKM_RSA_PKCS, CKM_SHA512_RSA_PKCS, CKM_SHA512, 0, 64},
    {rsa_pss_sha256, CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32},
    {rsa_pss_sha384, CKM_RSA_PKCS_PSS, CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, 48},
    {rsa_pss_sha512, CKM_RSA_PKCS_PSS, CKM_SHA512_RSA_PKCS_PSS, CKM_SHA512, CKG_MGF1_SHA512, 64},
    {ecdsa_sha256, CKM_ECDSA, CKM_ECDSA_SHA256, CKM_SHA256, 0, 32},
    {ecdsa_sha384, CKM_ECDSA, CKM_ECDSA_SHA384, CKM_SHA384, 0, 48},
    {ecdsa_sha512, CKM_ECDSA, CKM_ECDSA_SHA512, CKM_SHA512, 0, 64},
};

const Row& row_of(SignatureAlgorithm algorithm) { return kRows[static_cast<std::size_t>(algorithm)]; }

// The DER in front of the hash: SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING }.
constexpr std::uint8_t kSha256Prefix[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                          0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
constexpr std::uint8_t kSha384Prefix[] = {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                          0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30};
constexpr std::uint8_t kSha512Prefix[] = {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                          0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40};

std::span<const std::uint8_t> digest_info_prefix(CK_MECHANISM_TYPE hash) {
  if (hash == CKM_SHA256) return kSha256Prefix;
  if (hash == CKM_SHA384) return kSha384Prefix;
  return kSha512Prefix;
}

}  // namespace

Result<MechanismSet> read_mechanisms(Cryptoki& cryptoki, CK_SLOT_ID slot) {
  CK_ULONG size = 0;
  TRY(cryptoki.check(cryptoki->C_GetMechanismList(slot, nullptr, &size), "C_GetMechanismList"));
  if (size > 4096)
    return fail(Code::hsm_unavailable, fmt::format("C_GetMechanismList: the token claims {} mechanisms", size));
  std::vector<CK_MECHANISM_TYPE> all(size);
  TRY(cryptoki.check(cryptoki->C_GetMechanismList(slot, all.data(), &size), "C_GetMechanismList"));
  if (size < all.size()) all.resize(size);
  MechanismSet usable;
  for (const CK_MECHANISM_TYPE type : all) {
    CK_MECHANISM_INFO info{};
    if (cryptoki->C_GetMechanismInfo(slot, type, &info) == CKR_OK &&
        (info.flags & (CKF_SIGN | CKF_GENERATE_KEY_PAIR)) != 0)
      usable.insert(type);
  }
  return usable;
}

std::optional<Mechanism> choose_mechanism(SignatureAlgorithm algorithm, const MechanismSet& offered) {
  const Row& row = row_of(algorithm);
  Mechanism mechanism;
  if (is_pss(algorithm)) mechanism.pss = CK_RSA_PKCS_PSS_PARAMS{row.hash, row.mask, row.hash_bytes};
  if (offered.contains(row.on_hash)) {
    mechanism.type = row.on_hash;
    mechanism.input = row.on_hash == CKM_RSA_PKCS ? SignInput::digest_info : SignInput::digest;
    return mechanism;
  }
  if (!offered.contains(row.on_message)) return std::nullopt;
  mechanism.type = row.on_message;
  mechanism.input = SignInput::message;
  return mechanism;
}

MechanismTable choose_mechanisms(const MechanismSet& offered) {
  MechanismTable table;
  for (const Row& row : kRows)
    table[static_cast<std::size_t>(row.algorithm)] = choose_mechanism(row.algorithm, offered);
  return table;
}

Bytes digest_info(SignatureAlgorithm algorithm, ByteView digest) {
  const auto prefix = digest_info_prefix(row_of(algorithm).hash);
  Bytes encoded;
  encoded.reserve(prefix.size() + digest.size());
  encoded.insert(encoded.end(), prefix.begin(), prefix.end());
  encoded.insert(encoded.end(), digest.begin(), digest.end());
  return encoded;
}

}  // namespace hubseal::hsm
