#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "common/x509/chain.h"
#include "daemon/ca/outside.h"
#include "daemon/ca/read_crl.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"
#include "daemon/registry/subject_table.h"
#include "daemon/revocation.h"

namespace hubseal::daemon::ops {
namespace {

constexpr std::size_t kMaxPem = 64 * 1024;

void make_first_crl(Call& call, const std::string& ca) {
  if (const auto made = call.services.revocation.bring_up_to_date(ca); !made)
    log::warning("a new CA has no CRL yet", {{"ca", ca}, {"reason", made.error().message}});
}

/// Told before anybody is asked to agree. A key that is registered already can be taken over only where an import was
/// cut short.
Result<> check_key_free(const Services& services, const std::string& label, const KeyId& id) {
  const auto known = services.keyring.label_of(id);
  if (!known || (*known == label && !services.authorities.uses_key(label))) return {};
  return fail(Code::conflict,
              fmt::format("the key of this certificate is registered already, as \"{}\"{}; nothing was changed", *known,
                          services.authorities.uses_key(*known) ? ", the key of another CA" : ""));
}

/// An import that a crash cut short has registered the key already.
Result<> adopt_key(Services& services, const std::string& label, const KeyId& id, const Grant& grant) {
  const auto known = services.keyring.find(label, KeyUse::ca);
  if (known && known->id == id && !services.authorities.uses_key(label))
    return services.registry.write([&](Database& database) { return grant.use(database); });
  TRY(services.keyring.adopt(label, id, KeyUse::ca, grant));
  return {};
}

/// Of who agrees and of the log: which certificate it is, and under which root.
Json words_of(const ca::OutsideCa& outside) {
  const x509::Certificate& certificate = outside.issuer.certificate();
  const x509::Certificate& root = outside.chain.back();
  return {{"distinguished_name", certificate.subject()},
          {"key_id", to_hex(certificate.key_id())},
          {"serial", certificate.serial().hex()},
          {"not_after", format_utc(certificate.not_after())},
          {"certificate_sha256", to_hex(sha256(certificate.der()))},
          {"root", root.subject()},
          {"root_sha256", to_hex(sha256(root.der()))},
          {"chain_sha256", to_hex(sha256(as_bytes(x509::chain_pem(outside.chain))))}};
}

Json words_of(const std::optional<ca::ReadCrl>& last) {
  if (!last) return {{"no_crl", true}};
  return {{"crl_number", last->number},
          {"crl_this_update", format_utc(last->this_update)},
          {"crl_entries", last->entries.size()},
          {"crl_sha256", to_hex(sha256(last->der))}};
}

Result<> take_over(Database& database, const std::string& ca, const ca::ReadCrl& last) {
  std::vector<RevocationRecord> entries;
  for (const ca::RevokedEntry& entry : last.entries)
    entries.push_back({.ca = ca, .serial = entry.serial.hex(), .reason = entry.reason, .at = entry.at});
  return revocation_table::take_over(
      database,
      {.ca = ca, .number = last.number, .this_update = last.this_update, .next_update = last.next_update, .der = {}},
      entries);
}

}  // namespace

Result<Json> install_ca(Call& call, Fields fields) {
  const std::string ca = TRY(fields.name("ca", kMaxName));
  const std::string certificate = TRY(fields.text("certificate", kMaxPem));
  const std::string chain = TRY(fields.text("chain", x509::kMaxChainPem));
  TRY(fields.nothing_left());
  Services& services = call.services;
  call.details = {{"ca", ca}};
  const auto waiting = TRY(services.authorities.find(ca));
  if (waiting->issuer)
    return fail(Code::conflict, fmt::format("CA \"{}\" has its certificate already; nothing was changed", ca));
  const KeyRecord key = TRY(services.keyring.find(waiting->record.key, KeyUse::ca));
  const hsm::KeyInfo info = TRY(services.signer.find_key(key.id));
  const x509::Csr csr = TRY(x509::Csr::parse_der(waiting->record.csr));
  const ca::Profile* profile = TRY(ca_profile(*call.policy, waiting->record.profile));
  const x509::DistinguishedName subject = TRY(csr.subject());
  const ca::OutsideCa outside = TRY(ca::check_outside({.profile = *profile,
                                                       .spki = info.spki,
                                                       .subject = &subject,
                                                       .certificate = certificate,
                                                       .chain = chain,
                                                       .now = TRY(services.guard.now())}));
  call.details.update(words_of(outside));
  const Grant grant = TRY(call.authorize({.operation = "install_ca", .about = ca, .content = call.details}));
  TRY(call.record_intent("install_intent"));
  CaRecord installed = waiting->record;
  installed.certificate = outside.issuer.certificate().der();
  installed.chain = x509::chain_pem(outside.chain);
  // Somebody may have stopped the key since it was looked at.
  TRY(services.keyring.while_active(installed.key, KeyUse::ca,
                                    [&] { return services.authorities.update(waiting->record, installed, grant); }));
  make_first_crl(call, ca);
  return view_of(*TRY(services.authorities.find(ca)), services.keyring);
}

Result<Json> import_ca(Call& call, Fields fields) {
  const std::string ca = TRY(fields.name("ca", kMaxName)), label = TRY(fields.name("key", kMaxName));
  const std::string profile_name = TRY(fields.name("profile", kMaxName));
  const std::string certificate = TRY(fields.text("certificate", kMaxPem));
  const std::string chain = TRY(fields.optional_text("chain", x509::kMaxChainPem)).value_or("");
  const auto crl = TRY(fields.optional_text("crl", ca::kMaxCrlPem));
  const bool no_crl = TRY(fields.boolean_or("no_crl", false));
  TRY(fields.nothing_left());
  Services& services = call.services;
  call.details = {{"ca", ca}, {"key", label}, {"profile", profile_name}};
  if (crl.has_value() == no_crl)
    return fail(
        Code::bad_request,
        "what the CA has revoked would be good again. Wanted either \"crl\", its newest one, or \"no_crl\" where it "
        "never had one");
  const ca::Profile* profile = TRY(ca_profile(*call.policy, profile_name));
  if (services.authorities.find(ca))
    return fail(Code::conflict, fmt::format("CA \"{}\" exists already; nothing was changed", ca));
  if (TRY(services.registry.read([&](Database& database) { return subject_table::find_alike(database, ca); })))
    return fail(Code::conflict, fmt::format("\"{}\" is the id of a participant; wanted another name", ca));
  const x509::Certificate own = TRY(x509::Certificate::parse(certificate));
  TRY(check_key_free(services, label, own.key_id()));
  const hsm::KeyInfo info = TRY(services.signer.look_for(own.key_id()));
  // A self-signed root is its own chain.
  const ca::OutsideCa outside = TRY(ca::check_outside({.profile = *profile,
                                                       .spki = info.spki,
                                                       .subject = nullptr,
                                                       .certificate = certificate,
                                                       .chain = chain.empty() ? std::string_view(certificate) : chain,
                                                       .now = TRY(services.guard.now())}));
  call.details.update(words_of(outside));
  call.details["grade"] = to_string(info.grade);
  std::optional<ca::ReadCrl> last;
  if (crl) last = TRY(ca::read_crl(*crl, outside.issuer, TRY(services.guard.now())));
  call.details.update(words_of(last));
  const Grant grant = TRY(call.authorize({.operation = "import_ca", .about = ca, .content = call.details}));
  TRY(call.record_intent("import_intent"));
  TRY(adopt_key(services, label, own.key_id(), grant));
  const CaRecord imported{.name = ca,
                          .key = label,
                          .profile = profile_name,
                          .certificate = own.der(),
                          .csr = {},
                          .chain = chain.empty() ? "" : x509::chain_pem(outside.chain)};
  const auto with_revocations = [&](Database& database) -> Result<> {
    return last ? take_over(database, ca, *last) : Result<>();
  };
  TRY(services.keyring.while_active(label, KeyUse::ca,
                                    [&] { return services.authorities.add(imported, with_revocations); }));
  make_first_crl(call, ca);
  return view_of(*TRY(services.authorities.find(ca)), services.keyring);
}

}  // namespace hubseal::daemon::ops
