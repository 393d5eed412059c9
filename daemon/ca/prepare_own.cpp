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

/// All that the two have in common; what differs is in `draft` and `prepared` already.
Result<Prepared> finish(const Issuer& issuer, const Profile& profile, std::string_view ca, KeyType key_type,
                        Draft draft, Prepared prepared) {
  const Bytes issuer_name = issuer.certificate().subject_der();
  draft.issuer_name = issuer_name;
  draft.issuer_key_identifier = issuer.certificate().subject_key_identifier();
  prepared.tbs = TRY(build_tbs(draft));
  const x509::Certificate finished = TRY(lint(prepared, {profile, &issuer, nullptr, ca, draft.spki, key_type}));
  prepared.subject_key = finished.key_id();
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
  const KeyId key_core = TRY(key_core_of(key.get()));
  Prepared prepared{{},
                    signature_algorithm(issuer.key_type(), profile.signature_hash),
                    request.serial,
                    std::max(request.now - profile.backdate, ca.not_before()),
                    not_after,
                    TRY(decide_subject(profile, {}, {}, &issuer)),
                    {},
                    {},
                    {},
                    key_core};
  const Draft draft{.serial = prepared.serial,
                    .algorithm = prepared.algorithm,
                    .issuer_name = {},
                    .issuer_key_identifier = {},
                    .not_before = prepared.not_before,
                    .not_after = prepared.not_after,
                    .subject = prepared.subject,
                    .spki = request.spki,
                    .is_ca = false,
                    .path_len = std::nullopt,
                    .key_usage = profile.key_usage_bits(key_type),
                    .extended_key_usage = profile.extended_key_usage,
                    .names = prepared.names,
                    .ocsp_no_check = true};
  return finish(issuer, profile, "", key_type, draft, prepared);
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
  const KeyId key_core = TRY(key_core_of(request.subject.public_key()));
  Prepared prepared{{},
                    signature_algorithm(issuer.key_type(), profile.signature_hash),
                    request.serial,
                    not_before,
                    not_after,
                    TRY(request.subject.subject_name()),
                    {},
                    {},
                    {},
                    key_core};
  const Draft draft{.serial = prepared.serial,
                    .algorithm = prepared.algorithm,
                    .issuer_name = {},
                    .issuer_key_identifier = {},
                    .not_before = prepared.not_before,
                    .not_after = prepared.not_after,
                    .subject = prepared.subject,
                    .spki = request.subject.spki(),
                    .is_ca = true,
                    .path_len = profile.path_len,
                    .key_usage = profile.key_usage_bits(key_type),
                    .extended_key_usage = profile.extended_key_usage,
                    .names = prepared.names,
                    .name_constraints = profile.name_constraints};
  return finish(issuer, profile, request.ca, key_type, draft, prepared);
}

}  // namespace hubseal::ca
