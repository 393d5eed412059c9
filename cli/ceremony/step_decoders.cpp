#include "cli/ceremony/step_decoders.h"

#include <array>

#include <fmt/format.h>

#include "cli/ceremony/ca_step_decoders.h"
#include "cli/subject.h"
#include "common/key_types.h"
#include "common/log.h"
#include "common/x509/pem.h"
#include "common/x509/public_key.h"
#include "common/x509/subject_alt_names.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kMaxNames = 64;

/// Words that stand for themselves.
template <std::size_t N>
Result<std::string> word(Fields& fields, std::string_view member, const std::array<std::string_view, N>& words) {
  std::array<std::pair<std::string_view, std::string_view>, N> table;
  for (std::size_t i = 0; i < N; ++i) table[i] = {words[i], words[i]};
  return std::string(TRY(fields.choice(member, table)));
}

/// Members that are left out are left out of the request as well.
Result<> copy_text(Fields& fields, Json& request, const char* member, std::size_t max_bytes) {
  if (const auto value = TRY(fields.optional_text(member, max_bytes))) request[member] = *value;
  return {};
}

Result<Json> create_key(Fields& fields) {
  Json request;
  request["label"] = TRY(fields.name("label", kMaxName));
  request["type"] = to_string(TRY(fields.choice("type", kKeyTypes)));
  request["use"] = TRY(word<2>(fields, "use", {"ca", "jws"}));
  if (fields.has("state")) request["state"] = TRY(word<2>(fields, "state", {"active", "pre_activation"}));
  if (TRY(fields.boolean_or("backup_required", false))) request["backup_required"] = true;
  return request;
}

Result<Json> create_csr(Fields& fields) {
  Json request;
  request["label"] = TRY(fields.name("label", kMaxName));
  request["type"] = to_string(TRY(fields.choice("type", kKeyTypes)));
  request["subject"] = Json::object();
  if (const auto subject = TRY(fields.optional_text("subject", kMaxText)))
    request["subject"] = TRY(parse_subject(*subject));
  const auto dns = TRY(fields.text_list("dns", x509::kMaxAltNames, 253));
  const auto ip = TRY(fields.text_list("ip", x509::kMaxAltNames, 45));
  TRY(x509::SubjectAltNames::of(dns, ip));
  if (!dns.empty()) request["dns"] = dns;
  if (!ip.empty()) request["ip"] = ip;
  if (request["subject"].empty() && dns.empty() && ip.empty())
    return fail(Code::bad_request, "a CSR needs a subject, or at least one DNS name or IP address");
  return request;
}

Result<Json> confirm_backup(Fields& fields) {
  Json request;
  request["key"] = TRY(fields.name("key", kMaxName));
  const std::string evidence = TRY(fields.text("evidence", 200));
  if (log::printable(evidence) != evidence)
    return fail(Code::bad_request, "\"evidence\" holds control characters; wanted a line of text");
  request["evidence"] = evidence;
  return request;
}

Result<Json> name_a_key(Fields& fields) {
  Json request;
  request["key"] = TRY(fields.name("key", kMaxName));
  return request;
}

Result<Json> deactivate_key(Fields& fields) {
  Json request = TRY(name_a_key(fields));
  if (TRY(fields.boolean_or("compromised", false))) request["compromised"] = true;
  return request;
}

Result<Json> add_approver(Fields& fields) {
  Json request;
  request["name"] = TRY(fields.name("name", kMaxName));
  request["person"] = TRY(fields.name("person", kMaxName));
  const std::string kind = TRY(word<3>(fields, "kind", {"uid", "key", "webauthn"}));
  request["kind"] = kind;
  if (kind == "uid" || fields.has("uid")) request["uid"] = TRY(fields.integer("uid", 0, 0xfffffffe));
  if (kind == "uid") return request;
  request["public_key"] = TRY(fields.text("public_key", 1024));
  TRY(x509::public_key_from_spki(TRY(x509::der_of_pem(request["public_key"].get<std::string>(), {"PUBLIC KEY"}))));
  if (kind == "key") return request;
  const Bytes credential = TRY(from_base64url(TRY(fields.text("credential_id", 1364))));
  request["credential_id"] = to_base64url(credential);  // in the one form that the log has
  request["rp_id"] = TRY(fields.text("rp_id", 253));
  request["origin"] = TRY(fields.text("origin", 300));
  return request;
}

Result<Json> set_subject(Fields& fields) {
  Json request;
  request["subject"] = TRY(fields.name("subject", kMaxName));
  TRY(copy_text(fields, request, "organization", 256));
  TRY(copy_text(fields, request, "country", 2));
  Json names = Json::object();
  if (const auto cn = TRY(fields.text_list("cn", kMaxNames, 256)); !cn.empty()) names["cn"] = cn;
  const auto dns = TRY(fields.text_list("dns", kMaxNames, 253));
  for (const std::string& name : dns) TRY(x509::canonical_dns(name));
  if (!dns.empty()) names["dns"] = dns;
  const auto ip = TRY(fields.text_list("ip", kMaxNames, 45));
  for (const std::string& address : ip) TRY(x509::canonical_ip(address));
  if (!ip.empty()) names["ip"] = ip;
  request["names"] = names;
  return request;
}

/// The files are what they are on the day: the file of the ceremony says which they must be.
Result<Json> load_policy(Fields& fields) {
  Json request;
  request["sha256"] = TRY(sha256_text(TRY(fields.text("sha256", 64)), "sha256"));
  return request;
}

struct Kind {
  std::string_view operation;
  const char* about;  ///< the member that names what it is about
  Result<Json> (*decode)(Fields&);
};

constexpr std::array kKinds = {
    Kind{"create_key", "label", &create_key},
    Kind{"create_csr", "label", &create_csr},
    Kind{"confirm_backup", "key", &confirm_backup},
    Kind{"activate_key", "key", &name_a_key},
    Kind{"deactivate_key", "key", &deactivate_key},
    Kind{"create_ca", "ca", &decode_create_ca},
    Kind{"install_ca", "ca", &decode_install_ca},
    Kind{"import_ca", "ca", &decode_import_ca},
    Kind{"cross_certify", "ca", &decode_cross_certify},
    Kind{"retire_ca", "ca", &decode_retire_ca},
    Kind{"add_approver", "name", &add_approver},
    Kind{"set_subject", "subject", &set_subject},
    Kind{"load_policy", "", &load_policy},
};

}  // namespace

Result<std::string> sha256_text(std::string text, std::string_view member) {
  const auto digest = from_hex(text);
  if (digest && digest->size() == 32 && to_hex(*digest) == text) return text;
  return fail(Code::bad_request, fmt::format("\"{}\" is not a SHA-256 of 64 lower-case hexadecimal digits", member));
}

Result<CeremonyStep> decode_step(Fields& fields) {
  std::array<std::pair<std::string_view, const Kind*>, kKinds.size()> table;
  for (std::size_t i = 0; i < kKinds.size(); ++i) table[i] = {kKinds[i].operation, &kKinds[i]};
  const Kind* kind = TRY(fields.choice("do", table));
  CeremonyStep step;
  step.operation = kind->operation;
  step.fields = TRY(kind->decode(fields));
  TRY(fields.nothing_left());
  if (*kind->about) step.about = step.fields[kind->about].get<std::string>();
  return step;
}

}  // namespace hubseal::cli
