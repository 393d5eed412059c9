#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/revocation.h"

namespace hubseal::daemon::ops {

namespace {

/// What the CAs say of themselves, beside those that are as they shall be.
struct Stopped {
  struct Problem {
    std::string ca, text;
  };
  std::vector<Problem> problems;
  std::vector<std::string> notes;  ///< of what cannot change any more, and need not
};

/// Whether another CA of the same name issues: where a roll-over keeps the name (decision 053) that is its successor.
bool has_successor(const Services& services, const Authority& authority) {
  const Bytes subject = authority.issuer->certificate().subject_der();
  for (const std::string& name : services.authorities.names()) {
    const auto other = services.authorities.find_active(name);
    if (other && name != authority.record.name && (*other)->issuer->certificate().subject_der() == subject &&
        (*other)->issuer->certificate().not_after() > services.clock.now() &&
        services.keyring.find((*other)->record.key, KeyUse::ca))
      return true;
  }
  return false;
}

/// CAs whose certificate is valid and that can sign neither certificates nor lists, because of where their key stands.
Stopped stopped_authorities(const Services& services) {
  Stopped stopped;
  for (const std::string& name : services.authorities.names()) {
    const auto authority = services.authorities.find(name);
    if (!authority || !(*authority)->issuer || (*authority)->issuer->certificate().not_after() <= services.clock.now())
      continue;
    const CaRecord& record = (*authority)->record;
    const auto usable = services.keyring.find(record.key, KeyUse::ca);
    if (usable) continue;
    std::string text = fmt::format("CA {} signs neither certificates nor lists: {}", name, usable.error().message);
    // What people have done about it is done: a compromised CA is no trouble for the years that it has left.
    if (services.keyring.is_compromised(record.key) && (record.retired_at || has_successor(services, **authority)))
      stopped.notes.push_back(text + "; so it stays until its end, and nobody may trust it");
    else
      stopped.problems.push_back({name, std::move(text)});
  }
  return stopped;
}

struct KeyCounts {
  int active = 0, quarantined = 0, missing = 0;
};

/// What is wrong with a key is told: as a note where people have done what they can.
KeyCounts count_keys(const std::vector<Key>& keys, Json& problems, Json& notes) {
  KeyCounts counts;
  for (const Key& key : keys) {
    const KeyRecord& record = key.record;
    if (record.life == KeyLife::destroyed) continue;
    if (key.in_token && key.in_token->state == hsm::KeyState::active) {
      ++counts.active;
      continue;
    }
    ++(key.in_token ? counts.quarantined : counts.missing);
    if (!key.in_token && record.destruction_begun && record.destroy_at)
      notes.push_back(
          fmt::format("key {} is not in the token; where that shows all others, it counts as destroyed "
                      "from {} on",
                      record.label, format_utc(*record.destroy_at)));
    else
      problems.push_back(key.in_token ? fmt::format("key {} is quarantined: {}", record.label, key.in_token->problem)
                                      : fmt::format("key {} is not in the token", record.label));
  }
  return counts;
}

}  // namespace

Result<Json> health(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  const Services& services = call.services;
  // Asked first: the token's answer is what its status is then, and a list that was behind may be signed by now.
  const auto keys = services.keyring.list();
  // By people only: programs ask all the time, and each try costs a signature or a record.
  if (call.peer.rule->role == Role::admin) {
    services.registry.retry();
    services.revocation.retry();
  }
  const hsm::TokenStatus token = services.signer.status();
  Json problems = Json::array();
  if (!token.ready) problems.push_back("token: " + token.problem);
  for (const std::string& reason : services.gate.reasons()) problems.push_back(reason);
  Json of_cas = Json::array();
  const auto add_of_ca = [&](const std::string& ca, const std::string& problem) {
    problems.push_back(problem);
    of_cas.push_back({{"ca", ca}, {"problem", problem}});
  };
  for (const auto& [ca, problem] : services.revocation.problems()) add_of_ca(ca, problem);
  for (const Housekeeper* keeper : {&std::as_const(services.housekeeper), &services.checkpoint_keeper})
    if (const auto hanging = keeper->hanging()) problems.push_back(*hanging);
  if (!services.registry.writable())
    problems.push_back("registry cannot be written: no certificate is issued, and nothing changes");
  if (!services.audit.writable()) problems.push_back("audit log cannot be written: nothing is signed");

  const Stopped stopped = stopped_authorities(services);
  Json notes = stopped.notes;
  for (const auto& [label, reason] : services.keyring.unproven())
    problems.push_back(fmt::format("key {} failed its self-test: {}", label, reason));
  const KeyCounts counts = keys ? count_keys(*keys, problems, notes) : KeyCounts{};
  // Whose private keys else the token holds is for those who can look at them, and for no other peer.
  const bool may_look = call.peer.rule->role == Role::admin;
  for (const auto& [label, reason] : services.keyring.undestroyed())
    problems.push_back(fmt::format("key {} was to be destroyed and is not{}", label, may_look ? ": " + reason : ""));
  for (const auto& [rotation, reason] : services.rotations.troubles())
    problems.push_back(fmt::format("the rotation from key {} to {} was to go on from \"{}\" at {} and has not{}",
                                   rotation.predecessor, rotation.successor, to_string(rotation.step),
                                   format_utc(rotation.due_at.value_or(rotation.since)),
                                   may_look ? ": " + reason : ""));
  for (const auto& [ca, problem] : stopped.problems) add_of_ca(ca, problem);
  const auto files = services.policies.read_files();
  const bool same = files && hash_of(*files) == call.policy->hash;
  const auto uptime = std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - services.started);
  return Json{{"status", problems.empty() ? "ready" : "degraded"},
              {"problems", problems},
              {"ca_problems", of_cas},
              {"notes", notes},
              {"token",
               {{"ready", token.ready},
                {"label", token.label},
                {"serial", token.serial},
                {"generation", token.generation},
                {"sessions", token.sessions}}},
              {"sealed", services.seal.record().has_value() || services.checkpoints.rollback().has_value()},
              {"keys", {{"active", counts.active}, {"quarantined", counts.quarantined}, {"missing", counts.missing}}},
              {"cas", services.authorities.names()},
              {"audit", {{"writable", services.audit.writable()}, {"records", services.audit.records()}}},
              {"policy",
               {{"version", call.policy->version},
                {"sha256", to_hex(call.policy->hash)},
                {"files", same    ? "same"
                          : files ? "differ"
                                  : "unreadable"}}},
              {"uptime_seconds", uptime.count()}};
}

}  // namespace hubseal::daemon::ops
