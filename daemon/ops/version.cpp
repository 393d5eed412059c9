#include <openssl/crypto.h>
#include <nlohmann/json.hpp>

#include "common/version.h"
#include "common/wire/limits.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> version(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  Json reply = {{"version", kVersion},
                {"protocol", wire::kProtocolVersion},
                {"openssl", OpenSSL_version(OPENSSL_VERSION)},
                {"module", call.services.signer.status().module},
                {"operations", operations_of(call.peer)}};
  if (call.peer.may(Permission::issue_certificate)) reply["profiles"] = profiles_of(call.peer, *call.policy);
  return reply;
}

}  // namespace hubseal::daemon::ops
