#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/x509/chain.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"
#include "daemon/registry/certificate_table.h"

namespace hubseal::daemon::ops {
namespace {

/// What a compromised key has signed, or what vouches for it, is given to nobody as something to trust.
Result<bool> is_compromised(const Services& services, const std::string& ca) {
  return services.keyring.is_compromised(TRY(services.authorities.find(ca))->record.key);
}

/// What ends before this is over. A clock that was set ahead ends nothing: verifiers look at dates themselves, and a
/// bundle without roots would stop them all.
TimePoint end_of_trust(const Services& services) { return services.guard.now_if_unmoved().value_or(TimePoint::min()); }

/// Certificates that others need to get from one root to the other: not revoked, not over.
Result<Json> cross_certificates(Services& services) {
  Json pems = Json::array();
  const TimePoint now = end_of_trust(services);
  for (const CertificateRecord& cross :
       TRY(services.registry.read([](Database& database) { return certificate_table::list_cross(database); })))
    if (cross.issued() && cross.revoked.empty() && now < cross.not_after && !TRY(is_compromised(services, cross.ca)) &&
        !TRY(is_compromised(services, cross.subject)))
      pems.push_back(certificate_pem(cross));
  return pems;
}

/// It issues now: has its certificate, which is not over, was not retired, and has a key that signs.
Result<> check_issues(const Services& services, const std::string& ca) {
  const auto authority = TRY(services.authorities.find_active(ca));
  if (authority->issuer->certificate().not_after() <= services.clock.now())
    return fail(Code::policy_denied, fmt::format("CA \"{}\" has ended: it issues nothing", ca));
  TRY(services.keyring.find(authority->record.key, KeyUse::ca));
  return {};
}

std::string others_that_issue(const Services& services, const std::string& ca) {
  std::string names;
  for (const std::string& name : services.authorities.names())
    if (name != ca && check_issues(services, name)) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "there is none" : names;
}

/// Retiring is for good: who goes on must be said, and be able to, or that nobody does.
Result<> check_successor(const Services& services, const CaRecord& ca, bool last) {
  if (ca.successor.empty() != last)
    return fail(
        Code::policy_denied,
        fmt::format("CA \"{0}\" would never issue again: no certificates, renewals or cross-certificates, which "
                    "stops onboarding where no other CA does it. Wanted either the \"successor\" that issues "
                    "instead ({1}), or \"last\" where none is to",
                    ca.name, others_that_issue(services, ca.name)));
  if (last) return {};
  if (ca.successor == ca.name) return fail(Code::bad_request, "a CA does not succeed itself; wanted another");
  return check_issues(services, ca.successor);
}

}  // namespace

Result<Json> cross_certify(Call& call, Fields fields) {
  const std::string ca = TRY(fields.name("ca", kMaxName)), by = TRY(fields.name("by", kMaxName));
  TRY(fields.nothing_left());
  Services& services = call.services;
  call.details = {{"ca", by}, {"subject", ca}};
  if (ca == by) return fail(Code::bad_request, "a CA does not certify itself again; wanted two CAs");
  const auto other = TRY(services.authorities.find(ca)), issuer = TRY(services.authorities.find_active(by));
  if (!other->issuer)
    return fail(Code::policy_denied, fmt::format("CA \"{}\" waits for its certificate from an outside root", ca));
  TRY(services.keyring.find(other->record.key, KeyUse::ca));  // nobody vouches for a key that is not active
  const ca::Profile* profile = call.policy->profiles.find(other->record.profile);
  if (!profile)
    return fail(Code::policy_denied,
                fmt::format("there is no profile \"{}\" any more, which CA \"{}\" was made from; those "
                            "with kind = \"ca\" are: {}",
                            other->record.profile, ca, profile_names(*call.policy, ca::Kind::ca)));
  const auto trail = call.trail("cross_certify", call.policy->approvals_needed.find("create_ca")->second,
                                [&](const ca::Prepared& prepared) {
                                  return Action{.operation = "cross_certify",
                                                .about = ca,
                                                .content = {{"ca", ca},
                                                            {"key_id", to_hex(other->issuer->key_id())},
                                                            {"by", by},
                                                            {"by_key_id", to_hex(issuer->issuer->key_id())},
                                                            {"not_after", format_utc(prepared.not_after)}}};
                                });
  const CertificateRecord cross =
      TRY(services.issuance.issue_cross(call.peer.rule->name, *issuer, *other, *profile, trail));
  // Of one that was there already, too.
  call.details["serial"] = cross.serial;
  call.details["certificate_sha256"] = to_hex(sha256(cross.certificate));
  Json view = view_of(cross);
  view["certificate"] = certificate_pem(cross);
  return view;
}

Result<Json> retire_ca(Call& call, Fields fields) {
  const std::string ca = TRY(fields.name("ca", kMaxName));
  const auto successor = TRY(fields.optional_name("successor", kMaxName));
  const bool last = TRY(fields.boolean_or("last", false));
  TRY(fields.nothing_left());
  Services& services = call.services;
  call.details = {{"ca", ca}};
  const CaRecord before = TRY(services.authorities.find_active(ca))->record;
  CaRecord after = before;
  after.successor = successor.value_or("");
  TRY(check_successor(services, after, last));
  call.details[last ? "last" : "successor"] = last ? Json(true) : Json(after.successor);
  call.details["certificate_sha256"] = to_hex(sha256(before.certificate));
  const Grant grant = TRY(call.authorize({.operation = "retire_ca", .about = ca, .content = call.details}));
  TRY(call.record_intent("retirement_intent"));
  after.retired_at = services.clock.now();
  TRY(services.authorities.update(before, after, grant));
  TRY(call.wait_for_signatures("retire_ca", fmt::format("CA \"{}\" is retired", ca)));
  return view_of(*TRY(services.authorities.find(ca)), services.keyring);
}

Result<Json> get_trust_bundle(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  Services& services = call.services;
  const TimePoint now = end_of_trust(services);
  Json anchors = Json::array(), intermediates = TRY(cross_certificates(services));
  for (const std::string& name : services.authorities.names()) {
    const auto authority = TRY(services.authorities.find(name));
    if (!authority->issuer || authority->issuer->certificate().not_after() <= now) continue;
    if (TRY(is_compromised(services, name))) continue;
    const bool outside = !authority->record.chain.empty();
    (outside ? intermediates : anchors).push_back(authority->certificate_pem);
    if (!outside) continue;
    const auto chain = TRY(x509::parse_chain(authority->record.chain));
    for (const x509::Certificate& one : chain)
      (&one == &chain.back() ? anchors : intermediates).push_back(one.to_pem());
  }
  return Json{{"anchors", anchors}, {"intermediates", intermediates}};
}

}  // namespace hubseal::daemon::ops
