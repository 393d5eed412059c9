#include "daemon/jws/jws_signer.h"

#include <nlohmann/json.hpp>

#include "common/jose/jwk.h"
#include "common/x509/public_key.h"

namespace hubseal::daemon::jws {

SignatureAlgorithm algorithm_of(const KeyRecord& key) {
  return key.algorithm.value_or(jose::signature_algorithm(key.type));
}

Result<std::string> JwsSigner::sign(const KeyRecord& key, std::string_view payload, bool detached) {
  const std::string header = TRY(protected_header(key));
  std::string signing_input = header + ".";
  signing_input += payload;
  const Bytes signature = TRY(signer_.sign(key.id, algorithm_of(key), as_bytes(signing_input)));
  return (detached ? header + "." : std::move(signing_input)) + "." + to_base64url(signature);
}

Result<std::string> JwsSigner::protected_header(const KeyRecord& key) {
  {
    auto headers = headers_.lock();
    if (const auto found = headers->find(key.id); found != headers->end()) return found->second;
  }
  const hsm::KeyInfo info = TRY(signer_.find_key(key.id));
  const PkeyPtr public_key = TRY(x509::public_key_from_spki(info.spki));
  const Json jwk = TRY(jose::to_jwk(public_key.get()));
  const Json header = {{"alg", jose::jws_algorithm(algorithm_of(key))}, {"kid", jose::thumbprint(jwk)}};
  std::string encoded = to_base64url(as_bytes(dump_json(header)));
  headers_.lock()->emplace(key.id, encoded);
  return encoded;
}

}  // namespace hubseal::daemon::jws
