#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "common/x509/pem.h"
#include "daemon/approvals/approver_key.h"
#include "daemon/approvals/webauthn.h"
#include "daemon/dispatch.h"
#include "daemon/ops/approval_views.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

constexpr std::int64_t kMaxUid = 0xfffffffe;  // the next is no uid but chown(2)'s "as it is"
constexpr std::size_t kMaxPublicKey = 1024;
constexpr std::size_t kMaxCredentialId = 1364;  // 1023 bytes, WebAuthn Level 2 section 4, in base64url

Result<Bytes> read_public_key(Fields& fields) {
  Bytes spki = TRY(x509::der_of_pem(TRY(fields.text("public_key", kMaxPublicKey)), {"PUBLIC KEY"}));
  TRY(read_approver_key(spki));
  return spki;
}

Result<ApproverRecord> decode(Fields& fields) {
  ApproverRecord approver;
  approver.name = TRY(fields.name("name", kMaxName));
  approver.person = TRY(fields.name("person", kMaxName));
  approver.kind = TRY(fields.choice("kind", kApproverKinds));
  if (approver.kind == ApproverKind::uid || fields.has("uid")) approver.uid = TRY(fields.integer("uid", 0, kMaxUid));
  if (approver.kind != ApproverKind::uid) approver.public_key = TRY(read_public_key(fields));
  if (approver.kind == ApproverKind::webauthn) {
    approver.credential_id = TRY(from_base64url(TRY(fields.text("credential_id", kMaxCredentialId))));
    approver.rp_id = TRY(fields.text("rp_id", 253));
    approver.origin = TRY(fields.text("origin", 300));
    TRY(webauthn::check_relying_party({.rp_id = approver.rp_id, .origin = approver.origin}));
  }
  TRY(fields.nothing_left());
  return approver;
}

/// All of the approver but when it is added.
Json content_of(const ApproverRecord& approver) {
  Json content = view_of(approver);
  content.erase("added_at");
  content["change"] = "add";
  return content;
}

}  // namespace

Result<Json> add_approver(Call& call, Fields fields) {
  ApproverRecord approver = TRY(decode(fields));
  Approvers& approvers = call.services.approvers;
  const Json content = content_of(approver);
  call.details = content;
  call.details.erase("public_key");  // the key id says it
  // In a record "uid" is who asked.
  if (approver.uid) call.details["approver_uid"] = *approver.uid;
  call.details.erase("uid");
  TRY(approvers.check_addable(approver));
  const auto consent = TRY(approvers.consent(*call.policy));
  const Grant grant = TRY(
      call.authorize(consent.needed, {.operation = "change_approvers", .about = approver.name, .content = content}));
  if (consent.bootstrap) {
    call.details["bootstrap"] = true;
    log::warning("the first approver is added: policy asks for consent, and there is nobody yet to give it",
                 {{"approver", approver.name}, {"person", approver.person}, {"peer", call.peer.rule->name}});
  }
  TRY(call.record_intent("approver_intent"));
  return view_of(TRY(approvers.add(std::move(approver), *call.policy, consent, grant)));
}

}  // namespace hubseal::daemon::ops
