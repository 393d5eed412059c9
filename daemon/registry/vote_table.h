#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "daemon/registry/approver_table.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

enum class Decision { approve, reject };
constexpr std::array<std::pair<std::string_view, Decision>, 2> kDecisions = {
    {{"approve", Decision::approve}, {"reject", Decision::reject}}};
std::string_view to_string(Decision decision);

/// How it is known that an approver said so; kept, so that it can be proven to others later.
struct Proof {
  Bytes signature;           ///< empty for kind uid
  Bytes authenticator_data;  ///< WebAuthn only, as the next
  Bytes client_data;
};

struct VoteRecord {
  std::int64_t approval = 0;
  std::int64_t approver = 0;  ///< its row
  Decision decision{};
  TimePoint at{};
  Bytes statement_hash;  ///< SHA-256 over the statement that was agreed to
  Proof proof;
};

/// Every vote that was counted.
namespace vote_table {

/// Errors: conflict (this approver has said this about it before).
Result<> add(Database& database, const VoteRecord& vote);
/// Whether the person has agreed to it, by an approver that was not removed since.
Result<bool> has_agreed(Database& database, std::int64_t approval, const std::string& person);
/// Whether this key has said this about it before, by this approver or one that was removed since.
Result<bool> has_signed(Database& database, std::int64_t approval, ByteView public_key, Decision decision);

/// A vote as it is shown.
struct Cast {
  std::string approver;
  std::string person;
  ApproverKind kind{};
  Decision decision{};
  TimePoint at{};
  Bytes statement_hash;
  bool counts = false;  ///< a consent no longer does once its approver was removed
};
/// In the order in which they were cast.
Result<std::vector<Cast>> list(Database& database, std::int64_t approval);

}  // namespace vote_table
}  // namespace hubseal::daemon
