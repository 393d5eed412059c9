#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> list_policies(Call& call, Fields fields) {
  const std::int64_t after = TRY(fields.integer_or("after", 0, INT64_MAX, 0));
  const std::int64_t limit = TRY(fields.integer_or("limit", 1, 500, 100));
  TRY(fields.nothing_left());
  const auto records = TRY(call.services.registry.read(
      [&](Database& database) { return policy_table::list(database, after, limit + 1); }));  // is there a next page?
  const auto shown = std::min(records.size(), static_cast<std::size_t>(limit));
  Json policies = Json::array();
  for (std::size_t i = 0; i < shown; ++i) policies.push_back(view_of(records[i]));
  Json page = {{"policies", std::move(policies)}};
  if (shown < records.size()) page["next"] = records[shown - 1].version;
  return page;
}

}  // namespace hubseal::daemon::ops
