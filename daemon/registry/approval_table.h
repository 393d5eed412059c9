#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/clock.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// pending -> approved -> used, or pending -> rejected. What has expired stays as it was and is good
/// for nothing.
enum class ApprovalState { pending, approved, rejected, used };
constexpr std::array<std::pair<std::string_view, ApprovalState>, 4> kApprovalStates = {
    {{"pending", ApprovalState::pending},
     {"approved", ApprovalState::approved},
     {"rejected", ApprovalState::rejected},
     {"used", ApprovalState::used}}};
std::string_view to_string(ApprovalState state);

/// A request that waits for people, or waited.
struct ApprovalRecord {
  std::int64_t id = 0;  ///< "a-<id>" to everybody else
  Bytes hash;           ///< SHA-256 over operation, content, policy version and who asked
  std::string operation;
  std::string about;    ///< participant, key or CA
  std::string content;  ///< JSON: all that decides what will happen
  std::int64_t policy_version = 0;
  unsigned needed = 0;
  std::string peer;  ///< entry of the configuration that asked
  std::int64_t uid = 0;
  Bytes nonce;  ///< 16 random bytes, so that no two statements are ever the same
  TimePoint created_at{};
  TimePoint expires_at{};
  ApprovalState state = ApprovalState::pending;
};

namespace approval_table {

/// The id of the new record.
Result<std::int64_t> add(Database& database, const ApprovalRecord& approval);
/// The newest of this hash that waits or is approved, and has not expired at `now`.
Result<std::optional<ApprovalRecord>> find_open(Database& database, ByteView hash, TimePoint now);
/// Errors: conflict when it is not approved, was used already, or has expired at `now`.
Result<> use(Database& database, std::int64_t id, TimePoint now);

}  // namespace approval_table
}  // namespace hubseal::daemon
