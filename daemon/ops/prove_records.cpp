#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/audit/log_files.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"

namespace hubseal::daemon::ops {
namespace {

Json texts_of(const std::vector<audit::Hash>& hashes) {
  Json texts = Json::array();
  for (const audit::Hash& hash : hashes) texts.push_back(to_base64(hash));
  return texts;
}

}  // namespace

Result<Json> prove_record(Call& call, Fields fields) {
  const std::int64_t number = TRY(fields.integer_or("record", 1, INT64_MAX, 0));
  TRY(fields.nothing_left());
  if (number == 0) return fail(Code::bad_request, "\"record\" is missing");
  const auto latest = TRY(call.services.checkpoints.latest());
  const auto size = latest.checkpoint.size;
  if (static_cast<std::uint64_t>(number) > size)
    return fail(Code::not_found,
                fmt::format("the latest checkpoint vouches for {} records; {} is not one of them yet", size, number));
  const auto proof =
      TRY(audit::inclusion_proof(static_cast<std::uint64_t>(number) - 1, size, call.services.audit.reader()));
  return Json{{"record", number}, {"size", size}, {"proof", texts_of(proof)}, {"note", latest.note}};
}

Result<Json> prove_consistency(Call& call, Fields fields) {
  const std::int64_t from = TRY(fields.integer_or("from", 1, INT64_MAX, 0));
  TRY(fields.nothing_left());
  if (from == 0) return fail(Code::bad_request, "\"from\" is missing");
  const auto latest = TRY(call.services.checkpoints.latest());
  const auto size = latest.checkpoint.size;
  const auto proof =
      TRY(audit::consistency_proof(static_cast<std::uint64_t>(from), size, call.services.audit.reader()));
  return Json{{"from", from}, {"size", size}, {"proof", texts_of(proof)}, {"note", latest.note}};
}

Result<Json> list_records(Call& call, Fields fields) {
  constexpr std::size_t kPageBytes = 512 << 10;
  const std::int64_t after = TRY(fields.integer_or("after", 0, INT64_MAX, 0));
  const std::int64_t limit = TRY(fields.integer_or("limit", 1, 500, 100));
  TRY(fields.nothing_left());
  const std::uint64_t durable = call.services.audit.records();
  const auto first = static_cast<std::uint64_t>(after) + 1;
  if (first > durable) return Json{{"records", Json::array()}, {"of", durable}};
  const auto most = std::min<std::uint64_t>(static_cast<std::uint64_t>(limit), durable - first + 1);
  const auto records = TRY(audit::read_records(call.services.audit.folder(), first, most, kPageBytes));
  Json page = {{"records", records}, {"of", durable}};
  if (!records.empty() && after + static_cast<std::int64_t>(records.size()) < static_cast<std::int64_t>(durable))
    page["next"] = after + static_cast<std::int64_t>(records.size());
  return page;
}

}  // namespace hubseal::daemon::ops
