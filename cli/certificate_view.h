#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace hubseal::cli {

/// What a person compares when a certificate is read out over the telephone.
struct CertificateView {
  std::string fingerprint;  ///< SHA-256 over the DER, "9B:0D:..."
  std::string key_id;       ///< SHA-256 over its SubjectPublicKeyInfo, as `hubseal key list` shows it
};

/// `pem` begins with one certificate.
Result<CertificateView> view_certificate(std::string_view pem);

}  // namespace hubseal::cli
