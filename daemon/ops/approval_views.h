/// What the operations about approvals read from a request or show in a reply, in one form.
#pragma once

#include <optional>
#include <string>

#include "common/fields.h"
#include "common/json.h"
#include "daemon/approvals/approvals.h"
#include "daemon/registry/approver_table.h"

namespace hubseal::daemon {
struct Call;
}

namespace hubseal::daemon::ops {

constexpr std::size_t kMaxApprovalId = 24;  ///< bytes of "a-17"

/// Without what it is about in full.
Json view_of(const ApprovalRecord& approval);
Json view_of(const vote_table::Cast& vote);
Json view_of(const ApproverRecord& approver);
/// The files that a load_policy would bring into force and those that it would replace, with their texts where the two
/// differ. Errors: storage_unavailable.
Result<Json> policy_files_of(Call& call, const ApprovalRecord& approval);

/// A vote on its way.
struct Ballot {
  ApprovalRecord approval;
  ApproverRecord approver;
  Decision decision{};
  std::string statement;
  Proof proof;
  std::optional<std::uint32_t> sign_count;
};
/// The request called `id`, and the statement that says this about it; named in the call's record from here on.
Result<Ballot> open_ballot(Call& call, const std::string& id, Decision decision);
/// Records that it is about to be counted, counts it, and answers with the request as it stands then.
Result<Json> cast(Call& call, const Ballot& ballot);

}  // namespace hubseal::daemon::ops
