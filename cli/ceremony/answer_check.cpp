// Each kind of answer against its audit record, its request and the steps before it.
#include <fmt/format.h>

#include "cli/ceremony/fingerprint.h"
#include "cli/ceremony/verifier.h"
#include "cli/session.h"
#include "cli/subject.h"
#include "common/key_types.h"
#include "common/x509/certificate.h"
#include "common/x509/csr.h"
#include "common/x509/pem.h"
#include "common/x509/public_key.h"

namespace hubseal::cli {
namespace {

tl::unexpected<Error> wrong(std::string problem) { return fail(Code::policy_denied, std::move(problem)); }

Result<> must_be(const Json& answer, const char* member, const std::string& wanted) {
  if (text_of(answer, member) == wanted) return {};
  return wrong(fmt::format("{} of the answer is {}, not {}", member, text_of(answer, member), wanted));
}

/// The key id that this ceremony's create_key answered; nothing for a key that was there before.
std::optional<std::string> key_made(const Transcript& transcript, const std::string& label) {
  for (std::size_t i = 0; i < transcript.done.size(); ++i)
    if (transcript.script.steps[i].operation == "create_key" && transcript.script.steps[i].about == label)
      return text_of(transcript.done[i].reply, "key_id");
  return std::nullopt;
}

/// Members that stand in the record as well as in the answer.
Result<> same_as_record(const Json& reply, const Json& record, std::initializer_list<const char*> members) {
  for (const char* member : members)
    if (member_of(reply, member) != member_of(record, member))
      return wrong(fmt::format("{} of the answer is {}, of the audit record {}", member, text_of(reply, member),
                               text_of(record, member)));
  return {};
}

Result<> check_new_key(const Json& request, const Json& reply, const Json& record) {
  TRY(same_as_record(reply, record, {"key_id", "type", "use"}));
  TRY(must_be(reply, "label", text_of(request, "label")));
  const Bytes spki = TRY(x509::der_of_pem(text_of(reply, "pem"), {"PUBLIC KEY"}));
  if (to_hex(sha256(spki)) != text_of(reply, "key_id")) return wrong("the public key of the answer has another key id");
  const PkeyPtr key = TRY(x509::public_key_from_spki(spki));
  if (to_string(TRY(key_type_of(key.get()))) != text_of(request, "type"))
    return wrong("the public key of the answer is of another type than was asked for");
  return {};
}

/// A step about a key that was made before.
Result<> check_key_change(const Transcript& transcript, const Json& request, const Json& reply, const Json& record) {
  const std::string label = text_of(request, "key");
  TRY(same_as_record(reply, record, {"key_id"}));
  TRY(must_be(reply, "label", label));
  const auto made = key_made(transcript, label);
  if (made && *made != text_of(reply, "key_id"))
    return wrong(fmt::format("it is about another key than the {} that was made before", label));
  return {};
}

Result<> check_own_key(const Transcript& transcript, const Json& request, const KeyId& id) {
  const auto made = key_made(transcript, text_of(request, "key"));
  if (made && *made != to_string(id)) return wrong("it bears another key than the one that was made for it");
  return {};
}

Result<> check_name(const Json& request, const std::string& found) {
  // Two maps without an order, for the comparison only.
  if (nlohmann::json(TRY(parse_subject(found))) == nlohmann::json(request["subject"])) return {};
  return wrong(fmt::format("the certificate is for {}", found));
}

Result<> check_root(const Transcript& transcript, const Json& request, const Json& reply, const Json& record) {
  const x509::Certificate root = TRY(x509::Certificate::parse(text_of(reply, "certificate")));
  if (to_hex(sha256(root.der())) != text_of(record, "certificate_sha256"))
    return wrong("the certificate is another one than the audit record says");
  if (root.issuer_der() != root.subject_der() || !root.is_ca() || !root.public_key())
    return wrong("the certificate is no self-signed CA's");
  TRY(root.verify(root.public_key()));
  TRY(check_own_key(transcript, request, root.key_id()));
  TRY(same_as_record(reply, record, {"serial"}));
  TRY(must_be(reply, "serial", root.serial().hex()));
  return check_name(request, root.subject());
}

Result<> check_authority(const Transcript& transcript, const Json& request, const Json& reply, const Json& record) {
  for (const char* member : {"ca", "key", "profile"}) TRY(must_be(reply, member, text_of(request, member)));
  if (text_of(request, "form") != "csr") return check_root(transcript, request, reply, record);
  const x509::Csr csr = TRY(x509::Csr::parse(text_of(reply, "csr")));
  TRY(csr.verify_own_signature());
  if (to_hex(sha256(csr.der())) != text_of(record, "csr_sha256"))
    return wrong("the request is another one than the audit record says");
  TRY(check_own_key(transcript, request, csr.key_id()));
  return check_name(request, TRY(csr.subject()).text());
}

Result<> check_approver(const Json& reply, const Json& record) {
  if (member_of(reply, "uid") != member_of(record, "approver_uid"))
    return wrong(fmt::format("uid of the answer is {}, of the audit record {}", text_of(reply, "uid"),
                             text_of(record, "approver_uid")));
  return same_as_record(reply, record, {"approver", "person", "kind", "key_id", "credential_id", "rp_id", "origin"});
}

/// What it replaced must be what the file says was in force, as far as it says.
Result<> check_policy_change(const Transcript& transcript, std::size_t index, const Json& reply, const Json& record) {
  std::string before = transcript.script.policy_sha256;
  for (std::size_t i = 0; i < index; ++i)
    if (transcript.script.steps[i].operation == "load_policy")
      before = text_of(transcript.script.steps[i].fields, "sha256");
  const std::string replaced = text_of(member_of(record, "replaces"), "sha256");
  if (!before.empty() && replaced != before)
    return wrong(fmt::format("the policy that was in force is {}, not {}", replaced, before));
  return same_as_record(reply, record, {"sha256"});
}

}  // namespace

Result<> check_answer(const Transcript& transcript, std::size_t index, const Json& record) {
  const std::string& operation = transcript.script.steps[index].operation;
  const Json& request = transcript.script.steps[index].fields;
  const Json& reply = transcript.done[index].reply;
  if (operation == "create_key") return check_new_key(request, reply, record);
  if (operation == "create_ca") return check_authority(transcript, request, reply, record);
  if (operation == "add_approver") return check_approver(reply, record);
  if (operation == "set_subject") return must_be(reply, "subject", text_of(request, "subject"));
  if (operation == "load_policy") return check_policy_change(transcript, index, reply, record);
  return check_key_change(transcript, request, reply, record);
}

}  // namespace hubseal::cli
