/// Certificates for CAs of this hub that somebody else has signed: what an outside root made of our CSR.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/x509/certificate.h"
#include "daemon/ca/prepare.h"

namespace hubseal::ca {

struct OutsideCa {
  Issuer issuer;
  std::vector<x509::Certificate> chain;  ///< from who signed it up to the self-signed root
};

struct OutsideRequest {
  const Profile& profile;                  ///< kind = "ca": what our CA was to be
  ByteView spki;                           ///< of our key
  const x509::DistinguishedName* subject;  ///< that was asked for; null: any
  std::string_view certificate;            ///< PEM
  std::string_view chain;                  ///< PEM, one certificate after the other, the root last
  TimePoint now;
};
/// Checks that it is a CA's certificate for our key and name, no wider than the profile (key usage, path length, name
/// constraints, no extended key usage, no weak key), valid now, and that the chain leads to a self-signed root by RFC
/// 5280 section 6 with keys and hashes of 112 bits or more. Errors: bad_request, policy_denied naming found and wanted.
Result<OutsideCa> check_outside(const OutsideRequest& request);

}  // namespace hubseal::ca
