#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/guarded.h"
#include "common/openssl.h"
#include "daemon/registry/key_table.h"
#include "daemon/registry/registry.h"
#include "hsm/signer.h"

namespace hubseal::daemon {

/// A registered key as it is now: what the registry says of it and what the token shows.
struct Key {
  KeyRecord record;
  std::optional<hsm::KeyInfo> in_token;  ///< nothing while the token does not hold it
};

/// Which keys exist and what each may serve. A key signs only for the use it was made for.
/// Owns: the registered keys in memory; the registry has them on disk.
/// Threads: share it freely.
class Keyring {
 public:
  static Result<std::unique_ptr<Keyring>> open(Registry& registry, hsm::Signer& signer, const Clock& clock);

  /// The key of this label made for this use; forbidden for every other, so that what exists and
  /// what may not be used look the same to who asks.
  Result<KeyRecord> find(std::string_view label, KeyUse use) const;
  Result<Key> show(std::string_view label) const;
  /// With what the token says now.
  Result<std::vector<Key>> list() const;

  /// Makes a key in the token and registers it.
  /// Errors: conflict (label taken in registry or token), storage_unavailable, hsm_unavailable.
  Result<Key> create(const std::string& label, KeyType type, KeyUse use);

  /// Signs and verifies a challenge with every registered key (the self-test before READY).
  Result<> prove_all() const;

 private:
  Keyring(Registry& registry, hsm::Signer& signer, const Clock& clock)
      : registry_(registry), signer_(signer), clock_(clock) {}
  std::optional<KeyRecord> find_record(std::string_view label) const;

  Registry& registry_;
  hsm::Signer& signer_;
  const Clock& clock_;
  mutable Guarded<std::map<std::string, KeyRecord, std::less<>>> keys_;
  mutable Guarded<int> creating_{0};  // one key is made at a time
};

}  // namespace hubseal::daemon
