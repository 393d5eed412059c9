#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> list_keys(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  Json keys = Json::array();
  const Rotations& rotations = call.services.rotations;
  for (const Key& key : TRY(call.services.keyring.list())) {
    Json view = view_of(key);
    const std::string& label = key.record.label;
    if (const std::string line = rotations.line_of(label); line != label) view["line"] = line;
    if (const std::string signer = rotations.signer_of(label); signer != label) view["successor"] = signer;
    if (key.record.use == KeyUse::jws) view["shown"] = key.in_token && rotations.is_shown(key.record);
    keys.push_back(std::move(view));
  }
  return Json{{"keys", std::move(keys)}};
}

}  // namespace hubseal::daemon::ops
