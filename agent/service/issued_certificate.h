#pragma once

#include <string>
#include <string_view>

#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::agent {

/// A certificate that the signing daemon gave us.
class IssuedCertificate {
 public:
  /// Errors: internal: the daemon's answer is not a certificate.
  static Result<IssuedCertificate> parse(std::string_view pem);

  const X509* get() const { return certificate_.get(); }
  EVP_PKEY* key() const { return X509_get0_pubkey(certificate_.get()); }
  /// As clients know it: without a final line feed.
  const std::string& pem() const { return pem_; }

 private:
  IssuedCertificate(CertificatePtr certificate, std::string pem)
      : certificate_(std::move(certificate)), pem_(std::move(pem)) {}

  CertificatePtr certificate_;
  std::string pem_;
};

}  // namespace hubseal::agent
