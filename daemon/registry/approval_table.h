#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// pending <-> approved -> used; both may become rejected or expired, which nothing follows. It goes back to
/// pending when an approver is removed whose consent it needed.
enum class ApprovalState { pending, approved, rejected, used, expired };
constexpr std::array<std::pair<std::string_view, ApprovalState>, 5> kApprovalStates = {
    {{"pending", ApprovalState::pending},
     {"approved", ApprovalState::approved},
     {"rejected", ApprovalState::rejected},
     {"used", ApprovalState::used},
     {"expired", ApprovalState::expired}}};
std::string_view to_string(ApprovalState state);

/// A request that waits for people, or waited.
struct ApprovalRecord {
  std::int64_t id = 0;  ///< "a-<id>" to everybody else
  Bytes hash;           ///< SHA-256 over operation, content, policy version, number needed and who asked
  std::string operation;
  std::string about;    ///< participant, key or CA
  std::string content;  ///< JSON: all that decides what will happen
  std::int64_t policy_version = 0;
  unsigned needed = 0;
  unsigned agreed = 0;  ///< different persons, of approvers that are still there; counted when it is read
  std::string peer;     ///< entry of the configuration that asked
  std::int64_t uid = 0;
  Bytes nonce;  ///< 16 random bytes, so that no two statements are ever the same
  TimePoint created_at{};
  TimePoint expires_at{};
  ApprovalState state = ApprovalState::pending;
  std::string reason;  ///< why it was rejected, in words; empty where a vote did it

  /// Whether it can still be agreed to, rejected or used.
  bool open() const { return state == ApprovalState::pending || state == ApprovalState::approved; }
};

struct ApprovalQuery {
  std::optional<ApprovalState> state;
  bool open = false;       ///< only those that are pending, or approved and not used
  std::int64_t after = 0;  ///< id of the last one seen
  std::int64_t limit = 100;
};

/// What is read here is as it stands at `now`: open and past its time is expired, whether or not somebody has
/// written that down yet. So is what was asked for at a time that is yet to come: the clock was ahead.
namespace approval_table {

/// The id of the new record.
Result<std::int64_t> add(Database& database, const ApprovalRecord& approval);
Result<std::optional<ApprovalRecord>> find(Database& database, std::int64_t id, TimePoint now);
/// The newest of this hash that waits, is approved, or was rejected within the time it would have had.
Result<std::optional<ApprovalRecord>> find_asked(Database& database, ByteView hash, TimePoint now);
/// Oldest first.
Result<std::vector<ApprovalRecord>> list(Database& database, const ApprovalQuery& query, TimePoint now);
/// Whether the operation ends a danger, or lets people act again: it has places of its own.
bool urgent(std::string_view operation);
/// How many are open that take the places which this one would take: of the same uid through the same peer, and of the
/// same operation where that is urgent.
Result<std::int64_t> count_open(Database& database, const ApprovalRecord& wanted, TimePoint now);

/// Those that are open at `now` and about this, the oldest first.
Result<std::vector<ApprovalRecord>> list_open_about(Database& database, std::string_view about, TimePoint now);
/// Rejects it by nobody's vote, if it is still open.
Result<> withdraw(Database& database, std::int64_t id, std::string_view reason);

/// Errors: conflict when it is not in state `from`.
Result<> set_state(Database& database, std::int64_t id, ApprovalState from, ApprovalState to);
/// Errors: conflict when it is not approved, was used already, or has expired at `now`.
Result<> use(Database& database, std::int64_t id, TimePoint now);
/// Puts back to pending what is approved and no longer has the consents that it needs.
Result<> reopen_short(Database& database);

/// Those that are past their time at `now` while nobody has written it down, the oldest first.
Result<std::vector<ApprovalRecord>> list_overdue(Database& database, TimePoint now, std::int64_t limit);
/// Writes it down, if it is still open.
Result<> expire(Database& database, std::int64_t id);
/// All that are open.
Result<> expire_all(Database& database);

}  // namespace approval_table
}  // namespace hubseal::daemon
