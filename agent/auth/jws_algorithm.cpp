#include "agent/auth/jws_algorithm.h"

#include <algorithm>
#include <iterator>

namespace hubseal::agent::auth {
namespace {

constexpr JwsAlgorithm kAlgorithms[] = {
    {"RS256", SignatureAlgorithm::rsa_pkcs1_sha256, std::nullopt},
    {"RS384", SignatureAlgorithm::rsa_pkcs1_sha384, std::nullopt},
    {"RS512", SignatureAlgorithm::rsa_pkcs1_sha512, std::nullopt},
    {"PS256", SignatureAlgorithm::rsa_pss_sha256, std::nullopt},
    {"PS384", SignatureAlgorithm::rsa_pss_sha384, std::nullopt},
    {"PS512", SignatureAlgorithm::rsa_pss_sha512, std::nullopt},
    {"ES256", SignatureAlgorithm::ecdsa_sha256, KeyType::ec_p256},
    {"ES384", SignatureAlgorithm::ecdsa_sha384, KeyType::ec_p384},
};

}  // namespace

const JwsAlgorithm* find_jws_algorithm(std::string_view name) {
  const auto* found = std::find_if(std::begin(kAlgorithms), std::end(kAlgorithms),
                                   [&](const JwsAlgorithm& algorithm) { return algorithm.name == name; });
  return found == std::end(kAlgorithms) ? nullptr : found;
}

std::string_view jws_algorithm_names() { return "RS256, RS384, RS512, PS256, PS384, PS512, ES256 and ES384"; }

}  // namespace hubseal::agent::auth
