#include "daemon/ops/views.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/jose/jwk.h"
#include "common/x509/csr.h"
#include "common/x509/pem.h"
#include "common/x509/public_key.h"
#include "common/x509/usages.h"
#include "daemon/ca/crl.h"
#include "daemon/ca/read_extensions.h"
#include "daemon/jws/jws_signer.h"
#include "daemon/register.h"

namespace hubseal::daemon::ops {

Result<x509::DistinguishedName> read_subject(Fields fields) {
  std::vector<x509::DistinguishedName::Entry> entries;
  for (const auto& [word, attribute] : x509::kAttributes)
    // Bytes here, characters (RFC 5280 appendix A) in check_attribute: at most four bytes each.
    if (auto value = TRY(fields.optional_text(word, 4 * x509::max_characters(attribute))))
      entries.emplace_back(attribute, *std::move(value));
  TRY(fields.nothing_left());
  return x509::DistinguishedName::of(std::move(entries));
}

Result<const ca::Profile*> ca_profile(const Policy& policy, const std::string& name) {
  const ca::Profile* profile = policy.profiles.find(name);
  if (profile && profile->kind == ca::Kind::ca) return profile;
  return fail(Code::policy_denied, fmt::format("\"{}\" is not a profile with kind = \"ca\"; those are: {}", name,
                                               profile_names(policy, ca::Kind::ca)));
}

std::vector<std::string> profiles_of(const Peer& peer, const Policy& policy) {
  std::vector<std::string> names = peer.rule->profiles;
  std::erase_if(names, [&](const std::string& name) {
    const ca::Profile* profile = policy.profiles.find(name);
    return !profile || profile->kind != ca::Kind::end_entity;
  });
  return names;
}

std::string_view state_of(const Key& key) {
  if (key.record.life == KeyLife::destroyed) return to_string(key.record.life);
  if (!key.in_token) return "missing";
  if (key.in_token->state != hsm::KeyState::active) return to_string(key.in_token->state);
  return to_string(key.record.life);
}

Json view_of(const Key& key) {
  Json view = {{"label", key.record.label},
               {"key_id", to_hex(key.record.id)},
               {"type", to_string(key.record.type)},
               {"use", to_string(key.record.use)},
               {"state", state_of(key)}};
  if (key.in_token) view["grade"] = to_string(key.in_token->grade);
  view["created_at"] = format_utc(key.record.created_at);
  if (key.record.life != KeyLife::active) view["changed_at"] = format_utc(key.record.changed_at);
  if (key.record.compromised_at) view["compromised_at"] = format_utc(*key.record.compromised_at);
  if (key.record.destroy_at) view["destroy_at"] = format_utc(*key.record.destroy_at);
  if (key.record.destruction_begun && !key.in_token && key.record.life != KeyLife::destroyed)
    view["may_be_gone"] = true;
  if (key.record.backup != KeyBackup::none) view["backup"] = to_string(key.record.backup);
  if (key.record.algorithm) view["algorithm"] = jose::jws_algorithm(*key.record.algorithm);
  return view;
}

void add_line(Json& view, const Key& key, const Rotations& rotations) {
  const std::string& label = key.record.label;
  if (const std::string line = rotations.line_of(label); line != label) view["line"] = line;
  if (const std::string signer = rotations.signer_of(label); signer != label) view["successor"] = signer;
  if (key.record.use == KeyUse::jws) view["shown"] = key.in_token && rotations.is_shown(key.record);
}

Result<Json> full_view_of(const Key& key) {
  if (!key.in_token)
    return fail(Code::hsm_unavailable, "key \"" + key.record.label + "\" is registered but not in the token");
  const PkeyPtr public_key = TRY(x509::public_key_from_spki(key.in_token->spki));
  Json view = view_of(key);
  view["pem"] = TRY(public_key_pem(public_key.get()));
  Json jwk = TRY(jose::to_jwk(public_key.get()));
  jwk["kid"] = jose::thumbprint(jwk);
  if (key.record.use == KeyUse::jws) {
    jwk["use"] = "sig";
    jwk["alg"] = jose::jws_algorithm(jws::algorithm_of(key.record));
  }
  view["jwk"] = std::move(jwk);
  return view;
}

namespace {

std::string_view state_of(const Authority& authority, const Keyring& keyring) {
  if (keyring.is_compromised(authority.record.key)) return "compromised";
  if (!authority.issuer) return "awaiting_certificate";
  return authority.record.retired_at ? "retired" : "active";
}

}  // namespace

Json view_of(const Authority& authority, const Keyring& keyring) {
  const CaRecord& record = authority.record;
  Json view = {
      {"ca", record.name}, {"state", state_of(authority, keyring)}, {"key", record.key}, {"profile", record.profile}};
  if (!authority.issuer) {
    view["csr"] = x509::pem_of_der(record.csr, "CERTIFICATE REQUEST");
    const auto csr = x509::Csr::parse_der(record.csr);
    if (const auto subject = csr ? csr->subject() : tl::unexpected(csr.error())) view["subject"] = subject->text();
    return view;
  }
  const x509::Certificate& certificate = authority.issuer->certificate();
  view["certificate"] = authority.certificate_pem;
  view["serial"] = certificate.serial().hex();
  view["subject"] = certificate.subject();
  view["not_before"] = format_utc(certificate.not_before());
  view["not_after"] = format_utc(certificate.not_after());
  if (!record.chain.empty()) view["chain"] = record.chain;
  if (record.retired_at) view["retired_at"] = format_utc(*record.retired_at);
  if (!record.successor.empty()) view["successor"] = record.successor;
  return view;
}

namespace {

std::string_view state_of(const CertificateRecord& record) {
  if (!record.issued()) return "intended";
  if (record.revoked.empty()) return "issued";
  return record.revoked == ca::to_string(ca::RevocationReason::certificate_hold) ? "on_hold" : "revoked";
}

}  // namespace

Json view_of(const CertificateRecord& record) {
  Json view = {{"ca", record.ca},
               {"serial", record.serial},
               {"state", state_of(record)},
               {"profile", record.profile},
               {"subject", record.subject},
               {"request", record.request},
               {"distinguished_name", record.distinguished_name},
               {"not_before", format_utc(record.not_before)},
               {"not_after", format_utc(record.not_after)}};
  if (record.cross) view["cross"] = true;
  if (!record.approval.empty()) view["approval"] = record.approval;
  if (!record.revoked.empty()) {
    view["reason"] = record.revoked;
    view["revoked_at"] = format_utc(record.revoked_at);
  }
  return view;
}

Json view_of(const SubjectRecord& subject) {
  Json view = {{"subject", subject.id}};
  if (!subject.organization.empty()) view["organization"] = subject.organization;
  if (!subject.country.empty()) view["country"] = subject.country;
  view["status"] = to_string(subject.status);
  view["created_at"] = format_utc(subject.created_at);
  return view;
}

Result<Json> full_view_of_subject(Database& database, const std::string& id) {
  const auto subject = TRY(subject_table::find(database, id));
  if (!subject) return fail(Code::not_found, fmt::format("there is no participant \"{}\"", id));
  std::vector<ca::ClaimedName> names, withdrawn;
  for (NameRecord& entry : TRY(name_table::list(database, id)))
    (entry.state == NameState::withdrawn ? withdrawn : names).push_back(std::move(entry.name));
  Json view = view_of(*subject);
  view["names"] = json_of(names);
  if (!withdrawn.empty()) view["withdrawn"] = json_of(withdrawn);
  return view;
}

Json view_of(const Policy& policy, bool changed) {
  return {{"version", policy.version}, {"sha256", to_hex(policy.hash)}, {"changed", changed}};
}

Json view_of(const PolicyRecord& policy) {
  Json view = {{"version", policy.version},
               {"sha256", to_hex(policy.hash)},
               {"loaded_at", format_utc(policy.loaded_at)},
               {"peer", policy.peer},
               {"uid", policy.uid}};
  if (!policy.approval.empty()) view["approval"] = policy.approval;
  return view;
}

namespace {

/// What no profile has a word for is shown all the same.
Json key_usage_of(const x509::Certificate& certificate) {
  Json usages = Json::array();
  std::uint32_t rest = certificate.key_usage();
  for (const auto& [word, usage] : x509::kKeyUsages) {
    if ((rest & static_cast<std::uint32_t>(usage)) == 0) continue;
    usages.push_back(word);
    rest &= ~static_cast<std::uint32_t>(usage);
  }
  if (rest != 0) usages.push_back(fmt::format("{:#x}", rest));
  return usages;
}

Json extended_key_usage_of(const x509::Certificate& certificate) {
  Json usages = Json::array();
  for (const int nid : certificate.extended_key_usage()) {
    const auto known = std::find_if(x509::kExtendedKeyUsages.begin(), x509::kExtendedKeyUsages.end(),
                                    [&](const auto& entry) { return static_cast<int>(entry.second) == nid; });
    usages.push_back(known == x509::kExtendedKeyUsages.end() ? std::string_view(OBJ_nid2sn(nid)) : known->first);
  }
  return usages;
}

}  // namespace

Result<Json> content_of(const x509::Certificate& certificate) {
  const x509::SubjectAltNames names = TRY(certificate.names());
  const auto days = std::chrono::floor<std::chrono::days>(certificate.not_after() - certificate.not_before());
  return Json{{"distinguished_name", TRY(certificate.subject_name()).text()},
              {"dns", names.dns()},
              {"ip", names.ip()},
              {"validity_days", days.count()},
              {"key_id", to_hex(certificate.key_id())},
              {"key_usage", key_usage_of(certificate)},
              {"extended_key_usage", extended_key_usage_of(certificate)},
              {"signature_algorithm", OBJ_nid2sn(X509_get_signature_nid(certificate.openssl()))},
              {"policy_oids", TRY(ca::policy_oids_in(certificate))},
              {"crl_urls", TRY(ca::crl_urls_in(certificate))},
              {"ocsp_urls", TRY(ca::ocsp_urls_in(certificate))}};
}

std::string certificate_pem(const CertificateRecord& record) {
  return x509::pem_of_der(record.certificate, "CERTIFICATE");
}

}  // namespace hubseal::daemon::ops
