/// From a request to the exact bytes that will be signed. Pure functions: no I/O, no clock, no state;
/// what they return can be recorded and signed later, after a crash as well.
///
///   const Issuer issuer   = TRY(Issuer::of(ca_certificate));                        // once per CA
///   const Prepared p      = TRY(prepare_certificate(issuer, {...}));                // checked and linted
///   ... record the intent: p.tbs, p.algorithm, p.serial, p.claims ...
///   const Bytes signature = TRY(signer.sign(issuer.key_id(), p.algorithm, p.tbs));
///   const Certificate c   = TRY(assemble_certificate(p.tbs, p.algorithm, signature, issuer.public_key()));
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/x509/certificate.h"
#include "common/x509/csr.h"
#include "daemon/ca/participant.h"
#include "daemon/ca/profile.h"

namespace hubseal::ca {

/// A CA certificate that may issue, with what each issuance needs of it decoded once.
/// Errors of `of`: policy_denied (not a CA, no keyCertSign, no subjectKeyIdentifier, other key).
class Issuer {
 public:
  static Result<Issuer> of(x509::Certificate certificate);

  const x509::Certificate& certificate() const { return certificate_; }
  EVP_PKEY* public_key() const { return certificate_.public_key(); }
  const KeyId& key_id() const { return certificate_.key_id(); }
  KeyType key_type() const { return key_type_; }

 private:
  Issuer(x509::Certificate certificate, KeyType type) : certificate_(std::move(certificate)), key_type_(type) {}
  x509::Certificate certificate_;
  KeyType key_type_;
};

/// 128 random bits from the private DRBG; positive, never zero (RFC 5280 4.1.2.2, CA/B Baseline 7.1).
Result<x509::Serial> new_serial();

/// Hash by the profile for RSA keys, by the curve for EC keys (CA/B Baseline 7.1.3.2.2).
SignatureAlgorithm signature_algorithm(KeyType issuer_key, Hash hash);

/// A certificate that lacks only its signature.
struct Prepared {
  Bytes tbs;  ///< DER TBSCertificate, linted
  SignatureAlgorithm algorithm;
  x509::Serial serial;
  TimePoint not_before, not_after;
  x509::DistinguishedName subject;
  x509::SubjectAltNames names;
  std::vector<ClaimedName> claims;  ///< empty for a CA
  KeyId subject_key;
  KeyId subject_key_core;  ///< key_core_of
};

struct CertificateRequest {
  const Profile& profile;
  const x509::Csr& csr;
  const Participant& participant;
  std::string_view ca;  ///< the CA's name, as the profile's URLs have it
  x509::Serial serial;
  TimePoint now;
};

/// Checks proof of possession, key, subject, names and validity, builds from profile and register, and lints.
/// Errors: bad_request (no proof of possession, malformed names), policy_denied (profile or register says no:
/// the message names rule, found and wanted), too_large.
Result<Prepared> prepare_certificate(const Issuer& issuer, const CertificateRequest& request);

struct RootRequest {
  const Profile& profile;  ///< kind = "ca"
  const x509::DistinguishedName& subject;
  ByteView spki;  ///< of the key that will sign it
  x509::Serial serial;
  TimePoint now;
};
/// A self-signed root. Assemble it with the root's own public key.
Result<Prepared> prepare_root(const RootRequest& request);
/// What prepare_root and prepare_ca_csr refuse for any key of this type, before there is one.
Result<> check_ca(const Profile& profile, const x509::DistinguishedName& subject, KeyType key_type);

/// A CSR that lacks only its signature.
struct PreparedCsr {
  Bytes info;  ///< DER CertificationRequestInfo
  SignatureAlgorithm algorithm;
  x509::DistinguishedName subject;
};
/// For an outside root to sign; subject checked against the profile, CA:TRUE and key usage asked for.
Result<PreparedCsr> prepare_ca_csr(const Profile& profile, const x509::DistinguishedName& subject, ByteView spki);
/// For the hub's own TLS keys. The subject may be empty only when there are names.
Result<PreparedCsr> prepare_csr(const x509::DistinguishedName& subject, const x509::SubjectAltNames& names,
                                ByteView spki);

}  // namespace hubseal::ca
