#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/signature_words.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

/// One handshake of a gateway, over the digest that its TLS library has made:
/// docs/decisions/078-tls-keys-sign-digests.md.
Result<Json> sign_tls(Call& call, Fields fields) {
  const std::string label = TRY(fields.name("key", kMaxName));
  const SignatureAlgorithm algorithm = TRY(fields.choice("algorithm", kSignatureWords));
  const auto digest = from_hex(TRY(fields.text("digest", 128)));
  TRY(fields.nothing_left());
  if (!digest) return fail(Code::bad_request, "\"digest\" is not hexadecimal");
  call.details = {{"key", label}, {"algorithm", to_string(algorithm)}, {"digest", to_hex(*digest)}};
  if (!call.peer.may_use_key(label))
    return fail(Code::forbidden, fmt::format("there is no tls key \"{}\" that this peer may use", label));
  const KeyRecord key = TRY(call.services.keyring.find(label, KeyUse::tls));
  TRY(call.spend({{QuotaKind::key, label}}));
  // Signature first, then one record that must be durable before anything is released, as in sign_jws.
  if (!call.services.audit.writable()) TRY(call.record_intent("tls_intent"));
  const Bytes signature = TRY(call.services.signer.sign_digest(key.id, algorithm, *digest));
  return Json{{"signature", to_base64url(signature)}};
}

}  // namespace hubseal::daemon::ops
