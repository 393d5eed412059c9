#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/approval_views.h"
#include "daemon/ops/operations.h"

namespace hubseal::daemon::ops {

Result<Json> approve(Call& call, Fields fields) {
  const std::string id = TRY(fields.name("approval", kMaxApprovalId));
  const Decision decision = TRY(fields.choice("decision", kDecisions));
  TRY(fields.nothing_left());
  Ballot ballot = TRY(open_ballot(call, id, decision));
  ballot.approver = TRY(call.services.approvers.find_uid(call.peer.credentials.uid));
  call.details["approver"] = ballot.approver.name;
  return cast(call, ballot);
}

}  // namespace hubseal::daemon::ops
