#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/revocation.h"

namespace hubseal::daemon::ops {

namespace {

/// CAs that are still trusted and can sign neither certificates nor lists, because of where their key stands.
std::vector<std::string> stopped_authorities(const Services& services) {
  std::vector<std::string> problems;
  for (const std::string& name : services.authorities.names()) {
    const auto authority = services.authorities.find(name);
    if (!authority || !(*authority)->issuer || (*authority)->issuer->certificate().not_after() <= services.clock.now())
      continue;
    // What people have done about it is done: a compromised CA that was retired is no trouble for the years to come.
    if ((*authority)->record.retired_at && services.keyring.is_compromised((*authority)->record.key)) continue;
    if (const auto usable = services.keyring.find((*authority)->record.key, KeyUse::ca); !usable)
      problems.push_back("CA " + name + " signs neither certificates nor lists: " + usable.error().message);
  }
  return problems;
}

}  // namespace

Result<Json> health(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  const Services& services = call.services;
  // Asked first: the token's answer is what its status is then, and a list that was behind may be signed by now.
  const auto keys = services.keyring.list();
  // By people only: programs ask all the time, and each try costs a signature or a record.
  if (call.peer.rule->role == Role::admin) services.revocation.retry();
  const hsm::TokenStatus token = services.signer.status();
  Json problems = Json::array();
  if (!token.ready) problems.push_back("token: " + token.problem);
  for (const std::string& reason : services.gate.reasons()) problems.push_back(reason);
  for (const std::string& problem : services.revocation.problems()) problems.push_back(problem);
  if (const auto hanging = services.housekeeper.hanging()) problems.push_back(*hanging);
  if (!services.audit.writable()) problems.push_back("audit log cannot be written: nothing is signed");

  int active = 0;
  int quarantined = 0;
  int missing = 0;
  if (keys) {
    for (const Key& key : *keys) {
      if (key.record.life == KeyLife::destroyed) continue;
      int& count = !key.in_token ? missing : key.in_token->state == hsm::KeyState::active ? active : quarantined;
      ++count;
      if (&count != &active)
        problems.push_back("key " + key.record.label + (key.in_token ? " is quarantined" : " is not in the token"));
    }
  }
  for (const std::string& problem : services.keyring.undestroyed()) problems.push_back(problem);
  for (const std::string& problem : stopped_authorities(services)) problems.push_back(problem);
  const auto files = services.policies.read_files();
  const bool same = files && hash_of(*files) == call.policy->hash;
  const auto uptime = std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - services.started);
  return Json{{"status", problems.empty() ? "ready" : "degraded"},
              {"problems", problems},
              {"token",
               {{"ready", token.ready},
                {"label", token.label},
                {"serial", token.serial},
                {"generation", token.generation},
                {"sessions", token.sessions}}},
              {"sealed", services.seal.record().has_value() || services.checkpoints.rollback().has_value()},
              {"keys", {{"active", active}, {"quarantined", quarantined}, {"missing", missing}}},
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
