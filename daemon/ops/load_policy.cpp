#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"
#include "daemon/registry/policy_text_table.h"

namespace hubseal::daemon::ops {
namespace {

/// What the running daemon relies on must stay: profiles that peers are given, and those of the CAs.
Result<> check_needs(const Services& services, const Policy& policy) {
  TRY(check_profiles(policy, services.peers));
  for (const std::string& name : services.authorities.names()) {
    const auto authority = TRY(services.authorities.find(name));
    const ca::Profile* profile = policy.profiles.find(authority->record.profile);
    if (!profile || profile->kind != ca::Kind::ca)
      return fail(Code::bad_request, fmt::format("CA \"{}\" was made from the profile \"{}\", which the files do not "
                                                 "hold as one of kind \"ca\"",
                                                 name, authority->record.profile));
  }
  return {};
}

/// Every byte that would come into force, so that consent to it is consent to nothing else.
Json content_of(const PolicySource& source, const Policy& policy, const Policy& current) {
  Json files = Json::object();
  for (const auto& [name, text] : source.files) files[name] = to_hex(sha256(as_bytes(text)));
  return {{"sha256", to_hex(policy.hash)},
          {"replaces", {{"version", current.version}, {"sha256", to_hex(current.hash)}}},
          {"files", files}};
}

/// The texts are kept before the request is: whoever can see it can read what they would agree to.
Result<Grant> ask(Call& call, const PolicySource& source) {
  if (call.policy->approvals_needed.at("load_policy") > 0)
    TRY(call.services.registry.write(
        [&](Database& database) { return policy_text_table::keep(database, source.files); }));
  return call.authorize({.operation = "load_policy", .about = "policy", .content = call.details});
}

}  // namespace

Result<Json> load_policy(Call& call, Fields fields) {
  const auto wanted = TRY(fields.optional_text("sha256", 64));
  TRY(fields.nothing_left());
  Policies& policies = call.services.policies;
  const PolicySource source = TRY(policies.read_files());
  Policy policy = TRY(decode_policy(source));
  if (wanted && *wanted != to_hex(policy.hash))
    return fail(Code::conflict, fmt::format("the files are the policy {}, not {}; nothing was changed",
                                            to_hex(policy.hash), log::printable(*wanted)));
  TRY(check_needs(call.services, policy));
  call.details = content_of(source, policy, *call.policy);
  if (policy.hash == call.policy->hash) return view_of(*call.policy, false);
  const Grant grant = TRY(ask(call, source));
  TRY(call.record_intent("policy_intent"));
  const auto loaded = TRY(policies.replace(
      call.policy->version, source, std::move(policy),
      {.peer = call.peer.rule->name, .uid = call.peer.credentials.uid, .approval = grant.approval().value_or("")},
      [&](Database& database) { return grant.use(database); }));
  call.details["version"] = loaded->version;
  return view_of(*loaded, true);
}

}  // namespace hubseal::daemon::ops
