#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> get_subject(Call& call, Fields fields) {
  const std::string id = TRY(fields.name("subject", kMaxName));
  TRY(fields.nothing_left());
  return call.services.registry.read([&](Database& database) { return full_view_of_subject(database, id); });
}

}  // namespace hubseal::daemon::ops
