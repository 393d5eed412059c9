#include "daemon/ca/prepare_own.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/x509/public_key.h"
#include "daemon/ca/build.h"
#include "daemon/ca/lint.h"
#include "daemon/ca/policy.h"

namespace hubseal::ca {
namespace {

Result<> check_kind(const Profile& profile, Kind wanted) {
  if (profile.kind == wanted) return {};
  return fail(Code::policy_denied, fmt::format("profile {} is of kind {}; wanted {}", profile.name,
                                               to_string(profile.kind), to_string(wanted)));
}

/// What the two decide differently; the rest is the profile's.
struct Decided {
  x509::Serial serial;
  TimePoint not_before, not_after;
  x509::DistinguishedName subject;
  ByteView spki;
  KeyType key_type;
  KeyId key_core;
};

Result<Prepared> build(const Issuer& issuer, const Profile& profile, std::string_view ca, const Decided& decided) {
  Prepared prepared{{},
                    signature_algorithm(issuer.key_type(), profile.signature_hash),
                    decided.serial,
                    decided.not_before,
                    decided.not_after,
                    decided.subject,
                    {},
                    {},
                    {},
                    decided.key_core};
  const Bytes issuer_name = issuer.certificate().subject_der();
  prepared.tbs = TRY(build_tbs({.serial = prepared.serial,
                                .algorithm = prepared.algorithm,
                                .issuer_name = issuer_name,
                                .issuer_key_identifier = issuer.certificate().subject_key_identifier(),
                                .not_before = prepared.not_before,
                                .not_after = prepared.not_after,
                                .subject = prepared.subject,
                                .spki = decided.spki,
                                .is_ca = profile.kind == Kind::ca,
                                .path_len = profile.path_len,
                                .key_usage = profile.key_usage_bits(decided.key_type),
                                .extended_key_usage = profile.extended_key_usage,
                                .names = prepared.names,
                                .name_constraints = profile.name_constraints,
                                .ocsp_no_check = profile.kind == Kind::ocsp_responder}));
  const x509::Certificate finished =
      TRY(lint(prepared, {profile, &issuer, nullptr, ca, decided.spki, decided.key_type}));
  prepared.subject_key = finished.key_id();  // what is noted is what was read back
  return prepared;
}

}  // namespace

Result<Prepared> prepare_responder(const Issuer& issuer, const ResponderRequest& request) {
  const Profile& profile = request.profile;
  TRY(check_kind(profile, Kind::ocsp_responder));
  const PkeyPtr key = TRY(x509::public_key_from_spki(request.spki));
  const KeyType key_type = TRY(decide_key(profile, key.get()));
  const x509::Certificate& ca = issuer.certificate();
  const TimePoint not_after = std::min<TimePoint>(request.now + profile.validity, ca.not_after());
  if (request.now < ca.not_before() || not_after <= request.now)
    return fail(Code::policy_denied, "the CA's certificate is not valid now");
  return build(issuer, profile, "",
               {.serial = request.serial,
                .not_before = std::max(request.now - profile.backdate, ca.not_before()),
                .not_after = not_after,
                .subject = TRY(decide_subject(profile, {}, {}, &issuer)),
                .spki = request.spki,
                .key_type = key_type,
                .key_core = TRY(key_core_of(key.get()))});
}

Result<Prepared> prepare_cross(const Issuer& issuer, const CrossRequest& request) {
  const Profile& profile = request.profile;
  TRY(check_kind(profile, Kind::ca));
  const x509::Certificate& ca = issuer.certificate();
  if (ca.key_id() == request.subject.key_id()) return fail(Code::policy_denied, "a CA does not certify itself again");
  // A path length of 0 leaves room for a CA of the same name only: such certificates are self-issued and do not count
  // (RFC 5280 section 6.1.4).
  if (ca.path_len() == 0 && ca.subject_der() != request.subject.subject_der())
    return fail(
        Code::policy_denied,
        fmt::format("{} may have no other CA below it (path_len 0); wanted one of the same name: a roll-over keeps "
                    "the name and changes the key",
                    ca.subject()));
  const KeyType key_type = TRY(key_type_of(request.subject.public_key()));
  const TimePoint not_after = std::min(ca.not_after(), request.subject.not_after());
  const TimePoint not_before =
      std::max({request.now - profile.backdate, ca.not_before(), request.subject.not_before()});
  if (not_after <= request.now)
    return fail(Code::policy_denied, "one of the two CAs has ended: there is nothing left to certify");
  return build(issuer, profile, request.ca,
               {.serial = request.serial,
                .not_before = not_before,
                .not_after = not_after,
                .subject = TRY(request.subject.subject_name()),
                .spki = request.subject.spki(),
                .key_type = key_type,
                .key_core = TRY(key_core_of(request.subject.public_key()))});
}

}  // namespace hubseal::ca
