#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/approval_views.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> remove_approver(Call& call, Fields fields) {
  const std::string name = TRY(fields.name("name", kMaxName));
  TRY(fields.nothing_left());
  call.details = {{"approver", name}, {"change", "remove"}};
  Approvers& approvers = call.services.approvers;
  const ApproverRecord approver = TRY(approvers.find(name));
  TRY(approvers.check_removable(approver, *call.policy));
  Json content = view_of(approver);
  content["change"] = "remove";
  const auto consent = TRY(approvers.consent(*call.policy));
  const Grant grant =
      TRY(call.authorize(consent.needed, {.operation = "change_approvers", .about = name, .content = content}));
  TRY(call.record_intent("approver_intent"));
  TRY(approvers.remove(approver, *call.policy, consent, grant));
  return Json{{"approver", name}, {"removed", true}};
}

}  // namespace hubseal::daemon::ops
