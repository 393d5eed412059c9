#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/store/jws_key_table.h"
#include "common/guarded.h"
#include "common/result.h"

namespace hubseal::agent {

class SigningDaemon;

/// The key that the hub signs messages with, as participants see it. It is in the HSM; nothing here makes or changes
/// one. Threads: share it freely.
class HubJwsKey {
 public:
  struct Config {
    std::string id;   ///< the hub's, in the place of a DFSP's
    std::string key;  ///< its label in the daemon
  };

  HubJwsKey(SigningDaemon& daemon, std::optional<Config> config) : daemon_(daemon), config_(std::move(config)) {}

  /// Whether this is the hub's id, in whatever letter case.
  bool is_hub(std::string_view dfsp_id) const;
  /// Errors: not_found: none is configured, or it is not active; the daemon's.
  Result<store::JwsKey> get();
  /// As get(), or what get() found last while the daemon cannot be asked; nothing where there is none.
  std::optional<store::JwsKey> known();
  /// The hub's key, if it is this one (PEM). Errors: bad_request; conflict; get()'s.
  Result<store::JwsKey> confirm(std::string_view public_key);

 private:
  SigningDaemon& daemon_;
  const std::optional<Config> config_;
  Guarded<std::optional<store::JwsKey>> last_;
};

}  // namespace hubseal::agent
