#include "daemon/ca/read_crl.h"

#include <time.h>

#include <set>

#include <fmt/format.h>

#include "common/x509/der.h"
#include "common/x509/pem.h"

namespace hubseal::ca {
namespace {

constexpr std::int64_t kMostNumber = std::int64_t{1} << 60;  // leaves room to count on
constexpr long kCaCompromise = 2, kAaCompromise = 10;        // RFC 5280 section 5.3.1

using CrlPtr = std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>>;
using EnumeratedPtr = std::unique_ptr<ASN1_ENUMERATED, Deleter<ASN1_ENUMERATED_free>>;

tl::unexpected<Error> refuse(std::string_view problem) {
  return fail(Code::policy_denied, fmt::format("the CRL: {}", problem));
}
tl::unexpected<Error> not_a_crl(std::string_view problem) {
  return fail(Code::bad_request, fmt::format("not a CRL: {}", problem));
}

Result<TimePoint> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return not_a_crl("a date that is none");
  const TimePoint at{std::chrono::seconds(::timegm(&parts))};
  if (at < TimePoint{}) return not_a_crl("a date before 1970");  // could not be written again
  return at;
}

Result<CrlPtr> decode(const Bytes& der) {
  TRY(x509::check_der(der));
  const unsigned char* next = der.data();
  CrlPtr crl(d2i_X509_CRL(nullptr, &next, static_cast<long>(der.size())));
  if (!crl || next != der.data() + der.size()) return not_a_crl(drain_openssl_errors());
  return crl;
}

/// What is critical would change what the list means: a delta, a part, another issuer's certificates.
Result<> check_nothing_critical(const STACK_OF(X509_EXTENSION) * extensions) {
  for (int i = 0; i < sk_X509_EXTENSION_num(extensions); ++i) {
    X509_EXTENSION* extension = sk_X509_EXTENSION_value(extensions, i);
    if (X509_EXTENSION_get_critical(extension) == 0) continue;
    return refuse(fmt::format("a critical {}; wanted a full list of the CA's own certificates",
                              OBJ_nid2sn(OBJ_obj2nid(X509_EXTENSION_get_object(extension)))));
  }
  return {};
}

Result<RevocationReason> reason_of(const X509_REVOKED* entry) {
  int critical = -1;  // -1: absent
  const EnumeratedPtr value(
      static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &critical, nullptr)));
  if (!value && critical != -1) return not_a_crl("a reason that does not decode, or two");
  const long code = value ? ASN1_ENUMERATED_get(value.get()) : 0;
  if (code == kCaCompromise) return RevocationReason::key_compromise;
  if (code == kAaCompromise) return RevocationReason::privilege_withdrawn;
  for (const auto& [word, reason] : kRevocationReasons)
    if (code == static_cast<long>(reason)) return reason;
  return refuse(fmt::format("an entry with reason {}", code));
}

Result<RevokedEntry> entry_of(const X509_REVOKED* entry) {
  TRY(check_nothing_critical(X509_REVOKED_get0_extensions(entry)));
  const ASN1_INTEGER* number = X509_REVOKED_get0_serialNumber(entry);
  if (ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER) return not_a_crl("a negative serial number");
  const ByteView magnitude(ASN1_STRING_get0_data(number), static_cast<std::size_t>(ASN1_STRING_length(number)));
  return RevokedEntry{TRY(x509::Serial::of(magnitude)), TRY(time_of(X509_REVOKED_get0_revocationDate(entry))),
                      TRY(reason_of(entry))};
}

Result<std::int64_t> number_of(const X509_CRL* crl) {
  int critical = -1;
  const IntegerPtr value(static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl, NID_crl_number, &critical, nullptr)));
  if (!value && critical != -1) return not_a_crl("a cRLNumber that does not decode, or two");
  std::int64_t number = 0;
  if (value && (ASN1_INTEGER_get_int64(&number, value.get()) != 1 || number < 0 || number > kMostNumber))
    return refuse("a cRLNumber of more than 60 bits");
  return number;
}

}  // namespace

Result<ReadCrl> read_crl(std::string_view pem, const Issuer& issuer, TimePoint now) {
  Bytes der = TRY(x509::der_of_pem(pem, {"X509 CRL"}, kMaxCrlPem));
  const CrlPtr crl = TRY(decode(der));
  if (X509_NAME_cmp(X509_CRL_get_issuer(crl.get()), X509_get_subject_name(issuer.certificate().openssl())) != 0)
    return refuse("it is another issuer's");
  if (X509_CRL_verify(crl.get(), issuer.public_key()) != 1) {
    drain_openssl_errors();
    return refuse("it is not signed by the CA's key");
  }
  TRY(check_nothing_critical(X509_CRL_get0_extensions(crl.get())));
  ReadCrl read{.der = std::move(der),
               .number = TRY(number_of(crl.get())),
               .this_update = TRY(time_of(X509_CRL_get0_lastUpdate(crl.get()))),
               .next_update = TRY(time_of(X509_CRL_get0_nextUpdate(crl.get()))),
               .entries = {}};
  if (read.this_update > now) return refuse("it is from the future: " + format_utc(read.this_update));
  const STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(crl.get());
  std::set<Bytes> serials;
  for (int i = 0; i < sk_X509_REVOKED_num(revoked); ++i) {
    read.entries.push_back(TRY(entry_of(sk_X509_REVOKED_value(revoked, i))));
    const x509::Serial& serial = read.entries.back().serial;
    if (!serials.insert(serial.magnitude()).second) return refuse("it has " + serial.hex() + " twice");
  }
  return read;
}

}  // namespace hubseal::ca
