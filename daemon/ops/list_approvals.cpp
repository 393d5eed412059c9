#include <optional>

#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/approval_views.h"
#include "daemon/ops/operations.h"

namespace hubseal::daemon::ops {
namespace {

/// The states, and the word for those that something can still come of.
constexpr auto kStateWords = [] {
  std::array<std::pair<std::string_view, std::optional<ApprovalState>>, kApprovalStates.size() + 1> words{};
  words[0] = {"open", std::nullopt};
  for (std::size_t i = 0; i < kApprovalStates.size(); ++i) words[i + 1] = kApprovalStates[i];
  return words;
}();

}  // namespace

Result<Json> list_approvals(Call& call, Fields fields) {
  ApprovalQuery query;
  if (fields.has("state")) {
    query.state = TRY(fields.choice("state", kStateWords));
    query.open = !query.state;
  }
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
