#include "daemon/ops/signing_key.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hubseal::daemon::ops {

Result<KeyRecord> signing_key(Call& call, const std::string& label) {
  if (!call.peer.may_use_key(label))
    return fail(Code::forbidden, fmt::format("there is no jws key \"{}\" that this peer may use", label));
  KeyRecord key = TRY(call.services.rotations.find_signing(label));
  if (key.label != label) {
    call.details["key"] = key.label;
    call.details["asked_for_key"] = label;
  }
  return key;
}

}  // namespace hubseal::daemon::ops
