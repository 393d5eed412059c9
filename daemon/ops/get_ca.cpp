#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> get_ca(Call& call, Fields fields) {
  const std::string name = TRY(fields.name("ca", kMaxName));
  TRY(fields.nothing_left());
  return view_of(*TRY(call.services.authorities.find(name)), call.services.keyring);
}

}  // namespace hubseal::daemon::ops
