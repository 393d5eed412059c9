#include <nlohmann/json.hpp>

#include "common/wire/limits.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

constexpr std::size_t kMaxPageBytes = wire::kMaxLineBytes / 2;

}  // namespace

Result<Json> list_certificates(Call& call, Fields fields) {
  CertificateQuery query;
  query.ca = TRY(fields.optional_name("ca", kMaxName));
  query.subject = TRY(fields.optional_name("subject", kMaxName));
  query.after = TRY(fields.integer_or("after", 0, INT64_MAX, 0));
  const std::int64_t limit = TRY(fields.integer_or("limit", 1, 500, 100));
  TRY(fields.nothing_left());

  if (query.ca) TRY(call.services.authorities.find(*query.ca));
  query.limit = limit + 1;  // one more than shown tells whether there is a next page
  const auto records =
      TRY(call.services.registry.read([&](Database& database) { return certificate_table::list(database, query); }));
  // Names are as long as participants like: a page must be a line that clients read, or a few
  // certificates with long names would hide all others.
  Json certificates = Json::array();
  std::size_t bytes = 0;
  for (const CertificateRecord& record : records) {
    if (static_cast<std::int64_t>(certificates.size()) == limit || bytes > kMaxPageBytes) break;
    certificates.push_back(view_of(record));
    bytes += dump_json(certificates.back()).size();
  }
  const std::size_t shown = certificates.size();
  Json page = {{"certificates", std::move(certificates)}};
  if (shown < records.size()) page["next"] = records[shown - 1].row;
  return page;
}

}  // namespace hubseal::daemon::ops
