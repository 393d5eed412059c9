#include "daemon/policy/policy.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "common/fields.h"
#include "common/toml.h"
#include "daemon/quota/read_quota.h"

namespace hubseal::daemon {
namespace {

constexpr std::int64_t kMaxApprovals = 16;
constexpr std::array<std::pair<std::string_view, RegisterMode>, 2> kRegisterModes = {
    {{"closed", RegisterMode::closed}, {"auto", RegisterMode::automatic}}};

Result<> read_approvals(Fields fields, Policy& policy) {
  TRY(fields.only({"expires_hours", "needed"}));
  policy.approval_lifetime = std::chrono::hours(TRY(fields.integer("expires_hours", 1, 720)));
  Fields needed = TRY(fields.object("needed"));
  TRY(needed.only(kApprovableOperations));
  // Every one must be there: what is forgotten must not mean that nobody is asked.
  for (const std::string_view operation : kApprovableOperations)
    policy.approvals_needed.emplace(operation, static_cast<unsigned>(TRY(needed.integer(operation, 0, kMaxApprovals))));
  return {};
}

Result<> read_keys(Fields fields, Policy& policy) {
  TRY(fields.only({"destroy_delay_hours"}));
  policy.destroy_delay = std::chrono::hours(TRY(fields.integer("destroy_delay_hours", 0, 8760)));
  return {};
}

/// The only table that may be left out: without it every step of a rotation waits for people.
Result<> read_rotation(Fields fields, RotationPlan& plan) {
  TRY(fields.only({"activate_hours", "retire_hours", "overlap_hours", "destroy_hours"}));
  for (const auto& [key, hours] :
       {std::pair("activate_hours", &plan.activate), std::pair("retire_hours", &plan.retire),
        std::pair("overlap_hours", &plan.overlap), std::pair("destroy_hours", &plan.destroy)})
    *hours = std::chrono::hours(TRY(fields.integer_or(key, 0, 8760, hours->count())));
  return check_plan(plan);
}

Result<> read_register(Fields fields, Policy& policy) {
  TRY(fields.only({"mode"}));
  policy.register_mode = TRY(fields.choice("mode", kRegisterModes));
  return {};
}

Result<> read_quotas(Fields fields, Policy& policy) {
  std::array<std::string_view, kPolicyQuotas.size()> kinds;
  for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = kPolicyQuotas[i].first;
  TRY(fields.only(kinds));
  for (const auto& [word, kind] : kPolicyQuotas)
    policy.quotas[static_cast<std::size_t>(kind)] = TRY(read_quota(TRY(fields.object(word))));
  return {};
}

Result<Policy> decode(const Json& json) {
  Fields fields = TRY(Fields::of(json));
  TRY(fields.only({"approvals", "keys", "rotation", "register", "quota"}));
  Policy policy;
  TRY(read_approvals(TRY(fields.object("approvals")), policy));
  TRY(read_keys(TRY(fields.object("keys")), policy));
  if (auto rotation = TRY(fields.optional_object("rotation")))
    TRY(read_rotation(*std::move(rotation), policy.rotation));
  TRY(read_register(TRY(fields.object("register")), policy));
  TRY(read_quotas(TRY(fields.object("quota")), policy));
  return policy;
}

constexpr std::string_view kPolicyFile = "policy.toml";

}  // namespace

Result<> check_plan(const RotationPlan& plan) {
  if (plan.destroy.count() == 0 || plan.destroy >= plan.overlap) return {};
  return fail(
      Code::bad_request,
      fmt::format("destroy_hours is {}, and verifiers are shown the old key for {} hours (overlap_hours); wanted "
                  "no fewer, or 0: by command",
                  plan.destroy.count(), plan.overlap.count()));
}

Result<Policy> decode_policy(const PolicySource& source) {
  Policy policy;
  for (const auto& [name, text] : source.files) {
    if (name == kPolicyFile) {
      auto decoded = decode(TRY(parse_toml(text, name)));
      if (!decoded) return fail(decoded.error().code, fmt::format("{}: {}", name, decoded.error().message));
      decoded->profiles = std::move(policy.profiles);
      policy = *std::move(decoded);
    } else {
      TRY(policy.profiles.add(name, text));
    }
  }
  if (!source.files.contains(std::string(kPolicyFile))) return fail(Code::bad_request, "there is no policy.toml");
  policy.hash = hash_of(source);
  return policy;
}

Result<Policy> read_policy(const PolicyFiles& files) { return decode_policy(TRY(read_source(files))); }

std::string profile_names(const Policy& policy, std::optional<ca::Kind> kind) {
  std::vector<std::string> names;
  for (const auto& [name, profile] : policy.profiles.all())
    if (!kind || profile.kind == kind) names.push_back(name);
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

Result<> check_profiles(const Policy& policy, const std::vector<PeerRule>& peers) {
  for (const PeerRule& rule : peers)
    for (const std::string& profile : rule.profiles)
      if (!policy.profiles.find(profile))
        return fail(Code::bad_request,
                    fmt::format("peer \"{}\" names the profile \"{}\", which there is not; there are: {}", rule.name,
                                profile, profile_names(policy)));
  return {};
}

}  // namespace hubseal::daemon
