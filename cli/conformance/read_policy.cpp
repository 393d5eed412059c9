#include <algorithm>

#include <nlohmann/json.hpp>

#include "cli/conformance/gather.h"
#include "common/toml.h"

namespace hubseal::cli::conformance {
namespace {

std::vector<std::string> words(const Json& list) {
  std::vector<std::string> words;
  for (const Json& word : list)
    if (word.is_string()) words.push_back(word.get<std::string>());
  return words;
}

std::set<std::string> word_set(const Json& list) {
  const auto all = words(list);
  return {all.begin(), all.end()};
}

std::int64_t number(const Json& table, std::string_view member) {
  const Json& value = member_of(table, member);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

Profile profile_of(const Json& table) {
  Profile profile;
  profile.name = text_of(table, "name");
  profile.kind = text_of(table, "kind");
  profile.signature_hash = text_of(table, "signature_hash");
  profile.key_types = words(member_of(table, "key_types"));
  profile.crl_urls = words(member_of(table, "crl_urls"));
  profile.ocsp_urls = words(member_of(table, "ocsp_urls"));
  profile.key_usage = word_set(member_of(table, "key_usage"));
  profile.extended_key_usage = word_set(member_of(table, "extended_key_usage"));
  const Json& subject = member_of(table, "subject");
  if (subject.is_object())
    for (const auto& [attribute, rule] : subject.items())
      if (member_of(rule, "required") == Json(true)) profile.required.insert(attribute);
  profile.validity_days = number(table, "validity_days");
  profile.renew_from_days = number(table, "renew_from_days");
  profile.approvals = number(table, "approvals");
  return profile;
}

void read_decisions(const Json& table, Policy& policy) {
  policy.register_mode = text_of(member_of(table, "register"), "mode");
  const Json& needed = member_of(member_of(table, "approvals"), "needed");
  if (!needed.is_object()) return;
  for (const auto& [operation, people] : needed.items())
    if (people.is_number_integer()) policy.approvals_needed[operation] = people.get<std::int64_t>();
}

}  // namespace

const Profile* Policy::find(const std::string& name) const {
  const auto found =
      std::find_if(profiles.begin(), profiles.end(), [&](const Profile& profile) { return profile.name == name; });
  return found == profiles.end() ? nullptr : &*found;
}

Result<Policy> read_policy(const Json& answer) {
  Policy policy;
  for (const Json& file : member_of(answer, "files")) {
    const std::string name = text_of(file, "name");
    const Json table = TRY(parse_toml(text_of(file, "text"), name));
    if (name == "policy.toml")
      read_decisions(table, policy);
    else
      policy.profiles.push_back(profile_of(table));
  }
  return policy;
}

}  // namespace hubseal::cli::conformance
