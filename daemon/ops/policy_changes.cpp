#include <map>

#include <nlohmann/json.hpp>

#include "common/wire/limits.h"
#include "daemon/dispatch.h"
#include "daemon/ops/approval_views.h"
#include "daemon/registry/policy_text_table.h"

namespace hubseal::daemon::ops {
namespace {

// Of the line that the reply is; the rest of the approval stands in it as well.
constexpr std::size_t kMostOfTheLine = wire::kMaxLineBytes - 128 * 1024;

/// What is asked for always fits (PolicySource is bounded). Where what is in force does not fit beside it, its hashes
/// stay, and who wants the text asks get_policy.
Json bounded(Json files) {
  if (dump_json(files).size() > kMostOfTheLine)
    for (Json& file : files) file.erase("before");
  return files;
}

}  // namespace

Result<Json> policy_files_of(Call& call, const ApprovalRecord& approval) {
  const Json content = TRY(parse_json(approval.content));
  return call.services.registry.read([&](Database& database) -> Result<Json> {
    std::map<std::string, Json> files;
    for (const auto& [name, text] : TRY(policy_table::files(database, approval.policy_version)))
      files[name] = {{"name", name}, {"before_sha256", to_hex(sha256(as_bytes(text)))}, {"before", text}};
    for (const auto& [name, hash] : content.at("files").items()) {
      Json& file = files[name];
      file["name"] = name;
      file["sha256"] = hash;
      if (file.contains("before_sha256") && file["before_sha256"] == hash)
        file.erase("before");
      else if (const auto text = TRY(policy_text_table::find(database, hash.get<std::string>())))
        file["text"] = *text;
    }
    Json list = Json::array();
    for (auto& [name, file] : files) list.push_back(std::move(file));
    return bounded(std::move(list));
  });
}

}  // namespace hubseal::daemon::ops
