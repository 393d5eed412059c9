#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/key_types.h"
#include "common/openssl.h"
#include "common/result.h"
#include "common/x509/distinguished_name.h"
#include "common/x509/subject_alt_names.h"

namespace hubseal::x509 {

/// A certificate's serial number: positive, at most 20 octets (RFC 5280 section 4.1.2.2).
class Serial {
 public:
  /// Big-endian magnitude. Errors: bad_request (zero, too long).
  static Result<Serial> of(ByteView magnitude);
  /// Hexadecimal, both cases, as on the wire.
  static Result<Serial> parse(std::string_view hex);

  /// Lower-case hexadecimal without leading zero bytes: "4f1c0a".
  std::string hex() const { return to_hex(magnitude_); }
  const Bytes& magnitude() const { return magnitude_; }
  bool operator==(const Serial&) const = default;

 private:
  explicit Serial(Bytes magnitude) : magnitude_(std::move(magnitude)) {}
  Bytes magnitude_;
};

/// An X.509 certificate (RFC 5280), read strictly and taken apart once.
/// Cheap to copy. Threads: share it freely; nothing changes it.
/// Errors: bad_request, too_large.
class Certificate {
 public:
  /// Exactly one "CERTIFICATE" block of at most 32 KiB.
  static Result<Certificate> parse(std::string_view pem);
  /// The whole input must be one DER Certificate, encoded as DER prescribes.
  static Result<Certificate> parse_der(ByteView der);

  const Serial& serial() const { return parts_->serial; }
  TimePoint not_before() const { return parts_->not_before; }
  TimePoint not_after() const { return parts_->not_after; }
  std::string subject() const;  ///< RFC 4514 text; also of names that DistinguishedName refuses
  std::string issuer() const;
  Result<DistinguishedName> subject_name() const;
  Bytes subject_der() const;
  Bytes issuer_der() const;

  bool is_ca() const { return parts_->is_ca; }
  std::optional<long> path_len() const { return parts_->path_len; }
  std::uint32_t key_usage() const { return parts_->key_usage; }  ///< KU_* bits; 0 when absent
  const std::vector<int>& extended_key_usage() const { return parts_->extended_key_usage; }  ///< NIDs
  /// Errors also: policy_denied, other kinds of name than DNS and IP.
  Result<SubjectAltNames> names() const;
  const Bytes& subject_key_identifier() const { return parts_->subject_key_identifier; }      ///< empty when absent
  const Bytes& authority_key_identifier() const { return parts_->authority_key_identifier; }  ///< empty when absent

  /// Decoded when it is first asked for; lives as long as any copy; null for a key OpenSSL cannot read.
  EVP_PKEY* public_key() const;
  const Bytes& spki() const { return parts_->spki; }
  const KeyId& key_id() const { return parts_->key_id; }

  /// Whether `issuer_key` signed it. Errors: bad_request.
  Result<> verify(EVP_PKEY* issuer_key) const;

  const Bytes& der() const { return parts_->der; }
  ByteView tbs() const;  ///< DER TBSCertificate: what the signature covers
  std::string to_pem() const;
  /// For what this class does not answer. Must not be changed; it has no decoded key and cannot verify.
  X509* openssl() const { return parts_->certificate.get(); }

  bool operator==(const Certificate& other) const { return der() == other.der(); }

 private:
  struct Parts {
    CertificatePtr certificate;
    Bytes der;
    Serial serial;
    TimePoint not_before, not_after;
    bool is_ca = false;
    std::optional<long> path_len;
    std::uint32_t key_usage = 0;
    std::vector<int> extended_key_usage;
    Bytes subject_key_identifier, authority_key_identifier;
    Bytes spki;
    KeyId key_id{};
    mutable std::once_flag key_decoded;
    mutable PkeyPtr key;
  };
  explicit Certificate(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

}  // namespace hubseal::x509
