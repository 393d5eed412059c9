#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> list_certificates(Call& call, Fields fields) {
  CertificateQuery query;
  query.ca = TRY(fields.optional_name("ca", kMaxName));
  query.subject = TRY(fields.optional_name("subject", kMaxName));
  query.after = TRY(fields.integer_or("after", 0, INT64_MAX, 0));
  const std::int64_t limit = TRY(fields.integer_or("limit", 1, 500, 100));
  TRY(fields.nothing_left());

  query.limit = limit + 1;  // one more than shown tells whether there is a next page
  auto records = TRY(call.services.registry.list_certificates(query));
  const bool more = static_cast<std::int64_t>(records.size()) > limit;
  if (more) records.pop_back();
  Json certificates = Json::array();
  for (const CertificateRecord& record : records) certificates.push_back(view_of(record));
  Json page = {{"certificates", std::move(certificates)}};
  if (more) page["next"] = records.back().row;
  return page;
}

}  // namespace hubseal::daemon::ops
