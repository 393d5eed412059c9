#include "daemon/ca/ocsp.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "common/x509/der.h"
#include "daemon/ca/assemble.h"

namespace hubseal::ca {
namespace {

using x509::der_value;

constexpr std::uint8_t kOctets = 0x04, kOid = 0x06, kEnumerated = 0x0a, kGeneralizedTime = 0x18, kSequence = 0x30;
constexpr std::uint8_t kBitString = 0x03, kContext0 = 0xa0, kContext1 = 0xa1, kContext2 = 0xa2;
constexpr std::uint8_t kGood = 0x80, kUnknown = 0x82;  // [0] and [2] IMPLICIT NULL

using RequestPtr = std::unique_ptr<OCSP_REQUEST, Deleter<OCSP_REQUEST_free>>;
using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, Deleter<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Deleter<OCSP_BASICRESP_free>>;
using CertIdPtr = std::unique_ptr<OCSP_CERTID, Deleter<OCSP_CERTID_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;

tl::unexpected<Error> malformed(std::string_view problem) {
  drain_openssl_errors();
  return fail(Code::bad_request, fmt::format("OCSP request: {}", problem));
}

tl::unexpected<Error> unreleasable(std::string_view problem) {
  return fail(Code::internal, fmt::format("finished OCSP response is not released: {}", problem));
}

Bytes bytes_of(const ASN1_STRING* string) {
  const unsigned char* data = ASN1_STRING_get0_data(string);
  return {data, data + ASN1_STRING_length(string)};
}

const EVP_MD* hash_named(const ASN1_OBJECT* algorithm) {
  switch (OBJ_obj2nid(algorithm)) {
    case NID_sha1: return EVP_sha1();
    case NID_sha256: return EVP_sha256();
    case NID_sha384: return EVP_sha384();
    case NID_sha512: return EVP_sha512();
    default: return nullptr;
  }
}

Bytes digest_of(const EVP_MD* hash, ByteView message) {
  Bytes digest(static_cast<std::size_t>(EVP_MD_get_size(hash)));
  unsigned size = 0;
  EVP_Digest(message.data(), message.size(), digest.data(), &size, hash, nullptr);
  return digest;
}

/// The content of the BIT STRING, without the octet of unused bits: what issuerKeyHash and byKey are over.
Bytes key_bits(const x509::Certificate& certificate) {
  const ASN1_BIT_STRING* key = X509_get0_pubkey_bitstr(certificate.openssl());
  return {key->data, key->data + key->length};
}

/// The CertID goes into what is signed: its hash must have no parameters, or NULL, and nothing of a client's invention.
Result<> check_parameters(ByteView id) {
  ByteView fields = TRY(x509::content_of(id, kSequence));
  const ByteView identifier = TRY(x509::take_value(fields));
  ByteView algorithm = TRY(x509::content_of(identifier, kSequence));
  TRY(x509::take_value(algorithm));
  if (algorithm.empty() || (algorithm.size() == 2 && algorithm[0] == 0x05 && algorithm[1] == 0)) return {};
  return fail(Code::bad_request, "a CertID whose hash has parameters");
}

Result<OcspCertId> read_id(OCSP_ONEREQ* one) {
  OCSP_CERTID* const id = OCSP_onereq_get0_id(one);
  ASN1_OCTET_STRING *name = nullptr, *key = nullptr;
  ASN1_OBJECT* algorithm = nullptr;
  ASN1_INTEGER* number = nullptr;
  if (OCSP_id_get0_info(&name, &algorithm, &key, &number, id) != 1) return malformed("a CertID that does not decode");
  const EVP_MD* hash = hash_named(algorithm);
  if (!hash) return malformed("a CertID whose hash is neither SHA-1 nor SHA-2");
  if (ASN1_STRING_type(number) != V_ASN1_INTEGER) return malformed("a serial number below zero");
  auto serial = x509::Serial::of(bytes_of(number));
  if (!serial) return malformed(serial.error().message);
  for (int i = 0; i < OCSP_ONEREQ_get_ext_count(one); ++i)
    if (X509_EXTENSION_get_critical(OCSP_ONEREQ_get_ext(one, i))) return malformed("a critical extension");
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_CERTID(id, &der);
  if (size <= 0) return malformed("a CertID that does not encode");
  OcspCertId read{Bytes(der, der + size), hash, bytes_of(name), bytes_of(key), *std::move(serial)};
  OPENSSL_free(der);
  if (const auto plain = check_parameters(read.der); !plain) return malformed(plain.error().message);
  return read;
}

Result<Bytes> read_nonce(OCSP_REQUEST* request) {
  Bytes nonce;
  for (int i = 0; i < OCSP_REQUEST_get_ext_count(request); ++i) {
    X509_EXTENSION* extension = OCSP_REQUEST_get_ext(request, i);
    if (OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_id_pkix_OCSP_Nonce) {
      if (X509_EXTENSION_get_critical(extension)) return malformed("a critical extension");
      continue;
    }
    if (!nonce.empty()) return malformed("two nonces");
    const Bytes value = bytes_of(X509_EXTENSION_get_data(extension));
    const auto inner = x509::content_of(value, kOctets);
    if (!inner || inner->empty() || inner->size() > kMaxOcspNonce)
      return malformed(fmt::format("a nonce that has not 1 to {} bytes", kMaxOcspNonce));
    nonce.assign(inner->begin(), inner->end());
  }
  return nonce;
}

Result<Bytes> der_of_generalized(TimePoint time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  char text[32] = "";
  if (!gmtime_r(&seconds, &parts) || std::strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &parts) != 15)
    return fail(Code::internal, "a date does not encode");
  return der_value(kGeneralizedTime, {as_bytes(text)});
}

Result<Bytes> der_of_status(const OcspAnswer& answer) {
  if (!answer.known) return der_value(kUnknown, {});
  if (!answer.revoked) return der_value(kGood, {});
  const Bytes at = TRY(der_of_generalized(answer.revoked->at));
  if (answer.revoked->reason == RevocationReason::unspecified) return der_value(kContext1, {at});
  const std::uint8_t reason[] = {kEnumerated, 1, static_cast<std::uint8_t>(answer.revoked->reason)};
  return der_value(kContext1, {at, der_value(kContext0, {reason})});
}

Bytes der_of_oid(int nid) {
  const ASN1_OBJECT* type = OBJ_nid2obj(nid);
  return der_value(kOid, {ByteView(OBJ_get0_data(type), OBJ_length(type))});
}

bool is_time(const ASN1_TIME* found, TimePoint wanted) {
  std::tm parts{};
  return found && ASN1_TIME_to_tm(found, &parts) == 1 && ::timegm(&parts) == wanted.time_since_epoch().count();
}

/// What libcrypto reads in the finished response.
Result<> check_answer(OCSP_BASICRESP* basic, const OcspDraft& draft, const OcspAnswer& answer) {
  const unsigned char* next = answer.id.data();
  const CertIdPtr id(d2i_OCSP_CERTID(nullptr, &next, static_cast<long>(answer.id.size())));
  int status = -1, reason = -1;
  ASN1_GENERALIZEDTIME *revoked = nullptr, *this_update = nullptr, *next_update = nullptr;
  if (!id || OCSP_resp_find_status(basic, id.get(), &status, &reason, &revoked, &this_update, &next_update) != 1)
    return unreleasable("an answer is missing");
  const int wanted = !answer.known    ? V_OCSP_CERTSTATUS_UNKNOWN
                     : answer.revoked ? V_OCSP_CERTSTATUS_REVOKED
                                      : V_OCSP_CERTSTATUS_GOOD;
  const int wanted_reason = answer.revoked && answer.revoked->reason != RevocationReason::unspecified
                                ? static_cast<int>(answer.revoked->reason)
                                : OCSP_REVOKED_STATUS_NOSTATUS;
  if (status != wanted || (answer.revoked && reason != wanted_reason))
    return unreleasable(
        fmt::format("status {} and reason {}; wanted {} and {}", status, reason, wanted, wanted_reason));
  if (!is_time(this_update, draft.produced_at) || !is_time(next_update, draft.next_update) ||
      (answer.revoked && !is_time(revoked, answer.revoked->at)))
    return unreleasable("its dates are others");
  return {};
}

Result<> check_nonce(OCSP_BASICRESP* basic, ByteView wanted) {
  const int at = OCSP_BASICRESP_get_ext_by_NID(basic, NID_id_pkix_OCSP_Nonce, -1);
  if (at < 0 && wanted.empty()) return {};
  if (at < 0) return unreleasable("it has no nonce");
  const Bytes value = bytes_of(X509_EXTENSION_get_data(OCSP_BASICRESP_get_ext(basic, at)));
  const auto nonce = x509::content_of(value, kOctets);
  if (nonce && std::equal(nonce->begin(), nonce->end(), wanted.begin(), wanted.end())) return {};
  return unreleasable("its nonce is another");
}

/// Signed by the responder's key, and the responder certified by the issuer for just this.
Result<> check_delegation(OCSP_BASICRESP* basic, const OcspDraft& draft) {
  // Anew from its bytes: x509::Certificate keeps no decoded key, and libcrypto wants one here.
  const Bytes& der = draft.issuer.certificate().der();
  const unsigned char* next = der.data();
  const CertificatePtr issuer(d2i_X509(nullptr, &next, static_cast<long>(der.size())));
  const StorePtr store(X509_STORE_new());
  if (!issuer || !store || X509_STORE_add_cert(store.get(), issuer.get()) != 1) return unreleasable("no store");
  X509_VERIFY_PARAM* param = X509_STORE_get0_param(store.get());
  X509_VERIFY_PARAM_set_time(param, draft.produced_at.time_since_epoch().count());
  // The issuer may itself hang below an outside root.
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  if (OCSP_basic_verify(basic, nullptr, store.get(), 0) == 1) return {};
  return unreleasable("it does not verify: " + drain_openssl_errors());
}

}  // namespace

Result<OcspRequest> parse_ocsp_request(ByteView der) {
  if (der.size() > kMaxOcspRequest)
    return fail(Code::too_large, fmt::format("OCSP request of {} bytes; at most {}", der.size(), kMaxOcspRequest));
  if (const auto strict = x509::check_der(der); !strict) return malformed(strict.error().message);
  const unsigned char* next = der.data();
  const RequestPtr request(d2i_OCSP_REQUEST(nullptr, &next, static_cast<long>(der.size())));
  if (!request || next != der.data() + der.size()) return malformed("it does not decode");
  const int count = OCSP_request_onereq_count(request.get());
  if (count < 1 || static_cast<std::size_t>(count) > kMaxOcspIds)
    return malformed(fmt::format("{} certificates; wanted 1 to {}", count, kMaxOcspIds));
  OcspRequest read;
  for (int i = 0; i < count; ++i) read.ids.push_back(TRY(read_id(OCSP_request_onereq_get0(request.get(), i))));
  read.nonce = TRY(read_nonce(request.get()));
  return read;
}

bool names_issuer(const OcspCertId& id, const x509::Certificate& issuer) {
  return digest_of(id.hash, issuer.subject_der()) == id.issuer_name_hash &&
         digest_of(id.hash, key_bits(issuer)) == id.issuer_key_hash;
}

Result<Bytes> build_ocsp_tbs(const OcspDraft& draft) {
  const Bytes produced = TRY(der_of_generalized(draft.produced_at)), next = TRY(der_of_generalized(draft.next_update));
  const Bytes responder =
      der_value(kContext2, {der_value(kOctets, {digest_of(EVP_sha1(), key_bits(draft.responder))})});
  Bytes answers;
  for (const OcspAnswer& answer : draft.answers) {
    const Bytes one =
        der_value(kSequence, {answer.id, TRY(der_of_status(answer)), produced, der_value(kContext0, {next})});
    answers.insert(answers.end(), one.begin(), one.end());
  }
  Bytes extensions;
  if (!draft.nonce.empty()) {
    const Bytes value = der_value(kOctets, {der_value(kOctets, {draft.nonce})});
    const Bytes nonce = der_value(kSequence, {der_of_oid(NID_id_pkix_OCSP_Nonce), value});
    extensions = der_value(kContext1, {der_value(kSequence, {nonce})});
  }
  return der_value(kSequence, {responder, produced, der_value(kSequence, {answers}), extensions});
}

Result<Bytes> close_ocsp(const OcspDraft& draft, ByteView tbs, ByteView signature) {
  static constexpr std::uint8_t kNoUnusedBits[] = {0};
  static constexpr std::uint8_t kSuccessful[] = {kEnumerated, 1, 0};
  const Bytes algorithm = TRY(algorithm_identifier(draft.algorithm));
  const Bytes bits =
      is_rsa(draft.algorithm) ? Bytes(signature.begin(), signature.end()) : TRY(ecdsa_raw_to_der(signature));
  const Bytes certificates = der_value(kContext0, {der_value(kSequence, {draft.responder.der()})});
  const Bytes whole =
      der_value(kSequence, {tbs, algorithm, der_value(kBitString, {kNoUnusedBits, bits}), certificates});
  const Bytes typed = der_value(kSequence, {der_of_oid(NID_id_pkix_OCSP_basic), der_value(kOctets, {whole})});
  Bytes der = der_value(kSequence, {kSuccessful, der_value(kContext0, {typed})});

  TRY(x509::check_der(der));
  const unsigned char* next = der.data();
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &next, static_cast<long>(der.size())));
  const BasicPtr basic(response ? OCSP_response_get1_basic(response.get()) : nullptr);
  if (!basic || OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return unreleasable("it does not decode: " + drain_openssl_errors());
  if (static_cast<std::size_t>(OCSP_resp_count(basic.get())) != draft.answers.size())
    return unreleasable("it has another number of answers");
  if (!is_time(OCSP_resp_get0_produced_at(basic.get()), draft.produced_at) ||
      draft.next_update > draft.responder.not_after())
    return unreleasable("its dates are others, or it is good for longer than the responder");
  TRY(check_delegation(basic.get(), draft));
  TRY(check_nonce(basic.get(), draft.nonce));
  for (const OcspAnswer& answer : draft.answers) TRY(check_answer(basic.get(), draft, answer));
  return der;
}

Bytes ocsp_failure(OcspFailure failure) {
  const std::uint8_t status[] = {kEnumerated, 1, static_cast<std::uint8_t>(failure)};
  return der_value(kSequence, {status});
}

}  // namespace hubseal::ca
