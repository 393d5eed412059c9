#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

/// Whether receivers may still, or soon, have to check what it signs. What a compromised key signs is anybody's.
bool verifies(const KeyRecord& key) {
  return key.use == KeyUse::jws && key.life != KeyLife::destroyed && key.life != KeyLife::compromised &&
         !key.compromised_at;
}

}  // namespace

/// RFC 7517 section 5, with each key's state beside what the standard has. A key that the token does not show now is
/// left out: a set without it is right again with the next question, an error would cost the others as well.
Result<Json> get_jwks(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  Json keys = Json::array();
  for (const Key& key : TRY(call.services.keyring.list())) {
    if (!verifies(key.record) || !key.in_token) continue;
    Json jwk = TRY(full_view_of(key)).at("jwk");
    jwk["label"] = key.record.label;
    jwk["state"] = to_string(key.record.life);
    keys.push_back(std::move(jwk));
  }
  return Json{{"keys", std::move(keys)}};
}

}  // namespace hubseal::daemon::ops
