/// What is done with one private key of the token: making it, copying it into a session, signing.
#pragma once

#include <string_view>

#include "hsm/key.h"
#include "hsm/mechanism.h"
#include "hsm/verifier.h"

namespace hubseal::hsm {

/// A key pair as C_GenerateKeyPair left it: nobody has looked at it yet.
struct KeyPair {
  CK_OBJECT_HANDLE private_key = 0;
  CK_OBJECT_HANDLE public_key = 0;
};

/// Whether a private, public or secret key of the token has this label.
Result<bool> label_taken(const Session& session, std::string_view label);

/// Makes the pair with every attribute said outright: defaults differ from token to token. RSA keys
/// get the exponent 65537. `session` must be a read-write one.
Result<KeyPair> generate_pair(const Session& session, KeyType type, std::string_view label);

/// Takes back what generate_pair made; failures are logged.
void destroy_pair(const Session& session, const KeyPair& pair);

/// A copy of the key that lives as long as the session, with the same restrictions; nullopt where
/// the token does not make one, or makes one that may do more than the key.
std::optional<CK_OBJECT_HANDLE> copy_into_session(const Session& session, const Key& key);

/// C_SignInit and C_Sign. The answer must be exactly as long as such a signature is. Errors: bad_request for a token
/// that hashes itself and is given a hash alone.
Result<Bytes> sign_raw(const Session& session, CK_OBJECT_HANDLE handle, const Key& key, const Mechanism& mechanism,
                       const Hashed& hashed);

}  // namespace hubseal::hsm
