#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> get_public_key(Call& call, Fields fields) {
  const std::string label = TRY(fields.name("key", kMaxName));
  TRY(fields.nothing_left());
  return full_view_of(TRY(call.services.keyring.show(label)));
}

}  // namespace hubseal::daemon::ops
