#pragma once

#include <optional>

#include "daemon/policy/policy.h"
#include "daemon/registry/approval_table.h"
#include "daemon/registry/vote_table.h"

namespace hubseal::daemon {

/// A vote whose proof holds and that is not counted yet.
struct Vote {
  std::int64_t approval = 0;
  std::int64_t approver = 0;  ///< its row
  Decision decision{};
  Bytes statement_hash;
  Proof proof;
  std::optional<std::uint32_t> sign_count;  ///< WebAuthn: the counter that the assertion carried
};

/// Counts the vote and moves the request on, within one transaction of the registry. What is asked of an
/// approval (docs/PROTOCOL.md, "Approvals") is asked here:
/// - the request is open, in time, and of the policy in force; who wants it under a new policy asks again;
/// - the approver is still there;
/// - to agree: the person is not who asked, and has not agreed before by this or another approver;
/// - the key has not said the same about it before, nor has it as an approver that was removed since;
/// - to reject: one is enough, also of what is approved and not used yet, and there is no way back;
/// - an authenticator's counter has grown since it was last seen, unless it has none.
/// The request as it stands then.
/// Errors: not_found (no such request; approver removed), conflict, forbidden (who asked agrees).
Result<ApprovalRecord> count_vote(Database& database, const Vote& vote, const Policy& policy, TimePoint now);

}  // namespace hubseal::daemon
