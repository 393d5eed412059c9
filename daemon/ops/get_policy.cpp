#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> get_policy(Call& call, Fields fields) {
  const std::int64_t version = TRY(fields.integer_or("version", 1, INT64_MAX, call.policy->version));
  TRY(fields.nothing_left());
  const auto record =
      TRY(call.services.registry.read([&](Database& database) { return policy_table::find(database, version); }));
  if (!record) return fail(Code::not_found, fmt::format("there is no policy of version {}", version));
  PolicySource source;
  source.files =
      TRY(call.services.registry.read([&](Database& database) { return policy_table::files(database, version); }));
  Json view = view_of(*record);
  view["in_force"] = version == call.policy->version;
  const auto on_disk = call.services.policies.read_files();
  if (on_disk)
    view["differs"] = differences(source, *on_disk);
  else
    view["unreadable"] = on_disk.error().message;
  Json files = Json::array();
  for (const auto& [name, text] : source.files)
    files.push_back({{"name", name}, {"sha256", to_hex(sha256(as_bytes(text)))}, {"text", text}});
  view["files"] = std::move(files);
  return view;
}

}  // namespace hubseal::daemon::ops
