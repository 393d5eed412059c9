#include "daemon/ops/new_key.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/jose/jwk.h"

namespace hubseal::daemon::ops {
namespace {

Result<> allow(Call& call, const Action& action) {
  TRY(call.authorize_now(action));
  return call.record_intent("key_intent");
}

}  // namespace

Result<> check_jws_key(KeyType type, std::optional<SignatureAlgorithm> algorithm) {
  if (type == KeyType::rsa_4096)
    return fail(Code::policy_denied,
                "JWS-2: an RSA-4096 signature exceeds the 512 characters of FSPIOP-Signature; "
                "wanted rsa_2048, rsa_3072 or an EC key");
  if (algorithm && !jose::is_jws_algorithm_of(type, *algorithm))
    return fail(Code::bad_request, fmt::format("a key of type {} does not sign with {}; wanted {}", to_string(type),
                                               jose::jws_algorithm(*algorithm),
                                               is_rsa(type) ? "RS256, RS384 or RS512"
                                                            : jose::jws_algorithm(jose::signature_algorithm(type))));
  return {};
}

Result<Key> make_key(Call& call, const NewKey& wanted, const Action& action) {
  const Use made{QuotaKind::keys_made, fmt::format("{}", call.peer.credentials.uid)};
  TRY(call.spend({made}));
  if (const auto allowed = allow(call, action); !allowed) {
    call.services.quotas.give_back(made);  // no key was made, and who waits for consent asks again
    return tl::unexpected(allowed.error());
  }
  call.leave_gate();
  const auto go_ahead = [&]() -> Result<> {
    TRY(call.services.gate.enter());
    return {};
  };
  Key key =
      TRY(call.services.keyring.create(wanted.label, wanted.type, wanted.use, wanted.start, go_ahead, wanted.also));
  call.details["key_id"] = to_hex(key.record.id);
  return key;
}

}  // namespace hubseal::daemon::ops
