#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/key_types.h"
#include "common/openssl.h"
#include "common/result.h"
#include "common/x509/distinguished_name.h"
#include "common/x509/subject_alt_names.h"

namespace hubseal::x509 {

/// An extension that a CSR asks for.
struct RequestedExtension {
  int nid;           ///< OpenSSL's number, NID_undef when it knows no name
  std::string name;  ///< "basicConstraints", or the dotted OID
  bool critical;
};

/// A certification request (PKCS#10, RFC 2986), read strictly. parse() settles which bytes these
/// are; what they ask for is looked at when it is asked for, so that the callers' order of checks holds.
/// Threads: share it freely once parsed; nothing changes it.
/// Errors: bad_request (not a CSR, no proof of possession), too_large, policy_denied (asks for a
/// kind of name that HubSeal does not know).
class Csr {
 public:
  /// Exactly one "CERTIFICATE REQUEST" (or "NEW CERTIFICATE REQUEST") block of at most 32 KiB.
  static Result<Csr> parse(std::string_view pem);
  /// The whole input must be one DER CertificationRequest, encoded as DER prescribes.
  static Result<Csr> parse_der(ByteView der);

  /// Proof of possession (RFC 2986 section 4.2). Signatures over MD5, SHA-1 and the like prove nothing.
  Result<> verify_own_signature() const;

  EVP_PKEY* public_key() const { return key_.get(); }  ///< lives as long as this Csr
  const Bytes& spki() const { return spki_; }          ///< DER SubjectPublicKeyInfo
  const KeyId& key_id() const { return key_id_; }
  /// Refuses keys that are not of kKeyTypes.
  Result<KeyType> key_type() const { return key_type_of(key_.get()); }

  Result<DistinguishedName> subject() const;
  /// The subjectAltName it asks for; empty when it asks for none.
  Result<SubjectAltNames> names() const;
  Result<std::vector<RequestedExtension>> requested_extensions() const;
  /// Whether it asks for basicConstraints CA:TRUE.
  Result<bool> asks_for_ca() const;

  const Bytes& der() const { return der_; }
  ByteView info() const;  ///< DER CertificationRequestInfo: what its signature covers
  std::string to_pem() const;

 private:
  Csr() = default;

  std::shared_ptr<X509_REQ> csr_;  // without a decoded key
  std::shared_ptr<EVP_PKEY> key_;
  Bytes der_;
  Bytes spki_;
  KeyId key_id_{};
};

}  // namespace hubseal::x509
