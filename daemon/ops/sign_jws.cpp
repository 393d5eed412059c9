#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/signing_key.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

constexpr std::size_t kMaxPayload = 700 * 1024;  // base64url characters

}  // namespace

Result<Json> sign_jws(Call& call, Fields fields) {
  const std::string label = TRY(fields.name("key", kMaxName));
  const std::string payload = TRY(fields.text("payload", kMaxPayload));
  const bool detached = TRY(fields.boolean_or("detached", false));
  TRY(fields.nothing_left());
  const auto body = from_base64url(payload);
  if (!body) return fail(Code::bad_request, "\"payload\" is not base64url without padding");
  call.details = {{"key", label}, {"payload_sha256", to_hex(sha256(*body))}};
  const KeyRecord key = TRY(signing_key(call, label));
  TRY(call.spend({{QuotaKind::key, key.label}}));
  // Signature first, then one record that must be durable before anything is released. While the log
  // is known to be broken, not even the token is asked: this record fails, or the log has recovered.
  if (!call.services.audit.writable()) TRY(call.record_intent("jws_intent"));
  const std::string jws = TRY(call.services.jws.sign(key, payload, detached));
  return Json{{"jws", jws}};
}

}  // namespace hubseal::daemon::ops
