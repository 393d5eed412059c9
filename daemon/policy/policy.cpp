#include "daemon/policy/policy.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "common/fields.h"
#include "common/toml.h"

namespace hubseal::daemon {
namespace {

constexpr std::int64_t kMaxApprovals = 16;

Result<> read_approvals(Fields fields, Policy& policy) {
  policy.approval_lifetime = std::chrono::hours(TRY(fields.integer("expires_hours", 1, 720)));
  Fields needed = TRY(fields.object("needed"));
  // Every one must be there: what is forgotten must not mean that nobody is asked.
  for (const std::string_view operation : kApprovableOperations)
    policy.approvals_needed.emplace(operation, static_cast<unsigned>(TRY(needed.integer(operation, 0, kMaxApprovals))));
  TRY(needed.nothing_left());
  return fields.nothing_left();
}

Result<Policy> decode(const Json& json) {
  Fields fields = TRY(Fields::of(json));
  Policy policy;
  TRY(read_approvals(TRY(fields.object("approvals")), policy));
  TRY(fields.nothing_left());
  return policy;
}

}  // namespace

Result<Policy> read_policy(const PolicyFiles& files) {
  auto policy = decode(TRY(read_toml(files.policy_file, Trust::config)));
  if (!policy)
    return fail(policy.error().code, fmt::format("{}: {}", files.policy_file.string(), policy.error().message));
  policy->profiles = TRY(ca::Profiles::load(files.profiles_dir));
  return policy;
}

Result<std::unique_ptr<Policies>> Policies::open(const PolicyFiles& files) {
  auto policy = std::make_shared<Policy>(TRY(read_policy(files)));
  policy->version = 1;
  return std::unique_ptr<Policies>(new Policies(std::move(policy)));
}

}  // namespace hubseal::daemon
