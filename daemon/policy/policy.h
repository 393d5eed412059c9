#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/guarded.h"
#include "common/result.h"
#include "daemon/ca/profile.h"

namespace hubseal::daemon {

/// Operations for which policy says how many people must agree. For issue_certificate each profile does.
constexpr std::array<std::string_view, 3> kApprovableOperations = {"create_ca", "create_csr", "create_key"};

/// What the hub's operators have decided: the profiles, and policy.toml. A plain value that never
/// changes; another decision is another Policy.
struct Policy {
  std::int64_t version = 0;  ///< counts the policies that were in force, from 1
  ca::Profiles profiles;
  std::map<std::string, unsigned, std::less<>> approvals_needed;  ///< each of kApprovableOperations
  std::chrono::hours approval_lifetime{};
};

/// Where a policy is read from: files that only root or the daemon's user can change.
struct PolicyFiles {
  std::filesystem::path policy_file;
  std::filesystem::path profiles_dir;
};

/// Errors: bad_request naming file and key; not_found.
Result<Policy> read_policy(const PolicyFiles& files);

/// The policy in force.
/// Threads: share it freely; who has taken the current one keeps it for the whole of a request.
class Policies {
 public:
  static Result<std::unique_ptr<Policies>> open(const PolicyFiles& files);

  std::shared_ptr<const Policy> current() const { return *current_.lock(); }

 private:
  explicit Policies(std::shared_ptr<const Policy> current) : current_(std::move(current)) {}
  mutable Guarded<std::shared_ptr<const Policy>> current_;
};

}  // namespace hubseal::daemon
