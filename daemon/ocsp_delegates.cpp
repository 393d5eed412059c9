#include "daemon/ocsp_delegates.h"

#include <array>

#include <fmt/format.h>
#include <openssl/rand.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "daemon/registry/certificate_table.h"
#include "daemon/registry/revocation_table.h"

namespace hubseal::daemon {
namespace {

/// A label for a key of our own: nobody chooses it, and it never comes twice.
std::string new_label() {
  std::array<std::uint8_t, 8> random{};
  RAND_bytes(random.data(), static_cast<int>(random.size()));
  return "hubseal-ocsp-" + to_hex(random);
}

/// Half of its time, not counting that which it is dated back. One that ends with its CA has no successor, which could
/// not last longer either.
TimePoint renewal_of(const CertificateRecord& certificate, const KeyRecord& key, const Authority& authority) {
  if (certificate.not_after >= authority.issuer->certificate().not_after()) return certificate.not_after;
  const TimePoint begin = std::max(certificate.not_before, key.created_at);
  return begin + (certificate.not_after - begin) / 2;
}

}  // namespace

Result<OcspDelegatePtr> OcspDelegates::in_use(const Authority& authority) {
  OcspDelegatePtr known;
  {
    auto in_use = in_use_.lock();
    if (const auto found = in_use->find(authority.record.name); found != in_use->end()) known = found->second;
  }
  if (!known || !TRY(is_trusted(authority, *known))) return nullptr;
  return known;
}

/// Nobody can ask about its revocation by OCSP (id-pkix-ocsp-nocheck): we ask ourselves.
Result<bool> OcspDelegates::is_trusted(const Authority& authority, const OcspDelegate& delegate) {
  if (delegate.certificate.not_after() <= TRY(parts_.clock.now_if_unmoved())) return false;
  if (!parts_.keyring.find(delegate.key.label, KeyUse::ocsp)) return false;
  const std::string serial = delegate.certificate.serial().hex();
  return !TRY(parts_.registry.read(
      [&](Database& database) { return revocation_table::find(database, authority.record.name, serial); }));
}

Result<OcspDelegatePtr> OcspDelegates::find_or_make(const Policy& policy, const Authority& authority, const Json& who) {
  auto all = attempts_.lock();
  Attempts& attempts = (*all)[authority.record.name];
  OcspDelegatePtr current = TRY(in_use(authority));
  if (!current && !attempts.looked) {
    current = TRY(find_earlier(authority));
    attempts.looked = true;
    if (current) in_use_.lock()->insert_or_assign(authority.record.name, current);
  }
  if (current && TRY(parts_.clock.now_if_unmoved()) < current->renew_at) return current;
  auto made = make(policy, authority, who, attempts);
  // The one that is there will do for the second half of its time.
  if (!made && current) return current;
  const OcspDelegatePtr delegate = TRY(std::move(made));
  in_use_.lock()->insert_or_assign(authority.record.name, delegate);
  if (const auto retired = retire_others(authority, *delegate); !retired)
    log::warning("old OCSP keys stay for now", {{"reason", retired.error().message}});
  return delegate;
}

/// What an earlier start has made, if it may still be used.
Result<OcspDelegatePtr> OcspDelegates::find_earlier(const Authority& authority) {
  const TimePoint now = TRY(parts_.clock.now_if_unmoved());
  const auto newest = TRY(parts_.registry.read(
      [&](Database& database) { return certificate_table::latest(database, authority.record.name, kProfile, now); }));
  if (!newest) return nullptr;
  const std::vector<Key> keys = TRY(parts_.keyring.list());
  for (const Key& key : keys) {
    if (key.record.use != KeyUse::ocsp || key.record.id != newest->key_id) continue;
    auto found = std::make_shared<const OcspDelegate>(
        OcspDelegate{key.record, TRY(x509::Certificate::parse_der(newest->certificate)),
                     renewal_of(*newest, key.record, authority)});
    return TRY(is_trusted(authority, *found)) ? found : nullptr;
  }
  return nullptr;
}

/// Anybody may ask: nothing is made or recorded before it is known that it can be of use, and not with every question
/// where it fails nevertheless.
Result<OcspDelegatePtr> OcspDelegates::make(const Policy& policy, const Authority& authority, const Json& who,
                                            Attempts& attempts) {
  const ca::Profile* profile = policy.profiles.find(kProfile);
  if (!profile || profile->kind != ca::Kind::ocsp_responder)
    return fail(Code::not_found, fmt::format("policy has no profile \"{}\": this hub answers no OCSP", kProfile));
  const auto pass = TRY(parts_.gate.enter());
  TRY(parts_.keyring.find(authority.record.key, KeyUse::ca));
  if (authority.issuer->certificate().not_after() <= TRY(parts_.clock.now()))
    return fail(Code::policy_denied, fmt::format("CA \"{}\" has ended", authority.record.name));
  const auto elapsed = parts_.clock.elapsed();
  if (elapsed < attempts.next)
    return fail(Code::hsm_unavailable, fmt::format("making an OCSP responder for CA \"{}\" has failed; tried again in "
                                                   "{} s",
                                                   authority.record.name, (attempts.next - elapsed).count()));
  attempts.next = elapsed + kPatience;
  auto made = make_key_and_certify(authority, *profile, who);
  if (made) attempts.next = {};
  return made;
}

/// Takes what an attempt before has left: first a key that it meant to certify, then one that it did not come to.
Result<OcspDelegatePtr> OcspDelegates::make_key_and_certify(const Authority& authority, const ca::Profile& profile,
                                                            const Json& who) {
  const TimePoint now = TRY(parts_.clock.now());
  std::optional<KeyRecord> unused;
  const std::vector<Key> keys = TRY(parts_.keyring.list());
  for (const Key& held : keys) {
    const KeyRecord& key = held.record;
    if (key.use != KeyUse::ocsp || key.life != KeyLife::active || !held.in_token) continue;
    const auto intent =
        TRY(parts_.registry.read([&](Database& database) { return certificate_table::find_key(database, key.id); }));
    if (!intent) {
      if (profile.allows(key.type)) unused = key;
      continue;
    }
    if (intent->ca != authority.record.name || intent->issued()) continue;
    if (now < renewal_of(*intent, key, authority)) {
      auto finished = certify(authority, key, profile, who);
      if (finished || finished.error().code != Code::policy_denied) return finished;
    }
    // Its profile, its CA or its day are not those that were recorded: this key will never be certified.
    TRY(parts_.keyring.retire_own(key.label, now + kKeyGrace));
  }
  return certify(authority, unused ? *unused : TRY(make_key(profile, who)), profile, who);
}

Result<OcspDelegatePtr> OcspDelegates::certify(const Authority& authority, const KeyRecord& key,
                                               const ca::Profile& profile, const Json& who) {
  const Issuance::Trail trail{.who = who,
                              .authorize = [](const ca::Prepared&) -> Result<Grant> { return Grant(); },
                              .record_result = [&](const CertificateRecord& issued) -> Result<> {
                                Json result = {{"event", "ocsp_responder_certified"},
                                               {"ca", issued.ca},
                                               {"key", key.label},
                                               {"serial", issued.serial},
                                               {"certificate_sha256", to_hex(sha256(issued.certificate))}};
                                result.update(who);
                                return parts_.audit.record(result);
                              }};
  const CertificateRecord issued = TRY(parts_.issuance.issue_responder(authority, key, profile, trail));
  return std::make_shared<const OcspDelegate>(
      OcspDelegate{key, TRY(x509::Certificate::parse_der(issued.certificate)), renewal_of(issued, key, authority)});
}

Result<KeyRecord> OcspDelegates::make_key(const ca::Profile& profile, const Json& who) {
  const std::string label = new_label();
  const KeyType type = profile.key_types.front();
  Json record = {{"event", "key_intent"}, {"key", label}, {"type", to_string(type)}, {"use", "ocsp"}};
  record.update(who);
  TRY(parts_.audit.record(record));
  return TRY(parts_.keyring.create(label, type, KeyUse::ocsp)).record;
}

/// Keys of this CA's earlier delegates, and those that a crash left without a certificate.
Result<> OcspDelegates::retire_others(const Authority& authority, const OcspDelegate& current) {
  const TimePoint at = TRY(parts_.clock.now_if_unmoved()) + kKeyGrace;
  const std::vector<Key> keys = TRY(parts_.keyring.list());
  for (const Key& held : keys) {
    const KeyRecord& key = held.record;
    if (key.use != KeyUse::ocsp || key.life != KeyLife::active || key.id == current.key.id) continue;
    const auto certificate =
        TRY(parts_.registry.read([&](Database& database) { return certificate_table::find_key(database, key.id); }));
    if (certificate && certificate->ca != authority.record.name) continue;
    TRY(parts_.keyring.retire_own(key.label, at));
  }
  return {};
}

}  // namespace hubseal::daemon
