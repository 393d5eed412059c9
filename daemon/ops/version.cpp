#include <openssl/crypto.h>
#include <nlohmann/json.hpp>

#include "common/version.h"
#include "common/wire/limits.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"

namespace hubseal::daemon::ops {
namespace {

/// Those that issue_certificate would take of this peer.
std::vector<std::string> profiles_of(const Call& call) {
  std::vector<std::string> names = call.peer.rule->profiles;
  std::erase_if(names, [&](const std::string& name) {
    const ca::Profile* profile = call.policy->profiles.find(name);
    return !profile || profile->kind != ca::Kind::end_entity;
  });
  return names;
}

}  // namespace

Result<Json> version(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  Json reply = {{"version", kVersion},
                {"protocol", wire::kProtocolVersion},
                {"openssl", OpenSSL_version(OPENSSL_VERSION)},
                {"module", call.services.signer.status().module},
                {"operations", operations_of(call.peer)}};
  if (call.peer.may(Permission::issue_certificate)) reply["profiles"] = profiles_of(call);
  return reply;
}

}  // namespace hubseal::daemon::ops
