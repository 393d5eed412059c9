#pragma once

#include <array>
#include <optional>

#include "common/key_types.h"
#include "hsm/mechanism.h"

namespace hubseal::hsm {

/// A hash of at most 64 bytes, made once and used for signing and for verifying.
struct Digest {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes;
  std::size_t size = 0;
  ByteView view() const { return {bytes.data(), size}; }
};
Result<Digest> hash_message(SignatureAlgorithm algorithm, ByteView message);
/// A hash that somebody else has made. Errors: bad_request: it is not as long as the algorithm's hash.
Result<Digest> take_digest(SignatureAlgorithm algorithm, ByteView digest);

/// What is to be signed, for every kind of token: some want the hash, some the message.
struct Hashed {
  SignatureAlgorithm algorithm;
  Digest digest;
  std::optional<ByteView> message;  ///< of which this is the hash; nothing where the hash came from elsewhere
};

/// Verifies signatures of one key, keeping what OpenSSL prepares for each algorithm: fetching and
/// setting up anew costs as much as a P-256 verification.
/// Threads: one at a time; each session has its own.
class Verifier {
 public:
  /// ECDSA signatures are r || s.
  bool verify(EVP_PKEY* key, SignatureAlgorithm algorithm, const Digest& digest, ByteView signature);

 private:
  std::array<PkeyContextPtr, kSignatureAlgorithms> contexts_;
};

}  // namespace hubseal::hsm
