#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> list_keys(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  Json keys = Json::array();
  for (const Key& key : TRY(call.services.keyring.list())) {
    Json view = view_of(key);
    add_line(view, key, call.services.rotations);
    keys.push_back(std::move(view));
  }
  return Json{{"keys", std::move(keys)}};
}

}  // namespace hubseal::daemon::ops
