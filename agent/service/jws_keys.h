#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/service/caller.h"
#include "agent/store/jws_key_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

class HubJwsKey;

constexpr std::size_t kMaxJwsKeyBytes = 4096;

/// The public keys that messages are verified with. What a client says of a key's age is given back and decides
/// nothing: the key that came last is the participant's. Callers have made sure that the DFSP exists.
class JwsKeys {
 public:
  using Key = store::JwsKey;

  /// A key as it was sent.
  struct Sent {
    std::string dfsp_id;
    std::string public_key;
    std::optional<std::string> created_at_json;
  };

  JwsKeys(store::JwsKeyTable& table, HubJwsKey& hub, const Clock& clock) : table_(table), hub_(hub), clock_(clock) {}

  /// What everybody may verify with: the hub's, then the VALID ones. Errors: HubJwsKey::known()'s.
  Result<std::vector<Key>> list();
  /// Errors: not_found.
  Result<Key> get(std::string_view dfsp_id);
  /// Stores the participant's key with its verdict, good or bad; a repetition changes nothing.
  /// Errors: conflict: it is the hub, whose key is in the HSM.
  Result<Key> put(const Caller& caller, const Sent& sent);
  /// Whether there was one or not.
  Result<> remove(const Caller& caller, std::string_view dfsp_id);

  /// Keys of participants of other schemes, as store::JwsKeyTable::put_external has it; the hub's own id is left out,
  /// too. Errors: bad_request (no key, a name that cannot be one), conflict.
  Result<std::vector<Key>> put_external(const Caller& caller, const std::vector<Sent>& sent,
                                        const std::optional<std::string>& source);

 private:
  store::JwsKeyTable& table_;
  HubJwsKey& hub_;
  const Clock& clock_;
};

}  // namespace hubseal::agent
