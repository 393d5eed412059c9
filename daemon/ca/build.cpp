#include "daemon/ca/build.h"

#include <openssl/sha.h>

#include "common/x509/der.h"
#include "daemon/ca/assemble.h"

namespace hubseal::ca {
namespace {

using x509::content_of;
using x509::der_value;
using x509::take_value;

constexpr std::uint8_t kInteger = 0x02, kSequence = 0x30, kSet = 0x31;
constexpr std::uint8_t kContext0 = 0xa0, kContext3 = 0xa3;

using BasicConstraintsPtr = std::unique_ptr<BASIC_CONSTRAINTS, Deleter<BASIC_CONSTRAINTS_free>>;
using BitStringPtr = std::unique_ptr<ASN1_BIT_STRING, Deleter<ASN1_BIT_STRING_free>>;
using TimePtr = std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>>;

tl::unexpected<Error> does_not_encode(std::string_view what) {
  return fail(Code::internal, std::string(what) + " does not encode: " + drain_openssl_errors());
}

template <class T, class Encode>
Result<Bytes> der_of(const T* value, Encode encode, std::string_view what) {
  unsigned char* der = nullptr;
  const int size = value ? encode(value, &der) : -1;
  if (size <= 0) return does_not_encode(what);
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

Result<Bytes> der_of_name(const x509::DistinguishedName& name) {
  const NamePtr value = TRY(name.to_openssl());
  return der_of(value.get(), i2d_X509_NAME, "name");
}

/// DER Extension around a value that libcrypto encodes.
Result<Bytes> extension(int nid, bool critical, void* value) {
  const ExtensionPtr encoded(value ? X509V3_EXT_i2d(nid, critical ? 1 : 0, value) : nullptr);
  return der_of(encoded.get(), i2d_X509_EXTENSION, OBJ_nid2sn(nid));
}

Result<Bytes> basic_constraints(bool is_ca, std::optional<long> path_len) {
  const BasicConstraintsPtr value(BASIC_CONSTRAINTS_new());
  if (!value) return does_not_encode("basicConstraints");
  value->ca = is_ca ? 0xff : 0;
  if (path_len && (!(value->pathlen = ASN1_INTEGER_new()) || ASN1_INTEGER_set(value->pathlen, *path_len) != 1))
    return does_not_encode("pathLenConstraint");
  return extension(NID_basic_constraints, true, value.get());
}

Result<Bytes> key_usage(std::uint32_t bits) {
  const BitStringPtr value(ASN1_BIT_STRING_new());
  for (int bit = 0; bit < 8; ++bit)  // bit 0 of the standard is the first of the first octet
    if (value && (bits & (0x80u >> bit)) && ASN1_BIT_STRING_set_bit(value.get(), bit, 1) != 1)
      return does_not_encode("keyUsage");
  return extension(NID_key_usage, true, value.get());
}

Result<Bytes> extended_key_usage(const std::vector<x509::ExtendedKeyUsage>& usages) {
  const std::unique_ptr<EXTENDED_KEY_USAGE, Deleter<EXTENDED_KEY_USAGE_free>> value(sk_ASN1_OBJECT_new_null());
  for (const auto usage : usages)  // the objects of OBJ_nid2obj are static, freeing them does nothing
    if (!value || sk_ASN1_OBJECT_push(value.get(), OBJ_nid2obj(static_cast<int>(usage))) <= 0)
      return does_not_encode("extKeyUsage");
  return extension(NID_ext_key_usage, false, value.get());
}

Result<Bytes> alt_names(const x509::SubjectAltNames& names) {
  const GeneralNamesPtr value = TRY(names.to_openssl());
  return extension(NID_subject_alt_name, false, value.get());
}

/// RFC 5280 section 4.2.1.2 (1): SHA-1 over the key's bits. A name for the key, not a protection.
Result<Bytes> key_identifier(ByteView spki) {
  ByteView fields = TRY(content_of(spki, kSequence));
  TRY(take_value(fields));
  const ByteView bits = TRY(content_of(fields, 0x03));
  Bytes digest(SHA_DIGEST_LENGTH);
  if (bits.empty() || EVP_Digest(bits.data() + 1, bits.size() - 1, digest.data(), nullptr, EVP_sha1(), nullptr) != 1)
    return does_not_encode("subjectKeyIdentifier");
  return digest;
}

Result<Bytes> subject_key_identifier(ByteView spki) {
  const Bytes digest = TRY(key_identifier(spki));
  const std::unique_ptr<ASN1_OCTET_STRING, Deleter<ASN1_OCTET_STRING_free>> value(ASN1_OCTET_STRING_new());
  if (!value || ASN1_OCTET_STRING_set(value.get(), digest.data(), static_cast<int>(digest.size())) != 1)
    return does_not_encode("subjectKeyIdentifier");
  return extension(NID_subject_key_identifier, false, value.get());
}

Result<Bytes> authority_key_identifier(ByteView issuer_key_identifier) {
  const std::unique_ptr<AUTHORITY_KEYID, Deleter<AUTHORITY_KEYID_free>> value(AUTHORITY_KEYID_new());
  if (!value || !(value->keyid = ASN1_OCTET_STRING_new()) ||
      ASN1_OCTET_STRING_set(value->keyid, issuer_key_identifier.data(),
                            static_cast<int>(issuer_key_identifier.size())) != 1)
    return does_not_encode("authorityKeyIdentifier");
  return extension(NID_authority_key_identifier, false, value.get());
}

void append(Bytes& list, const Bytes& item) { list.insert(list.end(), item.begin(), item.end()); }

Result<Bytes> der_of_oid(const ASN1_OBJECT* object, std::string_view what) {
  return der_of(object, i2d_ASN1_OBJECT, what);
}

/// An extension whose value is written here; lint reads it with libcrypto.
Result<Bytes> written_extension(int nid, bool critical, const Bytes& value) {
  static constexpr std::uint8_t kTrue[] = {0x01, 1, 0xff};
  const Bytes type = TRY(der_of_oid(OBJ_nid2obj(nid), OBJ_nid2sn(nid)));
  return der_value(kSequence, {type, ByteView(kTrue, critical ? 3u : 0u), der_value(0x04, {value})});
}

/// PolicyInformation without qualifiers.
Result<Bytes> certificate_policies(const std::vector<std::string>& oids) {
  Bytes list;
  for (const std::string& oid : oids) {
    const std::unique_ptr<ASN1_OBJECT, Deleter<ASN1_OBJECT_free>> object(OBJ_txt2obj(oid.c_str(), 1));
    const Bytes type = TRY(der_of_oid(object.get(), "certificatePolicies"));
    append(list, der_value(kSequence, {type}));
  }
  return written_extension(NID_certificate_policies, false, der_value(kSequence, {list}));
}

Bytes url_name(const std::string& url) { return der_value(0x86, {as_bytes(url)}); }

/// One distribution point: the URLs are ways to the same CRL.
Result<Bytes> crl_distribution_points(const std::vector<std::string>& urls) {
  Bytes names;
  for (const std::string& url : urls) append(names, url_name(url));
  const Bytes point = der_value(kSequence, {der_value(kContext0, {der_value(kContext0, {names})})});
  return written_extension(NID_crl_distribution_points, false, der_value(kSequence, {point}));
}

Result<Bytes> authority_info_access(const std::vector<std::string>& ocsp_urls) {
  const Bytes method = TRY(der_of_oid(OBJ_nid2obj(NID_ad_OCSP), "authorityInfoAccess"));
  Bytes list;
  for (const std::string& url : ocsp_urls) append(list, der_value(kSequence, {method, url_name(url)}));
  return written_extension(NID_info_access, false, der_value(kSequence, {list}));
}

Result<Bytes> name_constraints(const NameConstraints& constraints) {
  return written_extension(NID_name_constraints, true, TRY(der_of(constraints)));
}

}  // namespace

Result<Bytes> der_of_time(TimePoint time) {
  const TimePtr value(ASN1_TIME_set(nullptr, time.time_since_epoch().count()));
  return der_of(value.get(), i2d_ASN1_TIME, "date");
}

Result<Bytes> build_tbs(const Draft& draft) {
  static constexpr std::uint8_t kVersion3[] = {kInteger, 1, 2};
  static constexpr std::uint8_t kSign[] = {0};
  const Bytes& magnitude = draft.serial.magnitude();
  const ByteView sign(kSign, magnitude.front() & 0x80 ? 1u : 0u);  // a first bit that is set would mean negative

  Bytes extensions = TRY(basic_constraints(draft.is_ca, draft.path_len));
  append(extensions, TRY(key_usage(draft.key_usage)));
  if (!draft.extended_key_usage.empty()) append(extensions, TRY(extended_key_usage(draft.extended_key_usage)));
  append(extensions, TRY(subject_key_identifier(draft.spki)));
  if (!draft.issuer_key_identifier.empty())
    append(extensions, TRY(authority_key_identifier(draft.issuer_key_identifier)));
  if (!draft.names.empty()) append(extensions, TRY(alt_names(draft.names)));
  if (!draft.policy_oids.empty()) append(extensions, TRY(certificate_policies(draft.policy_oids)));
  if (!draft.crl_urls.empty()) append(extensions, TRY(crl_distribution_points(draft.crl_urls)));
  if (!draft.ocsp_urls.empty()) append(extensions, TRY(authority_info_access(draft.ocsp_urls)));
  if (!draft.name_constraints.empty()) append(extensions, TRY(name_constraints(draft.name_constraints)));
  if (draft.ocsp_no_check) append(extensions, TRY(written_extension(NID_id_pkix_OCSP_noCheck, false, {0x05, 0x00})));

  const Bytes algorithm = TRY(algorithm_identifier(draft.algorithm));
  const Bytes not_before = TRY(der_of_time(draft.not_before)), not_after = TRY(der_of_time(draft.not_after));
  const Bytes subject = TRY(der_of_name(draft.subject));
  return der_value(kSequence, {der_value(kContext0, {kVersion3}), der_value(kInteger, {sign, magnitude}), algorithm,
                               draft.issuer_name, der_value(kSequence, {not_before, not_after}), subject, draft.spki,
                               der_value(kContext3, {der_value(kSequence, {extensions})})});
}

Result<Bytes> build_csr_info(const CsrDraft& draft) {
  static constexpr std::uint8_t kVersion1[] = {kInteger, 1, 0};
  Bytes extensions;
  if (draft.is_ca) append(extensions, TRY(basic_constraints(true, draft.path_len)));
  if (draft.key_usage) append(extensions, TRY(key_usage(draft.key_usage)));
  if (!draft.names.empty()) append(extensions, TRY(alt_names(draft.names)));
  if (!draft.name_constraints.empty()) append(extensions, TRY(name_constraints(draft.name_constraints)));

  Bytes attribute;
  if (!extensions.empty()) {
    const Bytes type = TRY(der_of(OBJ_nid2obj(NID_ext_req), i2d_ASN1_OBJECT, "extensionRequest"));
    attribute = der_value(kSequence, {type, der_value(kSet, {der_value(kSequence, {extensions})})});
  }
  const Bytes subject = TRY(der_of_name(draft.subject));
  return der_value(kSequence, {kVersion1, subject, draft.spki, der_value(kContext0, {attribute})});
}

}  // namespace hubseal::ca
