/// What a CA certifies on its own account, without a CSR of anybody's: its OCSP responders, and other CAs of this hub.
#pragma once

#include "daemon/ca/prepare.h"

namespace hubseal::ca {

struct ResponderRequest {
  const Profile& profile;  ///< kind = "ocsp_responder"
  ByteView spki;           ///< of the key that will sign the responses
  x509::Serial serial;
  TimePoint now;
};
/// A certificate for delegated OCSP signing: extendedKeyUsage OCSPSigning and id-pkix-ocsp-nocheck (RFC 6960 section
/// 4.2.2.2). Errors: those of prepare_certificate.
Result<Prepared> prepare_responder(const Issuer& issuer, const ResponderRequest& request);

struct CrossRequest {
  const Profile& profile;            ///< kind = "ca", that the other CA was made from
  const x509::Certificate& subject;  ///< the other CA's certificate: its name and key are certified
  std::string_view ca;               ///< the issuer's name
  x509::Serial serial;
  TimePoint now;
};
/// A cross-certificate (RFC 5280 section 3.2): the other CA's name and key under this CA, never beyond the end of
/// either.
Result<Prepared> prepare_cross(const Issuer& issuer, const CrossRequest& request);

}  // namespace hubseal::ca
