#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/approval_views.h"
#include "daemon/ops/operations.h"

namespace hubseal::daemon::ops {

Result<Json> list_approvers(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  Json approvers = Json::array();
  for (const ApproverRecord& approver : TRY(call.services.approvers.list())) approvers.push_back(view_of(approver));
  return Json{{"approvers", std::move(approvers)}};
}

}  // namespace hubseal::daemon::ops
