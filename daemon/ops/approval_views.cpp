#include "daemon/ops/approval_views.h"

#include <nlohmann/json.hpp>

#include "common/x509/pem.h"
#include "daemon/dispatch.h"

namespace hubseal::daemon::ops {

Json view_of(const ApprovalRecord& approval) {
  Json view = {{"approval", approval_id(approval)},
               {"state", to_string(approval.state)},
               {"operation", approval.operation},
               {"about", approval.about},
               {"requester", {{"peer", approval.peer}, {"uid", approval.uid}}},
               {"needed", approval.needed},
               {"agreed", approval.agreed},
               {"policy_version", approval.policy_version},
               {"created_at", format_utc(approval.created_at)},
               {"expires_at", format_utc(approval.expires_at)}};
  if (!approval.reason.empty()) view["reason"] = approval.reason;
  return view;
}

Json view_of(const vote_table::Cast& vote) {
  return {{"approver", vote.approver},    {"person", vote.person},
          {"kind", to_string(vote.kind)}, {"decision", to_string(vote.decision)},
          {"at", format_utc(vote.at)},    {"statement_sha256", to_hex(vote.statement_hash)},
          {"counts", vote.counts}};
}

Json view_of(const ApproverRecord& approver) {
  Json view = {{"approver", approver.name}, {"person", approver.person}, {"kind", to_string(approver.kind)}};
  if (approver.uid) view["uid"] = *approver.uid;
  if (!approver.public_key.empty()) {
    view["key_id"] = to_hex(sha256(approver.public_key));
    view["public_key"] = x509::pem_of_der(approver.public_key, "PUBLIC KEY");
  }
  if (approver.kind == ApproverKind::webauthn) {
    view["credential_id"] = to_base64url(approver.credential_id);
    view["rp_id"] = approver.rp_id;
    view["origin"] = approver.origin;
  }
  view["added_at"] = format_utc(approver.added_at);
  return view;
}

Result<Ballot> open_ballot(Call& call, const std::string& id, Decision decision) {
  Ballot ballot;
  ballot.decision = decision;
  call.details = {{"approval", id}, {"decision", to_string(decision)}};
  ballot.approval = TRY(call.services.approvals.find(id));
  call.details["about"] = ballot.approval.about;
  call.details["asked_for"] = ballot.approval.operation;
  ballot.statement = TRY(call.services.approvals.statement(ballot.approval, ballot.decision));
  return ballot;
}

Result<Json> cast(Call& call, const Ballot& ballot) {
  const auto hash = sha256(as_bytes(ballot.statement));
  call.details["person"] = ballot.approver.person;
  call.details["statement_sha256"] = to_hex(hash);
  // Nothing counts that no record names.
  TRY(call.record_intent("vote_intent"));
  const ApprovalRecord counted =
      TRY(call.services.approvals.vote(*call.policy, {.approval = ballot.approval.id,
                                                      .approver = ballot.approver.row,
                                                      .decision = ballot.decision,
                                                      .statement_hash = Bytes(hash.begin(), hash.end()),
                                                      .proof = ballot.proof,
                                                      .sign_count = ballot.sign_count}));
  call.details["state"] = to_string(counted.state);
  return view_of(counted);
}

}  // namespace hubseal::daemon::ops
