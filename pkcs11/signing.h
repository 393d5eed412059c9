#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <p11-kit/pkcs11.h>

#include "common/bytes.h"
#include "common/key_types.h"

namespace hubseal::pkcs11 {

/// The mechanisms that a TLS library hands a digest to, for RSA and EC keys. None of them hashes here: the digest is
/// what travels to hubseald.
std::span<const CK_MECHANISM_TYPE> mechanisms();
/// Nothing for one that is neither among them nor a hash that the parameters of PSS may name: Java looks for that
/// before it names one. Hashes do nothing by themselves (no flags).
std::optional<CK_MECHANISM_INFO> mechanism_info(CK_MECHANISM_TYPE type);

/// What hubseald is asked for: a word of kSignatureWords, and a digest.
struct Wanted {
  std::string_view algorithm;
  ByteView digest;
};

/// One signature that was begun (C_SignInit).
class Signing {
 public:
  /// CKR_OK and a value; else CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID or CKR_KEY_TYPE_INCONSISTENT.
  static CK_RV begin(const CK_MECHANISM& mechanism, KeyType type, std::optional<Signing>& signing);

  /// What `data` of C_Sign means; a view into it. Nothing where that is no digest of TLS: SHA-1, MD5 with SHA-1, or
  /// no DigestInfo at all.
  std::optional<Wanted> wanted(ByteView data) const;
  std::size_t signature_bytes() const { return signature_bytes_; }

 private:
  Signing(CK_MECHANISM_TYPE mechanism, std::size_t digest_bytes, std::size_t signature_bytes)
      : mechanism_(mechanism), digest_bytes_(digest_bytes), signature_bytes_(signature_bytes) {}

  CK_MECHANISM_TYPE mechanism_;
  std::size_t digest_bytes_;  ///< that the parameters of PSS name; 0 where any of the three will do
  std::size_t signature_bytes_;
};

}  // namespace hubseal::pkcs11
