#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "daemon/ca/profile.h"
#include "daemon/peer.h"
#include "daemon/policy/source.h"
#include "daemon/quota/quota.h"
#include "daemon/registry/rotation_table.h"

namespace hubseal::daemon {

/// Operations for which policy says how many people must agree. For issue_certificate each profile does.
constexpr std::array<std::string_view, 22> kApprovableOperations = {
    "activate_key",      "change_approvers",    "confirm_backup",  "create_ca",  "create_csr",         "create_key",
    "deactivate_key",    "destroy_key",         "import_ca",       "install_ca", "keep_key",           "load_policy",
    "off_board_subject", "release_certificate", "resume_subject",  "retire_ca",  "revoke_certificate", "rotate_jws_key",
    "set_subject",       "suspend_key",         "suspend_subject", "unseal"};

/// How participants come into the register (register.h).
enum class RegisterMode {
  closed,     ///< by set_subject only
  automatic,  ///< by their first certificate as well: for test rigs
};

/// What the hub's operators have decided: the profiles, and policy.toml. A plain value that never
/// changes; another decision is another Policy.
struct Policy {
  std::int64_t version = 0;  ///< counts the policies that were in force, from 1
  PolicyHash hash{};         ///< of the files it was made from
  ca::Profiles profiles;
  std::map<std::string, unsigned, std::less<>> approvals_needed;  ///< each of kApprovableOperations
  std::chrono::hours approval_lifetime{};
  std::chrono::hours destroy_delay{};  ///< between destroy_key and the end of the key
  RotationPlan rotation;               ///< of a key for JWS, where who begins it says nothing else
  RegisterMode register_mode = RegisterMode::closed;
  QuotaLimits quotas;
};

/// Errors: bad_request: a key would be destroyed while it is still shown to verifiers.
Result<> check_plan(const RotationPlan& plan);

/// Errors: bad_request naming file and key.
Result<Policy> decode_policy(const PolicySource& source);
/// The same from files. Errors: also those of read_source.
Result<Policy> read_policy(const PolicyFiles& files);
/// Of this kind, or all: for who named another.
std::string profile_names(const Policy& policy, std::optional<ca::Kind> kind = {});

/// Whether every profile that a peer may ask for is there. Errors: bad_request naming both.
Result<> check_profiles(const Policy& policy, const std::vector<PeerRule>& peers);

}  // namespace hubseal::daemon
