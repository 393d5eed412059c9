// Each kind of answer against its audit record, its request and the steps before it.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cli/ceremony/ca_answer_check.h"
#include "cli/ceremony/verifier.h"
#include "cli/session.h"
#include "common/key_types.h"
#include "common/x509/csr.h"
#include "common/x509/pem.h"
#include "common/x509/public_key.h"

namespace hubseal::cli {
namespace {

Result<> check_new_key(const ProvenStep& step) {
  TRY(same_as_record(step, {"key_id", "type", "use"}));
  TRY(must_be(step.reply, "label", text_of(step.request, "label")));
  const Bytes spki = TRY(x509::der_of_pem(text_of(step.reply, "pem"), {"PUBLIC KEY"}));
  if (to_hex(sha256(spki)) != text_of(step.reply, "key_id"))
    return wrong("the public key of the answer has another key id");
  const PkeyPtr key = TRY(x509::public_key_from_spki(spki));
  if (to_string(TRY(key_type_of(key.get()))) != text_of(step.request, "type"))
    return wrong("the public key of the answer is of another type than was asked for");
  return {};
}

/// A step about a key that was made before.
Result<> check_key_change(const ProvenStep& step) {
  const std::string label = text_of(step.request, "key");
  TRY(same_as_record(step, {"key_id"}));
  TRY(must_be(step.reply, "label", label));
  return check_own_key(step.transcript, label, text_of(step.reply, "key_id"));
}

/// Without its request where hubseal ended before it had one: nothing else holds it. The record has its hash all the
/// same.
Result<> check_csr(const ProvenStep& step) {
  TRY(same_as_record(step, {"key_id"}));
  TRY(must_be(step.reply, "label", text_of(step.request, "label")));
  if (!step.reply.contains("csr")) return {};
  const x509::Csr csr = TRY(x509::Csr::parse(text_of(step.reply, "csr")));
  TRY(must_hash_to(step, csr.der(), "csr_sha256"));
  TRY(csr.verify_own_signature());
  if (to_string(csr.key_id()) != text_of(step.reply, "key_id")) return wrong("the request is by another key");
  if (to_string(TRY(csr.key_type())) != text_of(step.request, "type"))
    return wrong("the key of the request is of another type than was asked for");
  const x509::SubjectAltNames names = TRY(csr.names());
  if (Json(names.dns()) != member_of(step.record, "dns") || Json(names.ip()) != member_of(step.record, "ip"))
    return wrong("the request is for other names than the audit record says");
  return check_name(step.request, TRY(csr.subject()).text());
}

Result<> check_approver(const ProvenStep& step) {
  if (member_of(step.reply, "uid") != member_of(step.record, "approver_uid"))
    return wrong(fmt::format("uid of the answer is {}, of the audit record {}", text_of(step.reply, "uid"),
                             text_of(step.record, "approver_uid")));
  if (step.reply.contains("public_key")) {
    const Bytes spki = TRY(x509::der_of_pem(text_of(step.reply, "public_key"), {"PUBLIC KEY"}));
    if (to_hex(sha256(spki)) != text_of(step.record, "key_id"))
      return wrong("the public key of the answer is another one than the audit record says");
  }
  return same_as_record(step, {"approver", "person", "kind", "key_id", "credential_id", "rp_id", "origin"});
}

Result<> check_subject(const ProvenStep& step) {
  return must_be(step.reply, "subject", text_of(step.request, "subject"));
}

/// What it replaced must be what the file says was in force, as far as it says.
Result<> check_policy_change(const ProvenStep& step) {
  const Script& script = step.transcript.script;
  std::string before = script.policy_sha256;
  for (std::size_t i = 0; i < step.index; ++i)
    if (script.steps[i].operation == "load_policy") before = text_of(script.steps[i].fields, "sha256");
  const std::string replaced = text_of(member_of(step.record, "replaces"), "sha256");
  if (!before.empty() && replaced != before)
    return wrong(fmt::format("the policy that was in force is {}, not {}", replaced, before));
  return same_as_record(step, {"sha256"});
}

struct Check {
  std::string_view operation;
  Result<> (*answer)(const ProvenStep& step);
};

constexpr std::array kChecks = {
    Check{"create_key", &check_new_key},
    Check{"create_csr", &check_csr},
    Check{"confirm_backup", &check_key_change},
    Check{"activate_key", &check_key_change},
    Check{"deactivate_key", &check_key_change},
    Check{"create_ca", &check_created_ca},
    Check{"install_ca", &check_installed_ca},
    Check{"import_ca", &check_imported_ca},
    Check{"cross_certify", &check_cross_certificate},
    Check{"retire_ca", &check_retired_ca},
    Check{"add_approver", &check_approver},
    Check{"set_subject", &check_subject},
    Check{"load_policy", &check_policy_change},
};

}  // namespace

Result<> check_answer(const Transcript& transcript, std::size_t index, const Json& record) {
  const CeremonyStep& step = transcript.script.steps[index];
  const auto check =
      std::find_if(kChecks.begin(), kChecks.end(), [&](const Check& row) { return row.operation == step.operation; });
  if (check == kChecks.end()) return wrong(fmt::format("nothing is known of the answer to {}", step.operation));
  return check->answer({transcript, index, step.fields, transcript.done[index].reply, record});
}

}  // namespace hubseal::cli
