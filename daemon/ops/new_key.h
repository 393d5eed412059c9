#pragma once

#include <string>

#include "daemon/dispatch.h"

namespace hubseal::daemon::ops {

/// A key that a client asks for.
struct NewKey {
  std::string label;
  KeyType type{};
  KeyUse use{};
  KeyStart start;
  Keyring::Also also = {};  ///< written in the transaction that registers it
};

/// Whether a key for JWS may be of this type, and sign so. Errors: policy_denied (JWS-2), bad_request.
Result<> check_jws_key(KeyType type, std::optional<SignatureAlgorithm> algorithm);

/// Asks the quota and the people whom `action` needs, records the intent, and has the key made. From then on the call
/// has no right to sign any more: a key may take seconds, and who stops signatures does not wait for it.
Result<Key> make_key(Call& call, const NewKey& wanted, const Action& action);

}  // namespace hubseal::daemon::ops
