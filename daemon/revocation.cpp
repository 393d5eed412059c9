#include "daemon/revocation.h"

#include <algorithm>
#include <exception>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/log.h"
#include "daemon/ca/crl.h"
#include "daemon/find_certificate.h"
#include "daemon/registry/subject_table.h"
#include "daemon/rollback_guard.h"

namespace hubseal::daemon {
namespace {

constexpr std::chrono::seconds kTick{30};

/// Whether the hold that `certificate` shows is there and may be taken back by itself.
Result<> check_hold(Database& database, const CertificateRecord& certificate) {
  const auto known = TRY(revocation_table::find(database, certificate.ca, certificate.serial));
  if (!known || known->reason != ca::RevocationReason::certificate_hold)
    return fail(Code::conflict, fmt::format("certificate {} is not on hold", certificate.serial));
  const auto subject = TRY(subject_table::find(database, certificate.subject));
  if (known->suspended || (subject && subject->status == SubjectStatus::suspended))
    return fail(Code::conflict, fmt::format("participant {} is suspended; its certificates are put back by "
                                            "resume_subject and nothing else",
                                            certificate.subject));
  if (known->at == certificate.revoked_at) return {};
  return fail(Code::conflict,
              fmt::format("the hold of certificate {} is another one by now; ask again", certificate.serial));
}

}  // namespace

Result<CertificateRecord> Revocation::find(const std::string& ca, const std::string& serial) {
  // One that is recorded may be signed at any moment, or be asked for again years later: it can be revoked as well.
  CertificateRecord record = TRY(find_certificate(parts_.registry, parts_.authorities, ca, serial));
  const auto authority = TRY(parts_.authorities.find(ca));
  if (authority->issuer && authority->issuer->certificate().serial().hex() == serial)
    return fail(Code::policy_denied, fmt::format("{} is the certificate of CA \"{}\" itself, which no list of its own "
                                                 "can revoke",
                                                 serial, ca));
  return record;
}

Result<RevocationRecord> Revocation::revoke(const CertificateRecord& certificate, ca::RevocationReason reason,
                                            const Grant& grant) {
  RevocationRecord wanted{certificate.ca, certificate.serial, reason, parts_.clock.now()};
  return parts_.registry.write([&](Database& database) -> Result<RevocationRecord> {
    const auto known = TRY(revocation_table::find(database, wanted.ca, wanted.serial));
    if (known && known->reason == reason && !known->suspended) return *known;
    if (known && known->reason != ca::RevocationReason::certificate_hold)
      return fail(Code::conflict, fmt::format("certificate {} was revoked at {} ({}); that stays", wanted.serial,
                                              format_utc(known->at), ca::to_string(known->reason)));
    TRY(grant.use(database));
    if (known) wanted.at = known->at;  // X.509 section 8.5.2: the date of the hold that it replaces
    TRY(revocation_table::set(database, wanted));
    return wanted;
  });
}

Result<> Revocation::check_release(const CertificateRecord& certificate) {
  return parts_.registry.read([&](Database& database) { return check_hold(database, certificate); });
}

Result<> Revocation::release(const CertificateRecord& certificate, const Grant& grant) {
  return parts_.registry.write([&](Database& database) -> Result<> {
    TRY(check_hold(database, certificate));
    TRY(grant.use(database));
    return revocation_table::remove(database, certificate.ca, certificate.serial);
  });
}

Result<CrlRecord> Revocation::latest(const std::string& ca) {
  TRY(parts_.authorities.find(ca));
  TRY(refuse_old_state());
  auto crl = TRY(parts_.registry.read([&](Database& database) { return revocation_table::latest_crl(database, ca); }));
  if (crl) return *std::move(crl);
  return fail(Code::not_found, fmt::format("CA \"{}\" has no CRL yet", ca));
}

Revocation::~Revocation() {
  queue_.lock()->stop = true;
  changed_.notify_all();
  maker_.join();
}

Result<> Revocation::bring_up_to_date(const std::string& ca, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  auto queue = queue_.lock();
  Turn& turn = queue->turns[ca];
  const std::uint64_t mine = ++turn.wanted;
  changed_.notify_all();
  if (queue.wait_until(changed_, deadline, [&] { return turn.done >= mine; })) return turn.outcome;
  behind_.lock()->insert_or_assign(ca, "it is still being made");
  return fail(Code::hsm_busy, fmt::format("the CRL of CA \"{}\" is still being made", ca));
}

/// Whose list is to be made: in turns, so that one CA does not keep the others waiting.
std::map<std::string, Revocation::Turn>::iterator Revocation::next_turn(Queue& queue, const std::string& last) {
  const auto is_wanted = [](const auto& entry) { return entry.second.wanted != entry.second.done; };
  const auto after = queue.turns.upper_bound(last);
  if (const auto found = std::find_if(after, queue.turns.end(), is_wanted); found != queue.turns.end()) return found;
  const auto found = std::find_if(queue.turns.begin(), after, is_wanted);
  return found == after ? queue.turns.end() : found;
}

void Revocation::make_lists() {
  std::string ca;
  auto queue = queue_.lock();
  for (;;) {
    queue.wait(changed_, [&] { return queue->stop || next_turn(*queue, ca) != queue->turns.end(); });
    if (queue->stop) return;
    const auto turn = next_turn(*queue, ca);
    ca = turn->first;
    const std::uint64_t wanted = turn->second.wanted;
    queue.unlock();
    Result<> outcome;
    try {
      outcome = make_what_is_due(ca);
    } catch (const std::exception& fault) {
      outcome = fail(Code::internal, fault.what());
    }
    queue.relock();
    turn->second.done = wanted;
    turn->second.outcome = outcome;
    auto behind = behind_.lock();
    if (outcome)
      behind->erase(ca);
    else
      behind->insert_or_assign(ca, outcome.error().message);
    changed_.notify_all();
  }
}

// An older registry may have an older list than those that were given: nobody gets it, and it takes no newer one's
// place.
Result<> Revocation::refuse_old_state() const {
  if (!parts_.gate.is_closed(RollbackGuard::kWord)) return {};
  return fail(Code::sealed,
              "the registry is of an older time, and its CRLs may be older than those that were given");
}

std::optional<std::string_view> Revocation::why_none(const Authority& authority) const {
  if (parts_.keyring.is_compromised(authority.record.key)) return "compromised";
  const auto today = parts_.guard.now_if_unmoved();
  if (today && authority.issuer && *today >= authority.issuer->certificate().not_after()) return "ended";
  return std::nullopt;
}

Result<> Revocation::make_what_is_due(const std::string& ca) {
  TRY(refuse_old_state());
  const auto authority = TRY(parts_.authorities.find(ca));
  if (!authority->issuer || why_none(*authority)) return {};
  std::optional<CrlRecord> last;
  std::int64_t change = 0;
  TRY(parts_.registry.read([&](Database& database) -> Result<> {
    last = TRY(revocation_table::latest_crl(database, ca));
    change = TRY(revocation_table::changes(database, ca));
    return {};
  }));
  const TimePoint now = parts_.clock.now();
  const bool good = last && now < last->this_update + kPeriod && now + ClockGuard::kTolerance >= last->this_update;
  if (!good || last->change != change) return issue(*authority, last, change);
  return publish(*last);  // a full disk or a crash may have kept it from its file
}

void Revocation::retry() {
  std::vector<std::string> cas;
  {
    auto behind = behind_.lock();
    for (const auto& [ca, reason] : *behind) cas.push_back(ca);
  }
  if (cas.empty() || !parts_.signer.status().ready) return;
  for (const std::string& ca : cas)
    if (bring_up_to_date(ca, std::chrono::seconds(1))) log::info("a CRL is up to date again", {{"ca", ca}});
}

std::map<std::string, std::string> Revocation::problems() const {
  std::map<std::string, std::string> problems;
  auto behind = behind_.lock();
  for (const auto& [ca, reason] : *behind)
    problems.emplace(ca, fmt::format("CRL of CA \"{}\" is behind: {}", ca, reason));
  return problems;
}

// Number first, then the signature: what a crash leaves is a number that no list has. Of two lists the one with the
// higher number is the newer one; its date may be the earlier one where the clock was ahead.
Result<> Revocation::issue(const Authority& authority, const std::optional<CrlRecord>& last, std::int64_t change) {
  const auto pass = TRY(parts_.gate.enter());
  const ca::Issuer& issuer = *authority.issuer;
  const KeyRecord key = TRY(parts_.keyring.find(authority.record.key, KeyUse::ca));
  const TimePoint now = TRY(parts_.guard.now_if_unmoved());
  CrlRecord crl{.ca = authority.record.name,
                .change = change,
                .this_update = now,
                .next_update = std::min<TimePoint>(now + 2 * kPeriod, issuer.certificate().not_after()),
                .der = {}};
  // RFC 5280 section 3.3: an entry stays until it was on a list that was due after the certificate's end.
  const TimePoint ended = std::min(now - 2 * kPeriod, last ? last->this_update : now);
  std::vector<ca::RevokedEntry> entries;
  crl.number = TRY(parts_.registry.write([&](Database& database) -> Result<std::int64_t> {
    for (const RevocationRecord& revocation : TRY(revocation_table::list(database, crl.ca, ended)))
      entries.push_back({TRY(x509::Serial::parse(revocation.serial)), std::min(revocation.at, now), revocation.reason});
    return revocation_table::reserve_crl(database, crl);
  }));
  const Json record = {
      {"event", "crl_intent"}, {"ca", crl.ca}, {"crl_number", crl.number}, {"entries", entries.size()}};
  TRY(parts_.audit.record(record));
  const ca::CrlDraft draft{issuer,          ca::signature_algorithm(issuer.key_type(), ca::Hash::sha256),
                           crl.number,      crl.this_update,
                           crl.next_update, entries};
  const Bytes tbs = TRY(ca::build_crl_tbs(draft));
  crl.der = TRY(ca::close_crl(draft, tbs, TRY(parts_.signer.sign(key.id, draft.algorithm, tbs))));
  Json result = record;
  result["event"] = "crl_issued";
  result["crl_sha256"] = to_hex(sha256(crl.der));
  TRY(parts_.audit.record(result));
  TRY(parts_.registry.write([&](Database& database) { return revocation_table::complete_crl(database, crl); }));
  log::info("CRL issued", {{"ca", crl.ca}, {"number", std::to_string(crl.number)}});
  return publish(crl);
}

Result<> Revocation::publish(const CrlRecord& crl) const {
  const auto file = parts_.folder / (crl.ca + ".crl");
  if (const auto there = read_file(file, crl.der.size(), Trust::any); there && *there == as_text(crl.der)) return {};
  std::error_code problem;
  std::filesystem::create_directories(parts_.folder, problem);
  return write_file(file, crl.der, 0644);
}

std::chrono::milliseconds Revocation::tick() {
  for (const std::string& ca : parts_.authorities.names())
    if (const auto done = bring_up_to_date(ca); !done)
      log::warning("no new CRL", {{"ca", ca}, {"reason", done.error().message}});
  return kTick;
}

}  // namespace hubseal::daemon
