// CRLs and OCSP responses, as a relying party with OpenSSL reads them.
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "cli/conformance/gather.h"
#include "common/openssl.h"

namespace hubseal::cli::conformance {
namespace {

using CrlPtr = std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>>;
using KeyIdPtr = std::unique_ptr<AUTHORITY_KEYID, Deleter<AUTHORITY_KEYID_free>>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>>;
using EnumeratedPtr = std::unique_ptr<ASN1_ENUMERATED, Deleter<ASN1_ENUMERATED_free>>;
using RequestPtr = std::unique_ptr<OCSP_REQUEST, Deleter<OCSP_REQUEST_free>>;
using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, Deleter<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Deleter<OCSP_BASICRESP_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;

constexpr long kClockSkewSeconds = 300;

Result<TimePoint> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return fail(Code::bad_request, "a time that is none");
  return TimePoint(std::chrono::seconds(::timegm(&parts)));
}

/// With its key decoded, which x509::Certificate leaves out.
CertificatePtr whole(const x509::Certificate& certificate) {
  const unsigned char* at = certificate.der().data();
  return CertificatePtr(d2i_X509(nullptr, &at, static_cast<long>(certificate.der().size())));
}

/// As `hubseal crl show` has it.
std::string decimal_of(const ASN1_INTEGER* number) {
  const BignumPtr value(ASN1_INTEGER_to_BN(number, nullptr));
  char* digits = BN_bn2dec(value.get());
  const std::string text = digits ? digits : "";
  OPENSSL_free(digits);
  return text;
}

void count_entries(X509_CRL* list, Crl& crl) {
  const STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(list);
  for (int i = 0; i < sk_X509_REVOKED_num(revoked); ++i) {
    const X509_REVOKED* entry = sk_X509_REVOKED_value(revoked, i);
    const EnumeratedPtr reason(
        static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr)));
    ++crl.entries;
    if (!reason) ++crl.without_reason;
  }
}

}  // namespace

Result<Crl> read_crl(ByteView der, const x509::Certificate& issuer) {
  const unsigned char* at = der.data();
  const CrlPtr list(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
  if (!list) return fail(Code::bad_request, "not a CRL: " + drain_openssl_errors());
  Crl crl;
  crl.version = X509_CRL_get_version(list.get());
  crl.this_update = TRY(time_of(X509_CRL_get0_lastUpdate(list.get())));
  crl.next_update = TRY(time_of(X509_CRL_get0_nextUpdate(list.get())));
  const IntegerPtr number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list.get(), NID_crl_number, nullptr, nullptr)));
  if (number) crl.number = decimal_of(number.get());
  const KeyIdPtr key_id(
      static_cast<AUTHORITY_KEYID*>(X509_CRL_get_ext_d2i(list.get(), NID_authority_key_identifier, nullptr, nullptr)));
  if (key_id && key_id->keyid) {
    const ByteView bytes(ASN1_STRING_get0_data(key_id->keyid),
                         static_cast<std::size_t>(ASN1_STRING_length(key_id->keyid)));
    const Bytes& wanted = issuer.subject_key_identifier();
    crl.key_id_matches = to_hex(bytes) == to_hex(wanted);
  }
  crl.issuer_matches = x509::name_der(X509_CRL_get_issuer(list.get())) == issuer.subject_der();
  crl.signature_good = X509_CRL_verify(list.get(), issuer.public_key()) == 1;
  count_entries(list.get(), crl);
  drain_openssl_errors();
  return crl;
}

Result<OcspQuestion> OcspQuestion::about(const x509::Serial& serial, const x509::Certificate& issuer) {
  const BignumPtr number(BN_bin2bn(serial.magnitude().data(), static_cast<int>(serial.magnitude().size()), nullptr));
  const IntegerPtr integer(BN_to_ASN1_INTEGER(number.get(), nullptr));
  const RequestPtr request(OCSP_REQUEST_new());
  X509* ca = issuer.openssl();
  OCSP_CERTID* id = OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(ca), X509_get0_pubkey_bitstr(ca), integer.get());
  if (!OCSP_request_add0_id(request.get(), id) || OCSP_request_add1_nonce(request.get(), nullptr, 16) != 1)
    return fail(Code::internal, "an OCSP request: " + drain_openssl_errors());
  Bytes der(static_cast<std::size_t>(i2d_OCSP_REQUEST(request.get(), nullptr)));
  unsigned char* at = der.data();
  i2d_OCSP_REQUEST(request.get(), &at);
  return OcspQuestion(std::move(der));
}

Result<Ocsp> OcspQuestion::read(ByteView response, const x509::Certificate& issuer) const {
  const unsigned char* at = der_.data();
  const RequestPtr request(d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(der_.size())));
  at = response.data();
  const ResponsePtr envelope(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(response.size())));
  if (!request || !envelope) return fail(Code::bad_request, "not an OCSP response: " + drain_openssl_errors());
  const int outcome = OCSP_response_status(envelope.get());
  if (outcome != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return fail(Code::hsm_unavailable, std::string("the responder says ") + OCSP_response_status_str(outcome));
  const BasicPtr basic(OCSP_response_get1_basic(envelope.get()));
  if (!basic) return fail(Code::bad_request, "an OCSP response of another kind than basic");

  Ocsp said;
  const CertificatePtr ca = whole(issuer);
  const StorePtr store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), ca.get());
  said.signature_good = OCSP_basic_verify(basic.get(), nullptr, store.get(), 0) == 1;
  said.nonce_echoed = OCSP_check_nonce(request.get(), basic.get()) == 1;
  OCSP_CERTID* id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), 0));
  int status = V_OCSP_CERTSTATUS_UNKNOWN;
  int reason = 0;
  ASN1_GENERALIZEDTIME *revoked_at = nullptr, *this_update = nullptr, *next_update = nullptr;
  if (OCSP_resp_find_status(basic.get(), id, &status, &reason, &revoked_at, &this_update, &next_update) != 1)
    return fail(Code::bad_request, "an OCSP response about another certificate");
  said.status = OCSP_cert_status_str(status);
  said.current = next_update && OCSP_check_validity(this_update, next_update, kClockSkewSeconds, -1) == 1;
  drain_openssl_errors();
  return said;
}

}  // namespace hubseal::cli::conformance
