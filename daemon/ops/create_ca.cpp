#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "daemon/ca/assemble.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"
#include "daemon/register.h"
#include "daemon/revocation.h"

namespace hubseal::daemon::ops {
namespace {

enum class Form { root, csr };
constexpr std::array<std::pair<std::string_view, Form>, 2> kForms = {{{"root", Form::root}, {"csr", Form::csr}}};

struct CreateCa {
  std::string ca;
  std::string key;
  std::string profile;
  x509::DistinguishedName subject;
  Form form = Form::root;
};

Result<CreateCa> decode(Fields& fields) {
  CreateCa request;
  request.ca = TRY(fields.name("ca", kMaxName));
  request.key = TRY(fields.name("key", kMaxName));
  request.profile = TRY(fields.name("profile", kMaxName));
  request.subject = TRY(read_subject(TRY(fields.object("subject"))));
  if (fields.has("form")) request.form = TRY(fields.choice("form", kForms));
  TRY(fields.nothing_left());
  return request;
}

/// What does not depend on the key. The profile that the CA would be made from.
Result<const ca::Profile*> check_new(Call& call, const std::string& ca, const std::string& profile_name) {
  Services& services = call.services;
  const ca::Profile* profile = TRY(ca_profile(*call.policy, profile_name));
  if (services.authorities.find(ca))
    return fail(Code::conflict, fmt::format("CA \"{}\" exists already; nothing was changed", ca));
  TRY(services.registry.read([&](Database& database) { return Register::check_ca_name(database, ca); }));
  return profile;
}

Action action_of(const CreateCa& request, const KeyRecord& key) {
  return {.operation = "create_ca",
          .about = request.ca,
          .content = {{"ca", request.ca},
                      {"key", request.key},
                      {"key_id", to_hex(key.id)},
                      {"profile", request.profile},
                      {"distinguished_name", request.subject.text()},
                      {"form", request.form == Form::root ? "root" : "csr"}}};
}

Result<Bytes> make_csr(Call& call, const CreateCa& request, const KeyRecord& key, const ca::Profile& profile) {
  const hsm::KeyInfo info = TRY(call.services.signer.find_key(key.id));
  const ca::PreparedCsr prepared = TRY(ca::prepare_ca_csr(profile, request.subject, info.spki));
  const Bytes signature = TRY(call.services.signer.sign(key.id, prepared.algorithm, prepared.info));
  return TRY(ca::assemble_csr(prepared.info, prepared.algorithm, signature)).der();
}

}  // namespace

Result<Json> check_ca(Call& call, Fields fields) {
  const std::string ca = TRY(fields.name("ca", kMaxName));
  const std::string profile_name = TRY(fields.name("profile", kMaxName));
  const KeyType key_type = TRY(fields.choice("key_type", kKeyTypes));
  const x509::DistinguishedName subject = TRY(read_subject(TRY(fields.object("subject"))));
  TRY(fields.nothing_left());
  call.details = {{"ca", ca}, {"profile", profile_name}, {"distinguished_name", subject.text()}};
  TRY(ca::check_ca(*TRY(check_new(call, ca, profile_name)), subject, key_type));
  return Json{{"ca", ca}, {"profile", profile_name}, {"key_type", to_string(key_type)}};
}

Result<Json> create_ca(Call& call, Fields fields) {
  const CreateCa request = TRY(decode(fields));
  Services& services = call.services;
  call.details = {{"ca", request.ca},
                  {"key", request.key},
                  {"profile", request.profile},
                  {"distinguished_name", request.subject.text()}};
  const ca::Profile* profile = TRY(check_new(call, request.ca, request.profile));
  if (services.authorities.uses_key(request.key))
    return fail(Code::conflict, fmt::format("another CA has key \"{}\"", request.key));
  const KeyRecord key = TRY(services.keyring.find(request.key, KeyUse::ca));

  const Action action = action_of(request, key);
  CaRecord record{.name = request.ca, .key = request.key, .profile = request.profile, .certificate = {}, .csr = {}};
  if (request.form == Form::csr) {
    TRY(call.authorize_now(action));
    TRY(call.record_intent("csr_intent"));
    record.csr = TRY(make_csr(call, request, key, *profile));
    call.details["csr_sha256"] = to_hex(sha256(record.csr));
  } else {
    const auto trail = call.trail("create_ca", call.policy->approvals_needed.find("create_ca")->second,
                                  [&](const ca::Prepared&) { return action; });
    const CertificateRecord root =
        TRY(services.issuance.issue_root(call.peer.rule->name, request.ca, key, *profile, request.subject, trail));
    record.certificate = root.certificate;
    call.details["serial"] = root.serial;
    call.details["certificate_sha256"] = to_hex(sha256(root.certificate));
  }
  // Somebody may have stopped the key since it was looked at.
  TRY(services.keyring.while_active(request.key, KeyUse::ca, [&] { return services.authorities.add(record); }));
  // A CA has a CRL from its first day on; where it cannot be signed now, the housekeeper makes it.
  if (const auto made = services.revocation.bring_up_to_date(request.ca); !made)
    log::warning("a new CA has no CRL yet", {{"ca", request.ca}, {"reason", made.error().message}});
  return view_of(*TRY(services.authorities.find(request.ca)), services.keyring);
}

}  // namespace hubseal::daemon::ops
