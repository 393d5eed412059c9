#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ocsp_responder.h"
#include "daemon/ops/operations.h"

namespace hubseal::daemon::ops {

Result<Json> get_ocsp(Call& call, Fields fields) {
  const std::string request = TRY(fields.text("request", (ca::kMaxOcspRequest + 2) / 3 * 4));
  TRY(fields.nothing_left());
  const auto der = from_base64(request);
  if (!der) return fail(Code::bad_request, "\"request\" is not base64");
  const Bytes response = TRY(call.services.ocsp.respond(*call.policy, *der, call.who()));
  return Json{{"response", to_base64(response)}};
}

}  // namespace hubseal::daemon::ops
