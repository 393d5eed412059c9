#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

/// RFC 7517 section 5, with each key's state and line beside what the standard has. A key that the token does not show
/// now is left out: a set without it is right again with the next question, an error would cost the others as well.
Result<Json> get_jwks(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  const Rotations& rotations = call.services.rotations;
  Json keys = Json::array();
  for (const Key& key : TRY(call.services.keyring.list())) {
    if (!key.in_token || !rotations.is_shown(key.record)) continue;
    Json jwk = TRY(full_view_of(key)).at("jwk");
    jwk["label"] = key.record.label;
    jwk["state"] = to_string(key.record.life);
    jwk["line"] = rotations.line_of(key.record.label);
    jwk["signs"] = key.record.life == KeyLife::active && rotations.signer_of(key.record.label) == key.record.label;
    keys.push_back(std::move(jwk));
  }
  return Json{{"keys", std::move(keys)}};
}

}  // namespace hubseal::daemon::ops
