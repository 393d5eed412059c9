#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/guarded.h"
#include "daemon/registry/key_table.h"
#include "hsm/signer.h"

namespace hubseal::daemon::jws {

/// With which this key signs JWS.
SignatureAlgorithm algorithm_of(const KeyRecord& key);

/// Makes JSON Web Signatures (RFC 7515) whose protected header is ours: `alg` follows from the key,
/// `kid` is its thumbprint, nothing comes from the caller. No FSPIOP value ever stands in it, so a
/// signature made here cannot pass as a hub message.
/// Threads: share it freely.
class JwsSigner {
 public:
  explicit JwsSigner(hsm::Signer& signer) : signer_(signer) {}

  /// Compact serialisation over `payload`, which is base64url already; without the payload where
  /// `detached` (RFC 7515 appendix F).
  Result<std::string> sign(const KeyRecord& key, std::string_view payload, bool detached);

 private:
  Result<std::string> protected_header(const KeyRecord& key);

  hsm::Signer& signer_;
  Guarded<std::map<KeyId, std::string>> headers_;  // encoded once per key
};

}  // namespace hubseal::daemon::jws
