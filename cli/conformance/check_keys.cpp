// Private keys, the token that holds them, and the people who decide about them.
#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/conformance/checks.h"

namespace hubseal::cli::conformance::checks {
namespace {

/// Operations by which one person alone could make, end or free a key, or change who decides.
constexpr const char* kControlled[] = {"activate_key",   "change_approvers", "create_ca",   "create_csr", "create_key",
                                       "deactivate_key", "destroy_key",      "load_policy", "unseal"};
constexpr const char* kSoftware[] = {"softhsm", "software"};  // in the path of a PKCS#11 module

bool is_software(std::string module) {
  std::transform(module.begin(), module.end(), module.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(std::begin(kSoftware), std::end(kSoftware),
                     [&](const char* word) { return module.find(word) != std::string::npos; });
}

/// Runs `judge` for every key that was not destroyed.
template <class Judge>
Finding each_key(const Installation& found, const Judge& judge) {
  Finding finding;
  if (!found.keys) {
    finding.unseen("keys", found.keys.error());
    return finding;
  }
  for (const Key& key : *found.keys)
    if (key.state != "destroyed") judge(finding, key);
  return finding;
}

void judge_token(Finding& finding, const std::string& module) {
  if (is_software(module))
    finding.bad(fmt::format("module {}: a token in software; wanted certified hardware", module));
  else
    finding.add(Mark::unseen, fmt::format("module {}: whether its hardware is certified is for people to say", module));
}

void judge_consent(Finding& finding, const Policy& policy) {
  std::vector<std::string> shared, alone;
  for (const char* operation : kControlled) {
    const auto needed = policy.approvals_needed.find(operation);
    if (needed != policy.approvals_needed.end() && needed->second > 0)
      shared.push_back(fmt::format("{} {}", operation, needed->second));
    else
      alone.emplace_back(operation);
  }
  if (!shared.empty()) finding.good(fmt::format("people who must agree: {}", fmt::join(shared, ", ")));
  if (!alone.empty()) finding.lacking(fmt::format("nobody else must agree to {}", fmt::join(alone, ", ")));
}

void judge_approvers(Finding& finding, const Policy& policy, const std::set<std::string>& people) {
  std::int64_t most = 0;
  for (const auto& [operation, needed] : policy.approvals_needed) most = std::max(most, needed);
  const std::string there = fmt::format("{} people can agree ({})", people.size(), fmt::join(people, ", "));
  if (static_cast<std::int64_t>(people.size()) < most)
    finding.lacking(fmt::format("{} people can agree; policy asks for {}", people.size(), most));
  else if (!people.empty())
    finding.good(there);
}

void judge_log(Finding& finding, const Result<Log>& log) {
  if (!log) return finding.unseen("whether the audit log is protected against change", log.error());
  if (log->signature_good && log->consistent)
    finding.good(fmt::format("{} records of it are in a signed tree: none can be changed unseen", log->size));
  else
    finding.bad("the audit log does not prove that it was not changed");
}

void judge_key_of(Finding& finding, const Authority& authority, const std::vector<Key>& keys) {
  const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& one) { return one.label == authority.key; });
  if (key == keys.end()) return;
  if (key->compromised)
    finding.bad(fmt::format("CA {} has a key that is compromised", authority.name));
  else if (key->state != "active")
    finding.note(fmt::format("CA {} signs nothing: its key is {}", authority.name, key->state));
}

}  // namespace

Finding key_attributes(const Installation& found) {
  return each_key(found, [](Finding& out, const Key& key) {
    const std::string what = fmt::format("key {} ({}, {})", key.label, key.type, key.use);
    if (key.state == "missing") return out.bad(what + " is registered and not in the token");
    if (key.state == "quarantined")
      return out.bad(what + " is quarantined: a signature or its attributes were not what they must be");
    if (key.grade != "generated")
      return out.bad(fmt::format("{} is {}; wanted generated in this token, never extractable", what, key.grade));
    out.good(what + ": generated in this token, never extractable");
  });
}

Finding pin(const Installation& found) {
  Finding finding;
  if (found.health.token_ready)
    finding.note(fmt::format("token {} took its PIN: none was refused", found.health.token));
  else
    finding.add(Mark::unseen, fmt::format("token {} is not ready, and whether a PIN was sent again cannot be seen: {}",
                                          found.health.token, fmt::join(found.health.problems, "; ")));
  return finding;
}

Finding ceremony(const Installation& found) {
  Finding finding;
  if (!found.authorities) {
    finding.unseen("CAs", found.authorities.error());
    return finding;
  }
  if (found.authorities->empty()) {
    finding.note("there is no CA yet");
    return finding;
  }
  if (!found.log) finding.unseen("the records of how CAs came about", found.log.error());
  if (found.log)
    for (const Making& making : found.log->makings)
      finding.note(fmt::format("record {} of {}: {} of CA {}, by {}", making.record, format_utc(making.at),
                               making.event, making.ca, making.peer));
  finding.add(Mark::unseen,
              "that it went by a script and before witnesses is in its transcript: hubseal ceremony verify");
  return finding;
}

Finding certificate_authority_room(const Installation& found) {
  Finding finding;
  judge_token(finding, found.health.module);
  if (found.health.log_writable)
    finding.good(fmt::format("audit log: {} records, writable", found.health.records));
  else
    finding.bad("the audit log cannot be written");
  judge_log(finding, found.log);
  if (!found.policy)
    finding.unseen("how many people must agree", found.policy.error());
  else
    judge_consent(finding, *found.policy);
  if (!found.approvers)
    finding.unseen("approvers", found.approvers.error());
  else if (found.policy)
    judge_approvers(finding, *found.policy, *found.approvers);
  return finding;
}

Finding key_states(const Installation& found) {
  Finding finding = each_key(found, [](Finding& out, const Key& key) {
    const std::string what = fmt::format("key {} ({}): {}", key.label, key.use, key.state);
    if (key.state == "missing" || key.state == "quarantined") return out.bad(what + "; in no state of its life");
    out.good(key.backup.empty() ? what : fmt::format("{}, backup {}", what, key.backup));
  });
  if (found.keys && found.authorities)
    for (const Authority& authority : *found.authorities) judge_key_of(finding, authority, *found.keys);
  if (found.health.sealed) finding.note("hubseald is sealed: no key signs until people have agreed to unseal it");
  return finding;
}

}  // namespace hubseal::cli::conformance::checks
