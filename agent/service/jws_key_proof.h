#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/key_types.h"
#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::agent {

constexpr std::size_t kMaxProofBytes = 4096;

/// What a participant signs with a key to show that it has it, or with the key before to say that this one follows it.
struct PossessionStatement {
  std::string_view hub_id;
  std::string_view dfsp_id;
  const KeyId& key;  ///< the new one, whoever signs
  std::string_view nonce;
};

/// Lines of text, as docs/JWS.md shows them.
std::string to_text(const PossessionStatement& statement);

/// Whether `proof` is a compact JWS (RFC 7515) over exactly this statement, made with `key` by an algorithm of JWS-2.
/// Its header says that and nothing else: a message that the key has signed is no proof.
/// Errors: policy_denied, beginning with `member`, which is where it came in.
Result<> check_proof(std::string_view member, std::string_view proof, EVP_PKEY* key,
                     const PossessionStatement& statement);

}  // namespace hubseal::agent
