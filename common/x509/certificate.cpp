#include "common/x509/certificate.h"

#include <time.h>

#include <algorithm>

#include <fmt/format.h>

#include "common/x509/der.h"
#include "common/x509/pem.h"
#include "common/x509/public_key.h"

namespace hubseal::x509 {
namespace {

constexpr std::size_t kMaxSerialBytes = 20;

tl::unexpected<Error> not_a_certificate(std::string_view problem) {
  return fail(Code::bad_request, fmt::format("not an X.509 certificate: {}", problem));
}

Bytes bytes_of(const ASN1_STRING* text) {
  const unsigned char* data = ASN1_STRING_get0_data(text);
  return {data, data + ASN1_STRING_length(text)};
}

Result<TimePoint> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return not_a_certificate("a validity date that is none");
  return TimePoint{std::chrono::seconds(::timegm(&parts))};
}

/// The decoded value of an extension; null when the certificate has none of this kind.
template <class Handle>
Result<Handle> extension(const X509* certificate, int nid) {
  int critical = -1;  // -1: absent, -2: there are two
  Handle value(static_cast<typename Handle::pointer>(X509_get_ext_d2i(certificate, nid, &critical, nullptr)));
  if (!value && critical != -1)
    return not_a_certificate(fmt::format("{} is repeated or does not decode", OBJ_nid2sn(nid)));
  return value;
}

using BasicConstraintsPtr = std::unique_ptr<BASIC_CONSTRAINTS, Deleter<BASIC_CONSTRAINTS_free>>;
using BitStringPtr = std::unique_ptr<ASN1_BIT_STRING, Deleter<ASN1_BIT_STRING_free>>;
using OctetStringPtr = std::unique_ptr<ASN1_OCTET_STRING, Deleter<ASN1_OCTET_STRING_free>>;
using AuthorityKeyidPtr = std::unique_ptr<AUTHORITY_KEYID, Deleter<AUTHORITY_KEYID_free>>;
using ExtendedKeyUsagePtr = std::unique_ptr<EXTENDED_KEY_USAGE, Deleter<EXTENDED_KEY_USAGE_free>>;

CertificatePtr decoded(ByteView der, OSSL_LIB_CTX* context) {
  const unsigned char* next = der.data();
  X509* certificate = X509_new_ex(context, nullptr);
  // Frees the certificate and clears the pointer when it fails.
  if (!certificate || !d2i_X509(&certificate, &next, static_cast<long>(der.size())) ||
      next != der.data() + der.size()) {
    X509_free(certificate);
    return nullptr;
  }
  return CertificatePtr(certificate);
}

/// The SubjectPublicKeyInfo as it stands in the certificate: the seventh field of a version 3
/// TBSCertificate, whose first one is the [0] of the version.
Result<Bytes> spki_in(ByteView tbs) {
  ByteView fields = TRY(content_of(tbs, 0x30));
  const int before = !fields.empty() && fields[0] == 0xa0 ? 6 : 5;
  for (int skipped = 0; skipped < before; ++skipped) TRY(take_value(fields));
  const ByteView spki = TRY(take_value(fields));
  return Bytes(spki.begin(), spki.end());
}

}  // namespace

Result<Serial> Serial::of(ByteView magnitude) {
  const auto first = std::find_if(magnitude.begin(), magnitude.end(), [](std::uint8_t byte) { return byte != 0; });
  Bytes significant(first, magnitude.end());
  // The sign bit of DER needs an octet of its own when the first bit is set.
  const std::size_t octets = significant.size() + (!significant.empty() && (significant[0] & 0x80) ? 1 : 0);
  if (octets == 0 || octets > kMaxSerialBytes)
    return fail(Code::bad_request, fmt::format("serial number of {} octets; wanted a positive number of 1 to {}",
                                               octets, kMaxSerialBytes));
  return Serial(std::move(significant));
}

Result<Serial> Serial::parse(std::string_view hex) {
  if (hex.size() > 2 * kMaxSerialBytes)
    return fail(Code::bad_request,
                fmt::format("serial number of {} digits; at most {} are accepted", hex.size(), 2 * kMaxSerialBytes));
  return of(TRY(from_hex(hex)));
}

Result<Certificate> Certificate::parse(std::string_view pem) {
  return parse_der(TRY(der_of_pem(pem, {"CERTIFICATE"})));
}

Result<Certificate> Certificate::parse_der(ByteView der) {
  if (der.size() > kMaxPemBytes)
    return fail(Code::too_large,
                fmt::format("certificate of {} bytes; at most {} are accepted", der.size(), kMaxPemBytes));
  TRY(check_der(der));
  const SignedShell shell = TRY(open_shell(der));
  CertificatePtr owned = decoded(der, context_without_algorithms());
  if (!owned) return not_a_certificate(drain_openssl_errors());
  const X509* certificate = owned.get();

  const ASN1_INTEGER* number = X509_get0_serialNumber(certificate);
  if (ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER) return not_a_certificate("a negative serial number");
  // Nothing may return from inside the braces below: what they hold by then would not be freed.
  const Serial serial = TRY(Serial::of(bytes_of(number)));
  const TimePoint not_before = TRY(time_of(X509_get0_notBefore(certificate)));
  const TimePoint not_after = TRY(time_of(X509_get0_notAfter(certificate)));
  const Bytes spki = TRY(spki_in(shell.to_be_signed));
  const std::shared_ptr<Parts> shared(new Parts{.certificate = std::move(owned),
                                                .der = Bytes(der.begin(), der.end()),
                                                .serial = serial,
                                                .not_before = not_before,
                                                .not_after = not_after,
                                                .path_len = {},
                                                .extended_key_usage = {},
                                                .subject_key_identifier = {},
                                                .authority_key_identifier = {},
                                                .spki = spki,
                                                .key_decoded = {},
                                                .key = {}});
  Parts& parts = *shared;
  parts.key_id = sha256(parts.spki);

  if (const auto constraints = TRY(extension<BasicConstraintsPtr>(certificate, NID_basic_constraints))) {
    parts.is_ca = constraints->ca != 0;
    if (constraints->pathlen) parts.path_len = ASN1_INTEGER_get(constraints->pathlen);
  }
  if (const auto bits = TRY(extension<BitStringPtr>(certificate, NID_key_usage))) {
    const Bytes usage = bytes_of(bits.get());
    parts.key_usage = (usage.empty() ? 0u : usage[0]) | (usage.size() > 1 ? unsigned{usage[1]} << 8 : 0u);
  }
  if (const auto usages = TRY(extension<ExtendedKeyUsagePtr>(certificate, NID_ext_key_usage)))
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i)
      parts.extended_key_usage.push_back(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages.get(), i)));
  if (const auto id = TRY(extension<OctetStringPtr>(certificate, NID_subject_key_identifier)))
    parts.subject_key_identifier = bytes_of(id.get());
  if (const auto id = TRY(extension<AuthorityKeyidPtr>(certificate, NID_authority_key_identifier)); id && id->keyid)
    parts.authority_key_identifier = bytes_of(id->keyid);
  return Certificate(shared);
}

std::string Certificate::subject() const { return name_text(X509_get_subject_name(openssl())); }
std::string Certificate::issuer() const { return name_text(X509_get_issuer_name(openssl())); }

Result<DistinguishedName> Certificate::subject_name() const {
  return DistinguishedName::parse(X509_get_subject_name(openssl()));
}

Bytes Certificate::subject_der() const { return name_der(X509_get_subject_name(openssl())); }
Bytes Certificate::issuer_der() const { return name_der(X509_get_issuer_name(openssl())); }

Result<SubjectAltNames> Certificate::names() const {
  const auto names = TRY(extension<GeneralNamesPtr>(openssl(), NID_subject_alt_name));
  return names ? SubjectAltNames::parse(names.get()) : SubjectAltNames();
}

EVP_PKEY* Certificate::public_key() const {
  std::call_once(parts_->key_decoded, [parts = parts_.get()] {
    if (auto key = public_key_from_spki(parts->spki)) parts->key = *std::move(key);
  });
  return parts_->key.get();
}

Result<> Certificate::verify(EVP_PKEY* issuer_key) const {
  const CertificatePtr certificate = decoded(der(), nullptr);
  if (issuer_key && certificate && X509_verify(certificate.get(), issuer_key) == 1) return {};
  return fail(Code::bad_request,
              fmt::format("certificate {} is not signed by this key: {}", serial().hex(), drain_openssl_errors()));
}

ByteView Certificate::tbs() const { return open_shell(der())->to_be_signed; }

std::string Certificate::to_pem() const { return pem_of_der(der(), "CERTIFICATE"); }

}  // namespace hubseal::x509
