/// Writes to-be-signed bytes. The outermost SEQUENCE is put together here from parts that libcrypto
/// encodes, instead of through an X509 object: the CA's name and the subject's key go in byte for
/// byte as they stand in the CA's certificate and the CSR, no key is decoded and encoded on the way,
/// and the linter, which reads the result with libcrypto, is a second opinion and not an echo.
#pragma once

#include <optional>

#include "common/clock.h"
#include "common/x509/certificate.h"
#include "daemon/ca/profile.h"

namespace hubseal::ca {

/// Every field of a certificate. Views must outlive the call.
struct Draft {
  const x509::Serial& serial;
  SignatureAlgorithm algorithm;
  ByteView issuer_name;            ///< DER
  ByteView issuer_key_identifier;  ///< empty: no authorityKeyIdentifier
  TimePoint not_before, not_after;
  const x509::DistinguishedName& subject;
  ByteView spki;  ///< DER
  bool is_ca;
  std::optional<long> path_len = std::nullopt;
  std::uint32_t key_usage;
  const std::vector<x509::ExtendedKeyUsage>& extended_key_usage;
  const x509::SubjectAltNames& names;
  std::vector<std::string> policy_oids = {}, crl_urls = {}, ocsp_urls = {};
  NameConstraints name_constraints = {};
  bool ocsp_no_check = false;  ///< id-pkix-ocsp-nocheck (RFC 6960 section 4.2.2.2.1)
};
/// DER TBSCertificate, version 3.
Result<Bytes> build_tbs(const Draft& draft);

/// What a CSR asks for.
struct CsrDraft {
  const x509::DistinguishedName& subject;
  ByteView spki;
  const x509::SubjectAltNames& names;
  bool is_ca = false;
  std::optional<long> path_len = std::nullopt;
  std::uint32_t key_usage = 0;  ///< 0: not asked for
  NameConstraints name_constraints = {};
};
/// DER CertificationRequestInfo.
Result<Bytes> build_csr_info(const CsrDraft& draft);

/// DER UTCTime until 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5).
Result<Bytes> der_of_time(TimePoint time);

}  // namespace hubseal::ca
