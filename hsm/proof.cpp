#include "hsm/proof.h"

#include <algorithm>
#include <string_view>

#include <openssl/rand.h>

#include "common/openssl.h"

namespace hubseal::hsm {

SignatureAlgorithm proof_algorithm(KeyType type) {
  return is_rsa(type)               ? SignatureAlgorithm::rsa_pkcs1_sha256
         : type == KeyType::ec_p256 ? SignatureAlgorithm::ecdsa_sha256
                                    : SignatureAlgorithm::ecdsa_sha384;
}

Result<Bytes> make_challenge() {
  constexpr std::string_view kWords = "hubseal key challenge\n";
  Bytes challenge(64);
  std::copy(kWords.begin(), kWords.end(), challenge.begin());
  if (RAND_bytes(challenge.data() + kWords.size(), static_cast<int>(challenge.size() - kWords.size())) != 1)
    return fail(Code::internal, "no random bytes: " + drain_openssl_errors());
  return challenge;
}

}  // namespace hubseal::hsm
