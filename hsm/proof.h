/// How a private key proves which one it is.
#pragma once

#include "common/key_types.h"
#include "common/result.h"

namespace hubseal::hsm {

/// What a key of this type proves itself with.
SignatureAlgorithm proof_algorithm(KeyType type);

/// Random, so that the proof is of now; with words in front, so that it is a signature of nothing else.
Result<Bytes> make_challenge();

}  // namespace hubseal::hsm
