#include "daemon/ca/prepare.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "common/x509/public_key.h"
#include "daemon/ca/build.h"
#include "daemon/ca/lint.h"
#include "daemon/ca/policy.h"

namespace hubseal::ca {
namespace {

struct Validity {
  TimePoint not_before, not_after;
};

/// Counted from now; the start moved back for slow clocks, but never before the issuer's.
Result<Validity> decide_validity(const Issuer& issuer, const Profile& profile, TimePoint now) {
  const x509::Certificate& ca = issuer.certificate();
  const Validity validity{std::max(now - profile.backdate, ca.not_before()), now + profile.validity};
  if (now < ca.not_before())
    return fail(Code::policy_denied, fmt::format("it is {}, but the CA's certificate is valid from {} only",
                                                 format_utc(now), format_utc(ca.not_before())));
  if (validity.not_after > ca.not_after())
    return fail(Code::policy_denied,
                fmt::format("profile {}: the certificate would be valid until {}, but the CA's ends at {}",
                            profile.name, format_utc(validity.not_after), format_utc(ca.not_after())));
  return validity;
}

Result<> wants_kind(const Profile& profile, Kind kind) {
  if (profile.kind == kind) return {};
  return fail(Code::policy_denied, fmt::format("profile {} is of kind {}; wanted {}", profile.name,
                                               to_string(profile.kind), to_string(kind)));
}

}  // namespace

Result<x509::Serial> new_serial() {
  std::array<std::uint8_t, 16> random{};
  // Zero would come once in 2^128 draws; Serial::of would refuse it.
  if (RAND_priv_bytes(random.data(), random.size()) != 1)
    return fail(Code::internal, "no random bytes for a serial number: " + drain_openssl_errors());
  return x509::Serial::of(random);
}

SignatureAlgorithm signature_algorithm(KeyType issuer_key, Hash hash) {
  if (issuer_key == KeyType::ec_p256) return SignatureAlgorithm::ecdsa_sha256;
  if (issuer_key == KeyType::ec_p384) return SignatureAlgorithm::ecdsa_sha384;
  switch (hash) {
    case Hash::sha256: return SignatureAlgorithm::rsa_pkcs1_sha256;
    case Hash::sha384: return SignatureAlgorithm::rsa_pkcs1_sha384;
    case Hash::sha512: return SignatureAlgorithm::rsa_pkcs1_sha512;
  }
  return SignatureAlgorithm::rsa_pkcs1_sha512;
}

Result<Issuer> Issuer::of(x509::Certificate certificate) {
  const auto refuse = [&](std::string_view problem) {
    return fail(Code::policy_denied, fmt::format("certificate {} ({}) cannot issue: {}", certificate.serial().hex(),
                                                 certificate.subject(), problem));
  };
  if (!certificate.is_ca()) return refuse("it is not a CA's (basicConstraints)");
  if (!(certificate.key_usage() & KU_KEY_CERT_SIGN)) return refuse("its key usage lacks keyCertSign");
  if (certificate.subject_key_identifier().empty()) return refuse("it has no subjectKeyIdentifier");
  if (!certificate.public_key()) return refuse("its key does not decode");
  const KeyType type = TRY(key_type_of(certificate.public_key()));
  return Issuer(std::move(certificate), type);
}

Result<Prepared> prepare_certificate(const Issuer& issuer, const CertificateRequest& request) {
  const Profile& profile = request.profile;
  TRY(wants_kind(profile, Kind::end_entity));
  TRY(request.csr.verify_own_signature());
  const KeyType key_type = TRY(decide_key(profile, request.csr.public_key()));
  if (request.csr.key_id() == issuer.key_id())
    return fail(Code::policy_denied, "CSR for the CA's own key; wanted a key of the participant");
  TRY(check_requested_extensions(request.csr));
  const x509::DistinguishedName asked = TRY(request.csr.subject());
  const x509::DistinguishedName subject = TRY(decide_subject(profile, asked, request.participant, &issuer));
  TRY(check_common_name(profile, subject, request.participant, issuer));
  const x509::SubjectAltNames names = TRY(request.csr.names());
  TRY(check_names(profile, names, request.participant));
  const std::vector<ClaimedName> claims = claims_of(subject, names);
  TRY(check_register(request.participant, subject, claims));
  const Validity validity = TRY(decide_validity(issuer, profile, request.now));

  const KeyId key_core = TRY(key_core_of(request.csr.public_key()));
  Prepared prepared{{},
                    signature_algorithm(issuer.key_type(), profile.signature_hash),
                    request.serial,
                    validity.not_before,
                    validity.not_after,
                    subject,
                    names,
                    claims,
                    {},
                    key_core};
  const Bytes issuer_name = issuer.certificate().subject_der();
  prepared.tbs = TRY(build_tbs({.serial = prepared.serial,
                                .algorithm = prepared.algorithm,
                                .issuer_name = issuer_name,
                                .issuer_key_identifier = issuer.certificate().subject_key_identifier(),
                                .not_before = prepared.not_before,
                                .not_after = prepared.not_after,
                                .subject = subject,
                                .spki = request.csr.spki(),
                                .is_ca = false,
                                .path_len = std::nullopt,
                                .key_usage = profile.key_usage_bits(key_type),
                                .extended_key_usage = profile.extended_key_usage,
                                .names = names,
                                .policy_oids = profile.policy_oids,
                                .crl_urls = with_ca(profile.crl_urls, request.ca),
                                .ocsp_urls = with_ca(profile.ocsp_urls, request.ca)}));
  const x509::Certificate finished =
      TRY(lint(prepared, {profile, &issuer, &request.participant, request.ca, request.csr.spki(), key_type}));
  TRY(check_constraints(issuer.certificate(), finished));
  prepared.subject_key = finished.key_id();  // what is noted is what was read back
  return prepared;
}

Result<Prepared> prepare_root(const RootRequest& request) {
  const Profile& profile = request.profile;
  TRY(wants_kind(profile, Kind::ca));
  const PkeyPtr key = TRY(x509::public_key_from_spki(request.spki));
  const KeyType key_type = TRY(decide_key(profile, key.get()));
  const x509::DistinguishedName subject = TRY(decide_subject(profile, request.subject, {}, nullptr));

  const KeyId key_core = TRY(key_core_of(key.get()));
  Prepared prepared{{},
                    signature_algorithm(key_type, profile.signature_hash),
                    request.serial,
                    request.now - profile.backdate,
                    request.now + profile.validity,
                    subject,
                    {},
                    {},
                    {},
                    key_core};
  const NamePtr name = TRY(subject.to_openssl());
  const Bytes issuer_name = x509::name_der(name.get());
  prepared.tbs = TRY(build_tbs({.serial = prepared.serial,
                                .algorithm = prepared.algorithm,
                                .issuer_name = issuer_name,
                                .issuer_key_identifier = {},  // may be left out when self-signed (RFC 5280 4.2.1.1)
                                .not_before = prepared.not_before,
                                .not_after = prepared.not_after,
                                .subject = subject,
                                .spki = request.spki,
                                .is_ca = true,
                                .path_len = profile.path_len,
                                .key_usage = profile.key_usage_bits(key_type),
                                .extended_key_usage = profile.extended_key_usage,
                                .names = prepared.names,
                                .name_constraints = profile.name_constraints}));
  const x509::Certificate finished = TRY(lint(prepared, {profile, nullptr, nullptr, "", request.spki, key_type}));
  prepared.subject_key = finished.key_id();  // what is noted is what was read back
  return prepared;
}

Result<> check_ca(const Profile& profile, const x509::DistinguishedName& subject, KeyType key_type) {
  TRY(wants_kind(profile, Kind::ca));
  TRY(check_key_type(profile, key_type));
  TRY(decide_subject(profile, subject, {}, nullptr));
  return {};
}

Result<PreparedCsr> prepare_ca_csr(const Profile& profile, const x509::DistinguishedName& requested, ByteView spki) {
  TRY(wants_kind(profile, Kind::ca));
  const PkeyPtr key = TRY(x509::public_key_from_spki(spki));
  const KeyType key_type = TRY(decide_key(profile, key.get()));
  const x509::DistinguishedName subject = TRY(decide_subject(profile, requested, {}, nullptr));
  Bytes info = TRY(build_csr_info({.subject = subject,
                                   .spki = spki,
                                   .names = {},
                                   .is_ca = true,
                                   .path_len = profile.path_len,
                                   .key_usage = profile.key_usage_bits(key_type),
                                   .name_constraints = profile.name_constraints}));
  return PreparedCsr{std::move(info), signature_algorithm(key_type, profile.signature_hash), subject};
}

Result<PreparedCsr> prepare_csr(const x509::DistinguishedName& subject, const x509::SubjectAltNames& names,
                                ByteView spki) {
  if (subject.empty() && names.empty())
    return fail(Code::bad_request, "a CSR needs a subject, or at least one DNS name or IP address");
  const PkeyPtr key = TRY(x509::public_key_from_spki(spki));
  const KeyType key_type = TRY(key_type_of(key.get()));
  Bytes info = TRY(build_csr_info({.subject = subject, .spki = spki, .names = names}));
  return PreparedCsr{std::move(info), signature_algorithm(key_type, Hash::sha256), subject};
}

}  // namespace hubseal::ca
