#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/x509/pem.h"
#include "daemon/ca/lint.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

Result<IssueRequest> decode(Fields& fields, const Peer& peer) {
  IssueRequest request;
  request.peer = peer.rule->name;
  request.ca = TRY(fields.name("ca", kMaxName));
  request.profile = TRY(fields.name("profile", kMaxName));
  request.subject = TRY(fields.name("subject", kMaxName));
  request.request = TRY(fields.name("request", kMaxName));
  request.csr = TRY(fields.text("csr", x509::kMaxPemBytes));
  TRY(fields.nothing_left());
  return request;
}

/// What the certificate will say, but for serial and dates: read from the bytes that will be signed.
Result<Action> action_of(const IssueRequest& request, const ca::Prepared& prepared) {
  Json content = {
      {"ca", request.ca}, {"profile", request.profile}, {"subject", request.subject}, {"request", request.request}};
  content.update(TRY(content_of(TRY(ca::throwaway_certificate(prepared)))));
  content["csr"] = request.csr;
  return Action{.operation = "issue_certificate", .about = request.subject, .content = std::move(content)};
}

/// The narrowest first: its words are the most helpful ones.
std::vector<Use> uses_of(const IssueRequest& request, const ca::Profile* profile, const std::string& key,
                         bool by_people) {
  // Ids that nobody entered share a bucket: inventing them gives nothing.
  const Use subject = use_of_subject(request.registered ? request.subject : "", by_people);
  std::vector<Use> uses = {subject, {QuotaKind::key, key}};
  if (profile && profile->quota) uses.insert(uses.begin(), use_of_profile(profile->name, *profile->quota, subject));
  return uses;
}

}  // namespace

Result<Json> issue_certificate(Call& call, Fields fields) {
  IssueRequest request = TRY(decode(fields, call.peer));
  call.details = {{"ca", request.ca},
                  {"profile", request.profile},
                  {"subject", request.subject},
                  {"request", request.request},
                  {"csr_sha256", to_hex(sha256(as_bytes(request.csr)))}};
  if (!call.peer.may_use_profile(request.profile))
    return fail(Code::forbidden, fmt::format("there is no profile \"{}\" that this peer may use; it may use [{}]",
                                             request.profile, fmt::join(profiles_of(call.peer, *call.policy), ", ")));
  const auto issuer = TRY(call.services.authorities.find_active(request.ca));
  request.registered = TRY(call.services.subjects.find(request.subject));
  const ca::Profile* profile = call.policy->profiles.find(request.profile);
  TRY(call.spend(uses_of(request, profile, issuer->record.key, call.peer.rule->role == Role::admin)));
  const auto trail = call.trail("issue_certificate", profile ? profile->approvals : 0,
                                [&](const ca::Prepared& prepared) { return action_of(request, prepared); });
  const CertificateRecord issued = TRY(call.services.issuance.issue(*call.policy, request, trail));
  call.details["serial"] = issued.serial;
  call.details["certificate_sha256"] = to_hex(sha256(issued.certificate));
  Json reply = {{"certificate", certificate_pem(issued)}, {"chain", Json::array({issuer->certificate_pem})}};
  // Of a request that is repeated it may be revoked or on hold by now.
  const Json view = view_of(issued);
  for (const char* member : {"serial", "state", "not_before", "not_after", "reason", "revoked_at"})
    if (view.contains(member)) reply[member] = view[member];
  return reply;
}

}  // namespace hubseal::daemon::ops
