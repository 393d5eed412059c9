#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/service/signing_daemon.h"
#include "common/openssl.h"
#include "common/result.h"
#include "common/x509/certificate.h"

namespace hubseal::agent {

class Certificate;

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

/// Errors: bad_request: one that hubseald gives to none.
Result<x509::Serial> serial_of(const Certificate& certificate);
/// hubseald's record of exactly this certificate; nothing where its CA `ca` has issued none such.
Result<std::optional<SigningDaemon::IssuedRecord>> issued_record(SigningDaemon& daemon, const std::string& ca,
                                                                 const Certificate& certificate);

}  // namespace hubseal::agent
