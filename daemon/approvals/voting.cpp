#include "daemon/approvals/voting.h"

#include <fmt/format.h>

namespace hubseal::daemon {
namespace {

Result<ApprovalRecord> find_approval(Database& database, std::int64_t id, TimePoint now) {
  if (auto approval = TRY(approval_table::find(database, id, now))) return *std::move(approval);
  return fail(Code::not_found, fmt::format("there is no approval a-{}", id));
}

Result<ApproverRecord> find_approver(Database& database, std::int64_t row) {
  if (auto approver = TRY(approver_table::find_row(database, row))) return *std::move(approver);
  return fail(Code::not_found, "the approver was removed");
}

Result<> check_votable(const ApprovalRecord& approval, Decision decision, const Policy& policy) {
  const bool votable = decision == Decision::approve ? approval.state == ApprovalState::pending : approval.open();
  if (!votable)
    return fail(Code::conflict,
                fmt::format("approval a-{} is {}; wanted pending", approval.id, to_string(approval.state)));
  if (approval.policy_version == policy.version) return {};
  return fail(Code::conflict, fmt::format("approval a-{} was asked for under policy {}, in force is {}; it must be "
                                          "asked for again",
                                          approval.id, approval.policy_version, policy.version));
}

Result<> check_may_agree(Database& database, const ApprovalRecord& approval, const ApproverRecord& approver) {
  if (TRY(approver_table::is_login_of(database, approval.uid, approver.person)))
    return fail(Code::forbidden, fmt::format("{} asked for a-{} (uid {}); wanted the consent of others",
                                             approver.person, approval.id, approval.uid));
  if (TRY(vote_table::has_agreed(database, approval.id, approver.person)))
    return fail(Code::conflict, fmt::format("{} has agreed to a-{} already", approver.person, approval.id));
  return {};
}

/// The statement is the same when a key is removed and added again: what it signed before must not count anew.
Result<> check_not_replayed(Database& database, const ApprovalRecord& approval, const ApproverRecord& approver,
                            Decision decision) {
  if (approver.public_key.empty()) return {};  // of kind uid: the kernel says who votes now
  if (!TRY(vote_table::has_signed(database, approval.id, approver.public_key, decision))) return {};
  return fail(Code::conflict,
              fmt::format("the key of \"{}\" has said {} about a-{} before; what was withdrawn with its "
                          "approver does not come back",
                          approver.name, to_string(decision), approval.id));
}

/// Level 2, section 7.2, step 21. Authenticators without a counter say 0 for ever.
Result<> advance_counter(Database& database, const ApproverRecord& approver, std::uint32_t found) {
  if (found == 0 && approver.sign_count == 0) return {};
  if (found > approver.sign_count) return approver_table::set_sign_count(database, approver.row, found);
  return fail(Code::conflict,
              fmt::format("the counter of \"{}\" says {}, and {} was seen before: a replay, or a copy of "
                          "the authenticator",
                          approver.name, found, approver.sign_count));
}

Result<> move_on(Database& database, const ApprovalRecord& approval, Decision decision) {
  if (decision == Decision::reject)
    return approval_table::set_state(database, approval.id, approval.state, ApprovalState::rejected);
  if (approval.agreed < approval.needed) return {};
  return approval_table::set_state(database, approval.id, ApprovalState::pending, ApprovalState::approved);
}

}  // namespace

Result<ApprovalRecord> count_vote(Database& database, const Vote& vote, const Policy& policy, TimePoint now) {
  const ApprovalRecord approval = TRY(find_approval(database, vote.approval, now));
  const ApproverRecord approver = TRY(find_approver(database, vote.approver));
  TRY(check_votable(approval, vote.decision, policy));
  if (vote.decision == Decision::approve) TRY(check_may_agree(database, approval, approver));
  TRY(check_not_replayed(database, approval, approver, vote.decision));
  if (vote.sign_count) TRY(advance_counter(database, approver, *vote.sign_count));
  TRY(vote_table::add(database, {.approval = approval.id,
                                 .approver = approver.row,
                                 .decision = vote.decision,
                                 .at = now,
                                 .statement_hash = vote.statement_hash,
                                 .proof = vote.proof}));
  TRY(move_on(database, TRY(find_approval(database, approval.id, now)), vote.decision));
  return find_approval(database, approval.id, now);
}

}  // namespace hubseal::daemon
