#include "daemon/ocsp_delegates.h"

#include <array>
#include <exception>

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

OcspDelegates::~OcspDelegates() {
  std::vector<std::thread> makers;
  for (auto& [ca, turn] : *turns_.lock())
    if (turn.maker.joinable()) makers.push_back(std::move(turn.maker));
  for (std::thread& maker : makers) maker.join();
}

Result<OcspDelegatePtr> OcspDelegates::find_or_make(const Policy& policy,
                                                    const std::shared_ptr<const Authority>& authority,
                                                    const Json& who) {
  OcspDelegatePtr current = TRY(in_use(*authority));
  if (!current) current = TRY(take_earlier(*authority));
  if (current && TRY(is_lost(authority->record.name, current->key.id))) current = nullptr;
  if (current && TRY(parts_.clock.now_if_unmoved()) < current->renew_at) return current;
  auto made = make_in_turn(policy, authority, who);
  // The one that is there will do for the second half of its time.
  if (!made && current) return current;
  return made;
}

/// A token that was put back has lost it; one that is quarantined signs nothing until a restart, nor after it where it
/// fails again. A token that is back before its objects are, or has no time to look, has not lost it: what it does not
/// show counts only while it stays open, or one that comes and goes would get a new key each time.
Result<bool> OcspDelegates::is_lost(const std::string& ca, const KeyId& key) {
  auto found = parts_.signer.find_key(key);
  if (found && found->state == hsm::KeyState::quarantined)
    found = fail(Code::hsm_unavailable, fmt::format("key {} is quarantined: {}", to_hex(key), found->problem));
  auto turns = turns_.lock();
  std::optional<Turn::Missing>& missing = (*turns)[ca].missing;
  if (found) {
    missing.reset();
    return false;
  }
  const hsm::TokenStatus token = parts_.signer.status();
  if (!token.ready || found.error().code != Code::hsm_unavailable) return tl::unexpected(found.error());
  const auto now = parts_.clock.elapsed();
  if (!missing || missing->generation != token.generation) missing = Turn::Missing{token.generation, now};
  if (now - missing->since < kLate) return tl::unexpected(found.error());
  return true;
}

/// Looked for once: what comes later is in use.
Result<OcspDelegatePtr> OcspDelegates::take_earlier(const Authority& authority) {
  const std::string& ca = authority.record.name;
  if (turns_.lock()->operator[](ca).looked) return nullptr;
  OcspDelegatePtr earlier = TRY(find_earlier(authority));
  turns_.lock()->operator[](ca).looked = true;
  if (!earlier) return nullptr;
  return in_use_.lock()->emplace(ca, earlier).first->second;
}

/// The token may take long, or for ever: it is waited for up to a time that counts from the beginning, so that a token
/// that hangs holds up who asked first and nobody after.
Result<OcspDelegatePtr> OcspDelegates::make_in_turn(const Policy& policy,
                                                    const std::shared_ptr<const Authority>& authority,
                                                    const Json& who) {
  const std::string& ca = authority->record.name;
  auto turns = turns_.lock();
  Turn& turn = (*turns)[ca];
  if (turn.begun == turn.done) {
    const ca::Profile profile = TRY(check_makable(policy, *authority, turn));
    if (turn.maker.joinable()) turn.maker.join();  // it has nothing left to do
    turn.maker = std::thread([this, profile, authority, who] { run_turn(*authority, profile, who); });
    ++turn.begun;
    turn.since = std::chrono::steady_clock::now();
    turn.next = parts_.clock.elapsed() + kPatience;
  }
  const std::uint64_t awaited = turn.begun;
  if (turns.wait_until(changed_, turn.since + kLongestWait, [&] { return turn.done >= awaited; })) return turn.outcome;
  return fail(Code::hsm_busy, fmt::format("an OCSP responder for CA \"{}\" is still being made", ca));
}

/// In a thread of its own.
void OcspDelegates::run_turn(const Authority& authority, const ca::Profile& profile, const Json& who) {
  Result<OcspDelegatePtr> made = nullptr;
  try {
    made = make_key_and_certify(authority, profile, who);
    if (made) in_use_.lock()->insert_or_assign(authority.record.name, *made);
    const auto retired = made ? retire_others(authority, **made) : Result<>();
    if (!retired) log::warning("old OCSP keys stay for now", {{"reason", retired.error().message}});
  } catch (const std::exception& fault) {
    made = fail(Code::internal, fault.what());
  }
  auto turns = turns_.lock();
  Turn& turn = (*turns)[authority.record.name];
  if (made) {
    turn.next = {};
    turn.missing.reset();
  }
  turn.outcome = std::move(made);
  turn.done = turn.begun;
  changed_.notify_all();
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
Result<ca::Profile> OcspDelegates::check_makable(const Policy& policy, const Authority& authority,
                                                 const Turn& turn) const {
  const ca::Profile* profile = policy.profiles.find(kProfile);
  if (!profile || profile->kind != ca::Kind::ocsp_responder)
    return fail(Code::not_found, fmt::format("policy has no profile \"{}\": this hub answers no OCSP", kProfile));
  TRY(parts_.gate.enter());
  TRY(parts_.keyring.find(authority.record.key, KeyUse::ca));
  if (authority.issuer->certificate().not_after() <= TRY(parts_.clock.now()))
    return fail(Code::policy_denied, fmt::format("CA \"{}\" has ended", authority.record.name));
  const auto elapsed = parts_.clock.elapsed();
  if (elapsed < turn.next)
    return fail(Code::hsm_unavailable, fmt::format("making an OCSP responder for CA \"{}\" has failed; tried again in "
                                                   "{} s",
                                                   authority.record.name, (turn.next - elapsed).count()));
  return *profile;
}

OcspDelegates::Claim OcspDelegates::claim(const std::string& label) {
  if (!claimed_.lock()->insert(label).second) return nullptr;
  return Claim(new std::string(label), [this](const std::string* claimed) {
    claimed_.lock()->erase(*claimed);
    delete claimed;
  });
}

/// Takes what an attempt before has left: first a key that it meant to certify, then one that it did not come to.
Result<OcspDelegatePtr> OcspDelegates::make_key_and_certify(const Authority& authority, const ca::Profile& profile,
                                                            const Json& who) {
  const TimePoint now = TRY(parts_.clock.now());
  std::optional<KeyRecord> unused;
  Claim ours;
  const std::vector<Key> keys = TRY(parts_.keyring.list());
  for (const Key& held : keys) {
    const KeyRecord& key = held.record;
    if (key.use != KeyUse::ocsp || key.life != KeyLife::active || !held.in_token) continue;
    Claim claimed = claim(key.label);
    if (!claimed) continue;
    const auto intent =
        TRY(parts_.registry.read([&](Database& database) { return certificate_table::find_key(database, key.id); }));
    if (!intent) {
      if (!profile.allows(key.type)) continue;
      unused = key;
      ours = std::move(claimed);
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
  if (unused) return certify(authority, *unused, profile, who);
  const std::string label = new_label();
  ours = claim(label);
  return certify(authority, TRY(make_key(label, profile, who)), profile, who);
}

Result<OcspDelegatePtr> OcspDelegates::certify(const Authority& authority, const KeyRecord& key,
                                               const ca::Profile& profile, const Json& who) {
  const auto pass = TRY(parts_.gate.enter());  // not before: nobody who seals waits for a key that is being made
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

Result<KeyRecord> OcspDelegates::make_key(const std::string& label, const ca::Profile& profile, const Json& who) {
  const KeyType type = profile.key_types.front();
  Json record = {{"event", "key_intent"}, {"key", label}, {"type", to_string(type)}, {"use", "ocsp"}};
  record.update(who);
  TRY(parts_.audit.record(record));
  const auto go_ahead = [this]() -> Result<> {
    TRY(parts_.gate.enter());
    return {};
  };
  return TRY(parts_.keyring.create(label, type, KeyUse::ocsp, {}, go_ahead)).record;
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
    if (certificate ? certificate->ca != authority.record.name : claimed_.lock()->contains(key.label)) continue;
    TRY(parts_.keyring.retire_own(key.label, at));
  }
  return {};
}

}  // namespace hubseal::daemon
