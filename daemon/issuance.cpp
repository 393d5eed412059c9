#include "daemon/issuance.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/x509/public_key.h"
#include "daemon/ca/assemble.h"
#include "daemon/ca/prepare_own.h"
#include "daemon/registry/revocation_table.h"

namespace hubseal::daemon {
namespace {

/// One hash over all that a repeat must have in common with the first request. Each part is
/// preceded by its length, so that no two different requests run together into the same bytes.
Bytes content_hash(std::initializer_list<std::string_view> parts) {
  std::string content;
  for (const std::string_view part : parts) content.append(fmt::format("{}:", part.size())).append(part);
  const auto digest = sha256(as_bytes(content));
  return Bytes(digest.begin(), digest.end());
}

Result<> check_same(const CertificateRecord& known, const Bytes& hash) {
  if (known.content_hash == hash) return {};
  return fail(Code::conflict, fmt::format("request \"{}\" was used before for another content (serial {}); wanted a "
                                          "new request id",
                                          known.request, known.serial));
}

/// Nothing waits for an issuance under way: who revokes, suspends or off-boards marks its intent, which is seen here.
Result<> check_not_revoked(Database& database, const CertificateRecord& intent) {
  const auto revoked = TRY(revocation_table::find(database, intent.ca, intent.serial));
  if (!revoked) return {};
  return fail(Code::policy_denied, fmt::format("certificate {} was revoked before it was issued ({})", intent.serial,
                                               ca::to_string(revoked->reason)));
}

Json intent_record(const CertificateRecord& intent, const Json& who, bool registers = false) {
  Json record = {{"event", "certificate_intent"},
                 {"ca", intent.ca},
                 {"serial", intent.serial},
                 {"profile", intent.profile},
                 {"subject", intent.subject},
                 {"request", intent.request},
                 {"tbs_sha256", to_hex(sha256(intent.tbs))}};
  if (registers) record["registers"] = true;
  if (!intent.approval.empty()) record["approval"] = intent.approval;
  record.update(who);
  return record;
}

Bytes hash_of(const std::vector<ca::ClaimedName>& names) {
  std::vector<std::string> texts;
  for (const ca::ClaimedName& name : names) texts.push_back(fmt::format("{} {}\n", to_string(name.kind), name.value));
  std::sort(texts.begin(), texts.end());
  const auto digest = sha256(as_bytes(fmt::format("{}", fmt::join(texts, ""))));
  return Bytes(digest.begin(), digest.end());
}

/// PKI-9: the next certificate for the same names comes when the newest has done most of its life.
Result<> check_renewal(Database& database, const ca::Profile& profile, const CertificateRecord& intent, TimePoint now) {
  if (profile.renew_from.count() == 0) return {};
  // An intent younger than this is probably being signed at this moment.
  const TimePoint unfinished = now - profile.backdate - std::chrono::hours(1);
  const auto newest = TRY(certificate_table::newest_like(database, intent, unfinished));
  if (!newest) return {};
  const TimePoint from = newest->not_before + profile.renew_from;
  if (now >= from) return {};
  return fail(
      Code::policy_denied,
      fmt::format("PKI-9: profile {}: {} has certificate {} for these names, of {}; another is issued from {}",
                  profile.name, intent.subject, newest->serial, format_utc(newest->not_before), format_utc(from)));
}

/// What the register learns from a certificate, where it fills itself.
Json registered_record(const CertificateRecord& intent, const ca::Prepared& prepared, const Json& who) {
  Json record = {{"event", "subject_registered"},
                 {"subject", intent.subject},
                 {"request", intent.request},
                 {"distinguished_name", intent.distinguished_name},
                 {"names", json_of(prepared.claims)}};
  record.update(who);
  return record;
}

}  // namespace

Result<CertificateRecord> Issuance::issue(const Policy& policy, const IssueRequest& request, const Trail& trail) {
  const auto authority = TRY(authorities_.find_active(request.ca));
  TRY(keyring_.find(authority->record.key, KeyUse::ca));
  const ca::Issuer& issuer = *authority->issuer;
  const x509::Csr csr = TRY(x509::Csr::parse(request.csr));
  const ca::Profile* profile = policy.profiles.find(request.profile);
  const auto prepare = [&](const x509::Serial& serial, TimePoint now) -> Result<ca::Prepared> {
    if (!profile || profile->kind != ca::Kind::end_entity)
      return fail(Code::forbidden, fmt::format("there is no profile \"{}\" that this peer may use", request.profile));
    const ca::Participant participant =
        TRY(Register::limits(policy.register_mode, request.subject, request.registered, issuer));
    return ca::prepare_certificate(
        issuer,
        {.profile = *profile, .csr = csr, .participant = participant, .ca = request.ca, .serial = serial, .now = now});
  };
  const auto admit = [&](Database& database, const ca::Prepared& prepared, TimePoint now) {
    return Register::admit(database, policy.register_mode, request.subject, prepared, now);
  };
  return run(
      {.wanted = {.ca = request.ca,
                  .profile = request.profile,
                  .subject = request.subject,
                  .peer = request.peer,
                  .request = request.request,
                  .content_hash = content_hash({request.ca, request.profile, request.subject, as_text(csr.der())})},
       .prepare = prepare,
       .admit = admit,
       .profile = profile,
       .registers = !request.registered,
       .issuer_id = issuer.key_id(),
       .issuer_key = issuer.public_key()},
      trail);
}

Result<CertificateRecord> Issuance::issue_root(const std::string& peer, const std::string& ca, const KeyRecord& key,
                                               const ca::Profile& profile, const x509::DistinguishedName& subject,
                                               const Trail& trail) {
  const hsm::KeyInfo info = TRY(signer_.find_key(key.id));
  const PkeyPtr public_key = TRY(x509::public_key_from_spki(info.spki));
  const auto prepare = [&](const x509::Serial& serial, TimePoint now) {
    return ca::prepare_root({.profile = profile, .subject = subject, .spki = info.spki, .serial = serial, .now = now});
  };
  return run({.wanted = {.ca = ca,
                         .profile = profile.name,
                         .subject = ca,
                         .peer = peer,
                         .request = "create_ca:" + ca,  // no name of a client's has a colon
                         .content_hash = content_hash({ca, profile.name, subject.text(), as_text(info.spki)})},
              .prepare = prepare,
              .admit = nullptr,
              .profile = &profile,
              .issuer_id = key.id,
              .issuer_key = public_key.get()},
             trail);
}

Result<CertificateRecord> Issuance::issue_responder(const Authority& authority, const KeyRecord& key,
                                                    const ca::Profile& profile, const Trail& trail) {
  TRY(keyring_.find(authority.record.key, KeyUse::ca));
  const std::string& ca = authority.record.name;
  const hsm::KeyInfo info = TRY(signer_.find_key(key.id));
  const auto prepare = [&](const x509::Serial& serial, TimePoint now) {
    return ca::prepare_responder(*authority.issuer,
                                 {.profile = profile, .spki = info.spki, .serial = serial, .now = now});
  };
  return run({.wanted = {.ca = ca,
                         .profile = profile.name,
                         .subject = ca,
                         .peer = "hubseald",
                         .request = "ocsp_responder:" + key.label,
                         .content_hash = content_hash({ca, profile.name, as_text(info.spki)})},
              .prepare = prepare,
              .admit = nullptr,
              .profile = &profile,
              .issuer_id = authority.issuer->key_id(),
              .issuer_key = authority.issuer->public_key()},
             trail);
}

Result<CertificateRecord> Issuance::issue_cross(const std::string& peer, const Authority& issuer,
                                                const Authority& other, const ca::Profile& profile,
                                                const Trail& trail) {
  TRY(keyring_.find(issuer.record.key, KeyUse::ca));
  const std::string &by = issuer.record.name, &ca = other.record.name;
  const x509::Certificate& subject = other.issuer->certificate();
  const std::string request = TRY(unused_cross_request(peer, by, ca));
  const auto prepare = [&](const x509::Serial& serial, TimePoint now) {
    return ca::prepare_cross(*issuer.issuer,
                             {.profile = profile, .subject = subject, .ca = by, .serial = serial, .now = now});
  };
  return run({.wanted = {.ca = by,
                         .profile = profile.name,
                         .subject = ca,
                         .peer = peer,
                         .request = request,
                         .content_hash = content_hash({by, ca, profile.name, as_text(subject.der())}),
                         .cross = true},
              .prepare = prepare,
              .admit = nullptr,
              .profile = &profile,
              .issuer_id = issuer.issuer->key_id(),
              .issuer_key = issuer.issuer->public_key()},
             trail);
}

// A repeat gets the certificate that is there; one that was revoked has a successor.
Result<std::string> Issuance::unused_cross_request(const std::string& peer, const std::string& by,
                                                   const std::string& ca) {
  return registry_.read([&](Database& database) -> Result<std::string> {
    std::string request = fmt::format("cross:{}:{}", by, ca);
    for (int number = 2;; ++number) {
      const auto known = TRY(certificate_table::find_request(database, peer, request));
      if (!known || known->revoked.empty()) return request;
      request = fmt::format("cross:{}:{}:{}", by, ca, number);
    }
  });
}

Result<std::optional<CertificateRecord>> Issuance::find_request(const CertificateRecord& wanted) {
  return registry_.read(
      [&](Database& database) { return certificate_table::find_request(database, wanted.peer, wanted.request); });
}

Result<CertificateRecord> Issuance::run(const Task& task, const Trail& trail) {
  std::optional<TimePoint> latest;
  auto known = TRY(registry_.read([&](Database& database) -> Result<std::optional<CertificateRecord>> {
    latest = TRY(certificate_table::latest_time(database));
    return certificate_table::find_request(database, task.wanted.peer, task.wanted.request);
  }));
  if (!known) {
    if (auto issued = TRY(issue_anew(task, trail, latest))) return *std::move(issued);
    known = TRY(find_request(task.wanted));
    if (!known) return fail(Code::internal, "registry lost an intent");
  }
  TRY(check_same(*known, task.wanted.content_hash));
  if (known->issued()) return *std::move(known);
  const std::lock_guard one_at_a_time(finishing(known->serial));
  known = TRY(find_request(*known));  // the first attempt may have ended since, whichever way
  if (!known) return fail(Code::internal, "registry lost an intent");
  if (known->issued()) return *std::move(known);
  TRY(resume(*known, task, trail));
  return sign(*std::move(known), task, trail);
}

/// Nothing where another connection has the same request under way.
Result<std::optional<CertificateRecord>> Issuance::issue_anew(const Task& task, const Trail& trail,
                                                              const std::optional<TimePoint>& latest) {
  const x509::Serial serial = TRY(ca::new_serial());
  const TimePoint now = TRY(clock_.now(latest));
  const ca::Prepared prepared = TRY(task.prepare(serial, now));
  // Before anybody can find the intent: who finds it waits until it is finished, and it need not be looked for again.
  const std::lock_guard one_at_a_time(finishing(serial.hex()));
  auto intent = TRY(reserve(task, prepared, now, trail));
  if (!intent) return std::nullopt;
  return sign(*std::move(intent), task, trail);
}

// Registry and audit log go to the disk side by side; nothing is signed before both are there.
Result<std::optional<CertificateRecord>> Issuance::reserve(const Task& task, const ca::Prepared& prepared,
                                                           TimePoint now, const Trail& trail) {
  CertificateRecord intent = task.wanted;
  intent.serial = prepared.serial.hex();
  intent.key_id = prepared.subject_key;
  intent.key_core = prepared.subject_key_core;
  intent.names_hash = hash_of(prepared.claims);
  intent.distinguished_name = prepared.subject.text();
  intent.not_before = prepared.not_before;
  intent.not_after = prepared.not_after;
  intent.tbs = prepared.tbs;
  intent.algorithm = prepared.algorithm;
  const Grant grant = TRY(trail.authorize(prepared));
  intent.approval = grant.approval().value_or("");
  intent.approvals_needed = trail.needed;
  const auto recorded = audit_.begin(intent_record(intent, trail.who, task.registers));
  bool entered = false;  // of several first requests at once, one enters the participant
  const auto reserved = registry_.write([&](Database& database) -> Result<> {
    TRY(grant.use(database));
    entered = task.registers && !TRY(subject_table::find(database, intent.subject));
    if (task.admit) TRY(task.admit(database, prepared, now));
    TRY(check_renewal(database, *task.profile, intent, now));
    return certificate_table::reserve(database, intent);
  });
  TRY(recorded->wait());
  // Said once it is so. Should this be lost in a crash: the intent says already that it registers.
  if (reserved && entered) TRY(audit_.record(registered_record(intent, prepared, trail.who)));
  if (reserved) return intent;
  // The same request in two connections at once: the first one's intent is the one to finish.
  if (TRY(find_request(intent))) return std::nullopt;
  return tl::unexpected(reserved.error());
}

// Policy asks for more people than agreed on its day.
Result<> Issuance::authorize_anew(CertificateRecord& intent, const ca::Prepared& prepared, const Trail& trail) {
  const Grant grant = TRY(trail.authorize(prepared));
  intent.approval = grant.approval().value_or("");
  intent.approvals_needed = trail.needed;
  return registry_.write([&](Database& database) -> Result<> {
    TRY(grant.use(database));
    return certificate_table::raise_approval(database, intent);
  });
}

// An intent is a promise under the policy of its day, not a right: the bytes that were kept are signed
// only if today's profile, CA, register and clock would give the very same ones, save for the moment. Under the lock of
// its serial.
Result<> Issuance::resume(CertificateRecord& known, const Task& task, const Trail& trail) {
  const x509::Serial serial = TRY(x509::Serial::parse(known.serial));
  const TimePoint now = TRY(clock_.now());
  const ca::Prepared today = TRY(task.prepare(serial, now));
  const auto validity = today.not_after - now;
  const ca::Prepared that_day = TRY(task.prepare(serial, known.not_after - validity));
  if (that_day.tbs != known.tbs || known.not_after > today.not_after)
    return fail(Code::policy_denied,
                fmt::format("request \"{}\" was recorded under another policy and cannot be finished "
                            "(serial {}); wanted a new request id and a new key",
                            known.request, known.serial));
  TRY(registry_.read([&](Database& database) -> Result<> {
    TRY(check_not_revoked(database, known));
    return check_renewal(database, *task.profile, known, now);
  }));
  if (trail.needed > known.approvals_needed) TRY(authorize_anew(known, today, trail));
  TRY(registry_.write([&](Database& database) -> Result<> {
    TRY(check_not_revoked(database, known));
    return task.admit ? task.admit(database, today, now) : Result<>();
  }));
  // The first attempt may have ended with its intent in the registry and not yet in the audit log.
  return audit_.record(intent_record(known, trail.who));
}

// Recorded before it is written to the registry, because from then on it can be read. Under the lock of its serial.
// What was revoked while the token worked is not recorded as issued; what is revoked after the record is released to
// nobody, and the refusal is recorded behind it.
Result<CertificateRecord> Issuance::sign(CertificateRecord intent, const Task& task, const Trail& trail) {
  const Bytes signature = TRY(signer_.sign(task.issuer_id, intent.algorithm, intent.tbs));
  Bytes certificate = TRY(ca::close_certificate(intent.tbs, intent.algorithm, signature, task.issuer_key));
  intent.certificate = certificate;
  TRY(registry_.read([&](Database& database) { return check_not_revoked(database, intent); }));
  TRY(trail.record_result(intent));
  const bool written = TRY(registry_.write([&](Database& database) -> Result<bool> {
    TRY(check_not_revoked(database, intent));
    return certificate_table::complete(database, intent.ca, intent.serial, certificate);
  }));
  if (!written) return fail(Code::internal, "registry lost an intent");
  return intent;
}

}  // namespace hubseal::daemon
