/// OCSP requests and responses (RFC 6960, nonces by RFC 8954). Pure functions: who knows the status, and the signature,
/// are the caller's.
#pragma once

#include <optional>
#include <vector>

#include "common/clock.h"
#include "common/x509/certificate.h"
#include "daemon/ca/crl.h"
#include "daemon/ca/prepare.h"

namespace hubseal::ca {

constexpr std::size_t kMaxOcspRequest = 4096;  ///< bytes
constexpr std::size_t kMaxOcspIds = 16;        ///< certificates asked for at once
constexpr std::size_t kMaxOcspNonce = 32;      ///< bytes (RFC 8954 section 2.1)

/// One certificate that is asked for: CertID of RFC 6960 section 4.1.1.
struct OcspCertId {
  Bytes der;  ///< goes into the answer byte for byte
  const EVP_MD* hash = nullptr;
  Bytes issuer_name_hash, issuer_key_hash;
  x509::Serial serial;
};

struct OcspRequest {
  std::vector<OcspCertId> ids;  ///< at least one
  Bytes nonce;                  ///< empty: none was sent
};

/// A signature on a request is not looked at: everybody may ask.
/// Errors: bad_request (not DER, no CertID, a hash other than SHA-1 or SHA-2, a nonce of a wrong length, a critical
/// extension that we do not know), too_large.
Result<OcspRequest> parse_ocsp_request(ByteView der);

/// Whether this CA is the one that the CertID names by the hashes of its name and key.
bool names_issuer(const OcspCertId& id, const x509::Certificate& issuer);

/// What is said of one certificate. Neither good nor revoked: unknown.
struct OcspAnswer {
  Bytes id;  ///< OcspCertId::der
  bool known = false;
  std::optional<RevokedEntry> revoked = {};
};

struct OcspDraft {
  const x509::Certificate& responder;  ///< its key signs; it goes into the response
  const Issuer& issuer;                ///< of the responder and of what is asked for
  SignatureAlgorithm algorithm;
  TimePoint produced_at, next_update;
  const std::vector<OcspAnswer>& answers;
  ByteView nonce;
};
/// DER ResponseData (RFC 6960 section 4.2.1), responder by key.
Result<Bytes> build_ocsp_tbs(const OcspDraft& draft);

/// The OCSPResponse around what was signed, released only if libcrypto takes it for that of a responder which the
/// issuer has delegated, and reads back each answer, the dates and the nonce. Errors: internal.
Result<Bytes> close_ocsp(const OcspDraft& draft, ByteView tbs, ByteView signature);

/// OCSPResponseStatus of a response without a signature.
enum class OcspFailure : std::uint8_t { malformed_request = 1, internal_error = 2, try_later = 3, unauthorized = 6 };
Bytes ocsp_failure(OcspFailure failure);

}  // namespace hubseal::ca
