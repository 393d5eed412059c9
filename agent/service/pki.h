#pragma once

#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace hubseal::agent {

class SigningDaemon;

/// What every verifier may fetch of a CA: what PKI-6 puts into certificates as addresses.
/// Threads: share it freely.
class Pki {
 public:
  explicit Pki(SigningDaemon& daemon) : daemon_(daemon) {}

  /// DER. Errors: not_found (no such CA, or it waits for its certificate).
  Result<Bytes> certificate(std::string_view ca);
  /// The newest CRL, DER. Errors: not_found.
  Result<Bytes> crl(std::string_view ca);
  /// Of all CAs that have one.
  Result<std::vector<Bytes>> crls();
  /// PEM: the roots that participants must trust now, or what leads from one of them to another.
  Result<std::string> trust_bundle();
  Result<std::string> intermediates();
  /// The OCSPResponse (DER) to an OCSPRequest (DER), whatever is wrong with that. Errors: internal, unavailable.
  Result<Bytes> ocsp(ByteView request);

 private:
  SigningDaemon& daemon_;
};

}  // namespace hubseal::agent
