#pragma once

#include <string>
#include <vector>

#include "hsm/object.h"
#include "hsm/signer.h"

namespace hubseal::hsm {

/// A private key of the token and its public half.
struct Key {
  KeyId id{};
  std::string label;
  KeyType type = KeyType::rsa_2048;
  Grade grade = Grade::imported;
  std::string problem;  ///< why it may not sign; empty when it may
  Bytes spki;
  PkeyPtr public_key;
  CK_OBJECT_HANDLE handle = 0;
  std::size_t signature_bytes = 0;
};

/// What the attributes of a private key must be at every open, and what they were.
struct Inspection {
  Grade grade = Grade::imported;
  std::string problem;  ///< the attributes that are not what they must be; empty when all are
};
/// `token_object` is false for the copy of a key that lives in a session.
Result<Inspection> inspect_private_key(const Session& session, CK_OBJECT_HANDLE handle, bool token_object = true);

/// Every private key of the token whose public half can be found: in the private key's own
/// attributes, in a public key with its CKA_ID, or in a certificate with its CKA_ID. Several private
/// keys with one SPKI come back once, with a problem: which of them signs would be luck.
/// Keys of other kinds, and keys without a public half, are logged and left out. It is of one moment: where an object
/// goes meanwhile everything is looked at again. Errors: hsm_busy: that happened each time.
Result<std::vector<Key>> find_keys(const Session& session);

/// One private key, by handle; `public_handle` is its public key.
Result<Key> read_key(const Session& session, CK_OBJECT_HANDLE handle, CK_OBJECT_HANDLE public_handle);

}  // namespace hubseal::hsm
