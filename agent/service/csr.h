#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::agent {

constexpr std::size_t kMaxCsrBytes = 32 * 1024;
/// Of the request itself, without PEM and white space. More than any profile signs: a key and a signature
/// of 8192 bits and 32 names of 255 bytes.
constexpr std::size_t kMaxCsrDerBytes = 12 * 1024;

/// A PKCS#10 request (RFC 2986) that a DFSP sent: parsed, not yet judged.
/// Threads: of one thread; it notes what it found out.
class Csr {
 public:
  /// One PEM block "CERTIFICATE REQUEST" and white space around it; line ends of any kind.
  /// Errors: bad_request, saying what was found; too_large.
  static Result<Csr> parse(std::string_view pem);

  const X509_REQ* get() const { return csr_.get(); }
  EVP_PKEY* key() const { return key_; }
  /// Whether the request is signed with the private half of its own key (proof of possession). Found out once.
  bool signature_holds() const;
  /// The request as the signing daemon wants it: the same DER, one block, LF line ends.
  const std::string& canonical_pem() const { return canonical_pem_; }

 private:
  Csr(CsrPtr csr, EVP_PKEY* key, std::string canonical_pem)
      : csr_(std::move(csr)), key_(key), canonical_pem_(std::move(canonical_pem)) {}

  CsrPtr csr_;
  EVP_PKEY* key_;  // belongs to csr_
  mutable std::optional<bool> signature_holds_;
  std::string canonical_pem_;
};

}  // namespace hubseal::agent
