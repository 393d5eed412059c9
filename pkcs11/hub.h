#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/key_types.h"
#include "common/result.h"

/// hubseald as this module sees it, over tls.sock (docs/PROTOCOL.md: list_tls_keys, sign_tls). Each question has a
/// connection of its own, for the reasons in docs/decisions/078-tls-keys-sign-digests.md. Threads: any. Errors: those
/// of wire::DaemonClient.
namespace hubseal::pkcs11 {

/// A key of the hub that this process's user may use.
struct HubKey {
  std::string label;
  Bytes id;  ///< SHA-256 over its SubjectPublicKeyInfo
  KeyType type{};
  bool generated = false;   ///< it never was outside the token
  Bytes modulus, exponent;  ///< of an RSA key
  Bytes x, y;               ///< of an EC key
  Bytes certificate;        ///< DER; empty where this hub's CA has made none that is valid now
};

/// Of the token that hubseald uses: the name that PKCS#11 URIs have.
Result<std::string> token_label();

/// Errors: too_large as well, above kMostKeys.
constexpr std::size_t kMostKeys = 4096;
Result<std::vector<HubKey>> list_keys();

/// ECDSA: r || s. `algorithm` is a word of kSignatureWords.
Result<Bytes> sign(const std::string& label, std::string_view algorithm, ByteView digest);

}  // namespace hubseal::pkcs11
