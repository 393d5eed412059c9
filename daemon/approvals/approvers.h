#pragma once

#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "daemon/approvals/approvals.h"
#include "daemon/policy/policy.h"
#include "daemon/registry/approver_table.h"
#include "daemon/registry/registry.h"

namespace hubseal::daemon {

/// Who may agree to what others ask for, and the rules by which that changes.
/// Threads: share it freely.
class Approvers {
 public:
  Approvers(Registry& registry, const Clock& clock) : registry_(registry), clock_(clock) {}

  /// Errors: not_found.
  Result<ApproverRecord> find(const std::string& name);
  /// The one whom the kernel names. Errors: forbidden, when this uid is no approver.
  Result<ApproverRecord> find_uid(std::int64_t uid);
  Result<std::vector<ApproverRecord>> list();

  /// Whose consent a change needs now: policy's number, but not more people than there are, because a hub that
  /// begins with its first approver could never have a second (decision 040).
  struct Consent {
    unsigned needed = 0;
    bool bootstrap = false;  ///< policy asks for somebody, and there is nobody yet
  };
  Result<Consent> consent(const Policy& policy);

  /// Whether add() or remove() could succeed: asked before people are asked for their consent.
  Result<> check_addable(const ApproverRecord& approver);
  /// Errors: policy_denied when fewer people would be left than the largest number that policy asks for.
  Result<> check_removable(const ApproverRecord& approver, const Policy& policy);

  /// Both use `grant` up, which was given for `consent`, in the transaction that makes the change.
  /// Errors: those of the checks; conflict when a change in between makes more consent necessary.
  Result<ApproverRecord> add(ApproverRecord approver, const Policy& policy, const Consent& consent, const Grant& grant);
  Result<> remove(const ApproverRecord& approver, const Policy& policy, const Consent& consent, const Grant& grant);

 private:
  Registry& registry_;
  const Clock& clock_;
};

}  // namespace hubseal::daemon
