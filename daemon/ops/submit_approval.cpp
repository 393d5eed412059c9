#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/approvals/approver_key.h"
#include "daemon/approvals/webauthn.h"
#include "daemon/dispatch.h"
#include "daemon/ops/approval_views.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

constexpr std::size_t kMaxSignature = 128;  // characters: ECDSA P-256 in DER has at most 72 bytes
constexpr std::size_t kMaxAuthenticatorData = 1024;
constexpr std::size_t kMaxClientData = webauthn::kMaxClientDataBytes / 3 * 4 + 4;

Result<webauthn::Assertion> read_assertion(Fields fields) {
  webauthn::Assertion assertion;
  assertion.authenticator_data = TRY(from_base64url(TRY(fields.text("authenticator_data", kMaxAuthenticatorData))));
  assertion.client_data = TRY(from_base64url(TRY(fields.text("client_data_json", kMaxClientData))));
  assertion.signature = TRY(from_base64url(TRY(fields.text("signature", kMaxSignature))));
  TRY(fields.nothing_left());
  return assertion;
}

Result<> prove_by_key(Ballot& ballot, const std::string& signature) {
  const PkeyPtr key = TRY(read_approver_key(ballot.approver.public_key));
  ballot.proof.signature = TRY(from_base64(signature));
  if (verify_with_approver_key(key.get(), as_bytes(ballot.statement), ballot.proof.signature)) return {};
  // As a token gives it: r and s, without the DER around them.
  const bool raw = ballot.proof.signature.size() == 64 && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_EC;
  return fail(Code::bad_request,
              fmt::format("the signature is not that of \"{}\" over the statement of {} that says {}{}",
                          ballot.approver.name, approval_id(ballot.approval), to_string(ballot.decision),
                          raw ? "; wanted in DER, found 64 bytes (pkcs11-tool: --signature-format openssl)" : ""));
}

Result<> prove_by_webauthn(Ballot& ballot, webauthn::Assertion assertion) {
  const PkeyPtr key = TRY(read_approver_key(ballot.approver.public_key));
  ballot.sign_count = TRY(webauthn::verify(
      assertion, {.rp_id = ballot.approver.rp_id, .origin = ballot.approver.origin}, key.get(), ballot.statement));
  ballot.proof = {.signature = std::move(assertion.signature),
                  .authenticator_data = std::move(assertion.authenticator_data),
                  .client_data = std::move(assertion.client_data)};
  return {};
}

}  // namespace

Result<Json> submit_approval(Call& call, Fields fields) {
  const std::string id = TRY(fields.name("approval", kMaxApprovalId));
  const std::string name = TRY(fields.name("approver", kMaxName));
  const Decision decision = TRY(fields.choice("decision", kDecisions));
  const auto signature = TRY(fields.optional_text("signature", kMaxSignature));
  const auto webauthn = TRY(fields.optional_object("webauthn"));
  TRY(fields.nothing_left());
  Ballot ballot = TRY(open_ballot(call, id, decision));
  call.details["approver"] = name;
  ballot.approver = TRY(call.services.approvers.find(name));
  if (ballot.approver.kind == ApproverKind::key && signature && !webauthn)
    TRY(prove_by_key(ballot, *signature));
  else if (ballot.approver.kind == ApproverKind::webauthn && webauthn && !signature)
    TRY(prove_by_webauthn(ballot, TRY(read_assertion(*webauthn))));
  else
    return fail(Code::bad_request,
                fmt::format("approver \"{}\" is of kind {}; wanted \"signature\" of a key, \"webauthn\" "
                            "of a WebAuthn credential, or \"approve\" by a uid",
                            name, to_string(ballot.approver.kind)));
  return cast(call, ballot);
}

}  // namespace hubseal::daemon::ops
