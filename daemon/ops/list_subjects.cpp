#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> list_subjects(Call& call, Fields fields) {
  const std::string after = TRY(fields.optional_name("after", kMaxName)).value_or("");
  const std::int64_t limit = TRY(fields.integer_or("limit", 1, 500, 100));
  TRY(fields.nothing_left());
  // One more than shown tells whether there is a next page. The longest page stays far below a line.
  const auto records = TRY(
      call.services.registry.read([&](Database& database) { return subject_table::list(database, after, limit + 1); }));
  const auto shown = std::min(records.size(), static_cast<std::size_t>(limit));
  Json subjects = Json::array();
  for (std::size_t i = 0; i < shown; ++i) subjects.push_back(view_of(records[i]));
  Json page = {{"subjects", std::move(subjects)}};
  if (shown < records.size()) page["next"] = records[shown - 1].id;
  return page;
}

}  // namespace hubseal::daemon::ops
