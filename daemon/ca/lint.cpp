#include "daemon/ca/lint.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/rsa.h>

#include "common/x509/der.h"
#include "daemon/ca/assemble.h"
#include "daemon/ca/read_extensions.h"

namespace hubseal::ca {
namespace {

using x509::Certificate;

tl::unexpected<Error> differs(std::string_view rule, std::string_view found, std::string_view wanted) {
  return fail(Code::internal, fmt::format("lint: {}: found {}, wanted {}", rule, found, wanted));
}

template <class T>
Result<> equal(std::string_view rule, const T& found, const T& wanted) {
  if (found == wanted) return {};
  return differs(rule, fmt::format("{}", found), fmt::format("{}", wanted));
}

Result<> equal_bytes(std::string_view rule, ByteView found, ByteView wanted) {
  if (std::equal(found.begin(), found.end(), wanted.begin(), wanted.end())) return {};
  return differs(rule, to_hex(found), to_hex(wanted));
}

/// Of a key that is thrown away with it. Small, because nothing depends on it.
Bytes sign_once(const PkeyPtr& key) {
  static constexpr std::uint8_t kAnything[] = {0};
  const MdContextPtr context(EVP_MD_CTX_new());
  Bytes signature(256);
  std::size_t size = signature.size();
  if (!context || !key || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, kAnything, sizeof kAnything) != 1)
    size = 0;
  signature.resize(size);
  return signature;
}

/// The same for every certificate: nobody verifies it, and what is signed does not contain the issuer's key.
const Bytes& throwaway_signature(bool rsa) {
  static const Bytes kRsa = sign_once(PkeyPtr(EVP_RSA_gen(1024)));
  static const Bytes kEc = sign_once(PkeyPtr(EVP_EC_gen("P-256")));
  return rsa ? kRsa : kEc;
}

int wanted_algorithm(KeyType issuer, Hash hash) {
  if (issuer == KeyType::ec_p256) return NID_ecdsa_with_SHA256;
  if (issuer == KeyType::ec_p384) return NID_ecdsa_with_SHA384;
  switch (hash) {
    case Hash::sha256: return NID_sha256WithRSAEncryption;
    case Hash::sha384: return NID_sha384WithRSAEncryption;
    case Hash::sha512: return NID_sha512WithRSAEncryption;
  }
  return NID_undef;
}

Result<> lint_frame(const Certificate& certificate, const Prepared& prepared, const Wanted& wanted) {
  const X509* x509 = certificate.openssl();
  TRY(equal("version", X509_get_version(x509) + 1, 3l));
  TRY(equal("serialNumber", certificate.serial().hex(), prepared.serial.hex()));
  const X509_ALGOR* outer = nullptr;
  X509_get0_signature(nullptr, &outer, x509);
  if (X509_ALGOR_cmp(X509_get0_tbs_sigalg(x509), outer) != 0)
    return differs("signature", "two algorithms", "the same inside and outside");
  const KeyType issuer = wanted.issuer ? wanted.issuer->key_type() : wanted.key_type;
  TRY(equal("signatureAlgorithm", X509_get_signature_nid(x509),
            wanted_algorithm(issuer, wanted.profile.signature_hash)));
  // The very bytes of which prepare has read the key's type, strength and one encoding.
  TRY(equal_bytes("subjectPublicKeyInfo", certificate.spki(), wanted.spki));
  if (!wanted.profile.allows(wanted.key_type))
    return differs("key type", to_string(wanted.key_type), "one of the profile");
  const ASN1_BIT_STRING *issuer_uid = nullptr, *subject_uid = nullptr;
  X509_get0_uids(x509, &issuer_uid, &subject_uid);
  if (issuer_uid || subject_uid) return differs("unique identifiers", "some", "none");
  return {};
}

Result<> lint_validity(const Certificate& certificate, const Prepared& prepared, const Wanted& wanted) {
  const Profile& profile = wanted.profile;
  TRY(equal("notBefore", format_utc(certificate.not_before()), format_utc(prepared.not_before)));
  TRY(equal("notAfter", format_utc(certificate.not_after()), format_utc(prepared.not_after)));
  const TimePoint longest = certificate.not_before() + profile.backdate + profile.validity;
  if (certificate.not_after() <= certificate.not_before() || certificate.not_after() > longest)
    return differs("validity", format_utc(certificate.not_after()), "at most " + format_utc(longest));
  if (!wanted.issuer) return {};
  const Certificate& ca = wanted.issuer->certificate();
  if (certificate.not_before() < ca.not_before() || certificate.not_after() > ca.not_after())
    return differs("validity", format_utc(certificate.not_after()), "within the issuer's");
  return {};
}

Result<> lint_names(const Certificate& certificate, const Prepared& prepared, const Wanted& wanted) {
  const Profile& profile = wanted.profile;
  // Byte-equal to the CA's subject (RFC 5280 section 4.1.2.4): some verifiers compare nothing else.
  TRY(equal_bytes("issuer", certificate.issuer_der(),
                  wanted.issuer ? wanted.issuer->certificate().subject_der() : certificate.subject_der()));
  const x509::DistinguishedName subject = TRY(certificate.subject_name());
  TRY(equal("subject", subject.text(), prepared.subject.text()));
  for (const auto& [attribute, value] : subject.entries())
    if (!profile.subject.contains(attribute))
      return differs("subject", x509::to_string(attribute), "attributes of the profile only");
  for (const auto& [attribute, rule] : profile.subject)
    if (rule.required && !subject.get(attribute))
      return differs("subject", "no " + std::string(x509::to_string(attribute)), "one");

  const x509::SubjectAltNames names = TRY(certificate.names());
  TRY(equal("subjectAltName dNSName", fmt::format("{}", fmt::join(names.dns(), ",")),
            fmt::format("{}", fmt::join(prepared.names.dns(), ","))));
  TRY(equal("subjectAltName iPAddress", fmt::format("{}", fmt::join(names.ip(), ",")),
            fmt::format("{}", fmt::join(prepared.names.ip(), ","))));
  if ((!names.dns().empty() && !profile.names.dns) || (!names.ip().empty() && !profile.names.ip) ||
      names.size() > profile.names.max || (names.empty() && profile.names.required))
    return differs("subjectAltName", fmt::format("{} DNS names, {} addresses", names.dns().size(), names.ip().size()),
                   "what the profile allows");
  if (!wanted.participant) return {};
  if (const auto beyond = beyond_register(*wanted.participant, subject, claims_of(subject, names)))
    return differs("register", *beyond, "what is registered of " + wanted.participant->id);
  return {};
}

/// Name and criticality of each extension, in order.
std::string extension_list(const X509* certificate) {
  std::string list;
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    const X509_EXTENSION* extension = X509_get_ext(certificate, i);
    const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(const_cast<X509_EXTENSION*>(extension)));  // not const in 3.0
    list += fmt::format("{}{}{}", list.empty() ? "" : " ", OBJ_nid2sn(nid),
                        X509_EXTENSION_get_critical(extension) ? "!" : "");
  }
  return list;
}

Result<> lint_extensions(const Certificate& certificate, const Prepared& prepared, const Wanted& wanted) {
  const Profile& profile = wanted.profile;
  std::string list = "basicConstraints! keyUsage!";
  if (!profile.extended_key_usage.empty()) list += " extendedKeyUsage";
  list += " subjectKeyIdentifier";
  if (wanted.issuer) list += " authorityKeyIdentifier";
  if (!prepared.names.empty()) list += " subjectAltName";
  if (!profile.policy_oids.empty()) list += " certificatePolicies";
  if (!profile.crl_urls.empty()) list += " crlDistributionPoints";
  if (!profile.ocsp_urls.empty()) list += " authorityInfoAccess";
  if (!profile.name_constraints.empty()) list += " nameConstraints!";
  if (profile.kind == Kind::ocsp_responder) list += " noCheck";
  TRY(equal("extensions (! is critical)", extension_list(certificate.openssl()), list));

  TRY(equal("basicConstraints CA", certificate.is_ca(), profile.kind == Kind::ca));
  TRY(equal("basicConstraints pathLen", certificate.path_len().value_or(-1), profile.path_len.value_or(-1)));
  TRY(equal("keyUsage", certificate.key_usage(), profile.key_usage_bits(wanted.key_type)));
  std::vector<int> usages;
  for (const auto usage : profile.extended_key_usage) usages.push_back(static_cast<int>(usage));
  TRY(equal("extendedKeyUsage", fmt::format("{}", fmt::join(certificate.extended_key_usage(), " ")),
            fmt::format("{}", fmt::join(usages, " "))));

  const ASN1_BIT_STRING* key = X509_get0_pubkey_bitstr(certificate.openssl());
  std::uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(key->data, static_cast<std::size_t>(key->length), digest, &size, EVP_sha1(), nullptr);
  TRY(equal_bytes("subjectKeyIdentifier", certificate.subject_key_identifier(), {digest, size}));
  return equal_bytes("authorityKeyIdentifier", certificate.authority_key_identifier(),
                     wanted.issuer ? ByteView(wanted.issuer->certificate().subject_key_identifier()) : ByteView());
}

Result<> equal_lists(std::string_view rule, const std::vector<std::string>& found,
                     const std::vector<std::string>& wanted) {
  return equal(rule, fmt::format("{}", fmt::join(found, " ")), fmt::format("{}", fmt::join(wanted, " ")));
}

/// Policies, addresses of CRL and OCSP, and what a CA is limited to.
Result<> lint_addresses(const Certificate& certificate, const Wanted& wanted) {
  const Profile& profile = wanted.profile;
  TRY(equal_lists("certificatePolicies", TRY(policy_oids_in(certificate)), profile.policy_oids));
  TRY(equal_lists("cRLDistributionPoints", TRY(crl_urls_in(certificate)), with_ca(profile.crl_urls, wanted.ca)));
  TRY(equal_lists("authorityInfoAccess OCSP", TRY(ocsp_urls_in(certificate)), with_ca(profile.ocsp_urls, wanted.ca)));
  if (TRY(constraints_in(certificate)) == profile.name_constraints) return {};
  return differs("nameConstraints", "others", "those of the profile");
}

}  // namespace

void make_throwaway_signatures() { throwaway_signature(true); }

Result<Certificate> throwaway_certificate(const Prepared& prepared) {
  const Bytes& signature = throwaway_signature(is_rsa(prepared.algorithm));
  if (signature.empty()) return fail(Code::internal, "lint: the throwaway key did not sign: " + drain_openssl_errors());
  const Bytes identifier = TRY(algorithm_identifier(prepared.algorithm));
  auto certificate = Certificate::parse_der(x509::close_shell(prepared.tbs, identifier, signature));
  if (!certificate) return fail(Code::internal, "lint: " + certificate.error().message);
  return certificate;
}

Result<Certificate> lint(const Prepared& prepared, const Wanted& wanted) {
  const Certificate certificate = TRY(throwaway_certificate(prepared));
  TRY(equal_bytes("to-be-signed bytes", certificate.tbs(), prepared.tbs));
  TRY(lint_frame(certificate, prepared, wanted));
  TRY(lint_validity(certificate, prepared, wanted));
  TRY(lint_names(certificate, prepared, wanted));
  TRY(lint_extensions(certificate, prepared, wanted));
  TRY(lint_addresses(certificate, wanted));
  return certificate;
}

}  // namespace hubseal::ca
