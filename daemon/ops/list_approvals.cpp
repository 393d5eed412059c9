#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/approval_views.h"
#include "daemon/ops/operations.h"

namespace hubseal::daemon::ops {

Result<Json> list_approvals(Call& call, Fields fields) {
  ApprovalQuery query;
  if (fields.has("state")) query.state = TRY(fields.choice("state", kApprovalStates));
  query.after = TRY(fields.integer_or("after", 0, INT64_MAX, 0));
  const std::int64_t limit = TRY(fields.integer_or("limit", 1, 500, 100));
  TRY(fields.nothing_left());

  query.limit = limit + 1;  // one more than shown tells whether there is a next page
  auto approvals = TRY(call.services.approvals.list(query));
  const bool more = static_cast<std::int64_t>(approvals.size()) > limit;
  if (more) approvals.pop_back();
  Json page = {{"approvals", Json::array()}};
  for (const ApprovalRecord& approval : approvals) page["approvals"].push_back(view_of(approval));
  if (more) page["next"] = approvals.back().id;
  return page;
}

}  // namespace hubseal::daemon::ops
