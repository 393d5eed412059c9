#include "daemon/ca/crl.h"

#include <fmt/format.h>

#include "common/key_types.h"
#include "common/x509/der.h"
#include "daemon/ca/assemble.h"
#include "daemon/ca/build.h"

namespace hubseal::ca {
namespace {

using x509::der_value;

constexpr std::uint8_t kInteger = 0x02, kEnumerated = 0x0a, kOctets = 0x04, kSequence = 0x30, kContext0 = 0xa0;

using CrlPtr = std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>>;

tl::unexpected<Error> unreleasable(std::string_view problem) {
  return fail(Code::internal, fmt::format("finished CRL is not released: {}", problem));
}

Bytes der_of_magnitude(ByteView magnitude) {
  static constexpr std::uint8_t kPositive[] = {0};
  return der_value(kInteger, {ByteView(kPositive, magnitude.front() & 0x80 ? 1u : 0u), magnitude});
}

Bytes der_of_number(std::int64_t number) {
  Bytes magnitude;
  for (int shift = 56; shift >= 0; shift -= 8) {
    const auto byte = static_cast<std::uint8_t>(number >> shift);
    if (byte != 0 || !magnitude.empty() || shift == 0) magnitude.push_back(byte);
  }
  return der_of_magnitude(magnitude);
}

Bytes extension(int nid, ByteView value) {
  const ASN1_OBJECT* type = OBJ_nid2obj(nid);
  const ByteView oid(OBJ_get0_data(type), OBJ_length(type));
  return der_value(kSequence, {der_value(0x06, {oid}), der_value(kOctets, {value})});
}

/// RFC 5280 section 5.3.1: unspecified is said by saying nothing.
Result<Bytes> der_of_entry(const RevokedEntry& entry) {
  const Bytes serial = der_of_magnitude(entry.serial.magnitude()), at = TRY(der_of_time(entry.at));
  if (entry.reason == RevocationReason::unspecified) return der_value(kSequence, {serial, at});
  const std::uint8_t code[] = {kEnumerated, 1, static_cast<std::uint8_t>(entry.reason)};
  return der_value(kSequence, {serial, at, der_value(kSequence, {extension(NID_crl_reason, code)})});
}

/// An entry of the finished list, found by its serial number, says what the draft says.
Result<> check_entry(X509_CRL* crl, const RevokedEntry& entry) {
  const Bytes encoded = der_of_magnitude(entry.serial.magnitude());
  const unsigned char* next = encoded.data();
  const IntegerPtr serial(d2i_ASN1_INTEGER(nullptr, &next, static_cast<long>(encoded.size())));
  X509_REVOKED* found = nullptr;
  // 2 would be an entry that says removeFromCRL.
  if (!serial || X509_CRL_get0_by_serial(crl, &found, serial.get()) != 1)
    return unreleasable("an entry is missing: " + entry.serial.hex());
  const std::unique_ptr<ASN1_ENUMERATED, Deleter<ASN1_ENUMERATED_free>> reason(
      static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(found, NID_crl_reason, nullptr, nullptr)));
  const long code = reason ? ASN1_ENUMERATED_get(reason.get()) : 0;
  if (code == static_cast<long>(entry.reason)) return {};
  return unreleasable(fmt::format("{} has reason {}; wanted {}", entry.serial.hex(), code, to_string(entry.reason)));
}

}  // namespace

std::string_view to_string(RevocationReason reason) {
  for (const auto& [word, value] : kRevocationReasons)
    if (value == reason) return word;
  return "unknown";
}

Result<Bytes> build_crl_tbs(const CrlDraft& draft) {
  static constexpr std::uint8_t kVersion2[] = {kInteger, 1, 1};
  const x509::Certificate& issuer = draft.issuer.certificate();
  Bytes entries;
  for (const RevokedEntry& entry : draft.entries) {
    const Bytes encoded = TRY(der_of_entry(entry));
    entries.insert(entries.end(), encoded.begin(), encoded.end());
  }
  const Bytes list = entries.empty() ? Bytes() : der_value(kSequence, {entries});  // absent where it would be empty
  const Bytes key_id = der_value(kSequence, {der_value(0x80, {issuer.subject_key_identifier()})});
  const Bytes extensions = der_value(kSequence, {extension(NID_authority_key_identifier, key_id),
                                                 extension(NID_crl_number, der_of_number(draft.number))});
  const Bytes algorithm = TRY(algorithm_identifier(draft.algorithm));
  const Bytes issuer_name = issuer.subject_der();
  const Bytes this_update = TRY(der_of_time(draft.this_update)), next_update = TRY(der_of_time(draft.next_update));
  return der_value(kSequence, {kVersion2, algorithm, issuer_name, this_update, next_update, list,
                               der_value(kContext0, {extensions})});
}

Result<Bytes> close_crl(const CrlDraft& draft, ByteView tbs, ByteView signature) {
  const Bytes identifier = TRY(algorithm_identifier(draft.algorithm));
  const Bytes bits =
      is_rsa(draft.algorithm) ? Bytes(signature.begin(), signature.end()) : TRY(ecdsa_raw_to_der(signature));
  Bytes der = x509::close_shell(tbs, identifier, bits);
  TRY(x509::check_der(der));
  const unsigned char* next = der.data();
  const CrlPtr crl(d2i_X509_CRL(nullptr, &next, static_cast<long>(der.size())));
  if (!crl || next != der.data() + der.size()) return unreleasable(drain_openssl_errors());
  if (X509_CRL_verify(crl.get(), draft.issuer.public_key()) != 1)
    return unreleasable("it is not signed by the issuer's key: " + drain_openssl_errors());
  STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(crl.get());
  const auto count = revoked ? static_cast<std::size_t>(sk_X509_REVOKED_num(revoked)) : 0;
  if (count != draft.entries.size())
    return unreleasable(fmt::format("it has {} entries; wanted {}", count, draft.entries.size()));
  const IntegerPtr number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl.get(), NID_crl_number, nullptr, nullptr)));
  if (!number || ASN1_INTEGER_get(number.get()) != draft.number) return unreleasable("its number");
  for (const RevokedEntry& entry : draft.entries) TRY(check_entry(crl.get(), entry));
  return der;
}

}  // namespace hubseal::ca
