#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/service/signing_daemon.h"
#include "agent/store/jws_key_table.h"
#include "common/guarded.h"
#include "common/result.h"

namespace hubseal::agent {

/// The keys that the hub signs messages with, as participants see them. They are in the HSM; nothing here makes or
/// changes one. There is one as a rule, and two while one takes over from the other: which these are says hubseald,
/// which has them rotated (decision 077). Threads: share it freely.
class HubJwsKey {
 public:
  struct Config {
    std::optional<std::string> hub_id;  ///< in the place of a DFSP's; always there with a key
    std::optional<std::string> key;     ///< the name of their line in the daemon; none: the hub shows none
  };

  HubJwsKey(SigningDaemon& daemon, Config config) : daemon_(daemon), config_(std::move(config)) {}

  /// Whether this is the hub's id, whether it shows a key or not.
  bool is_hub(std::string_view dfsp_id) const;
  /// The one that signs. Errors: not_found: none is configured, or none is active; the daemon's.
  Result<store::JwsKey> get();
  /// All that are shown, the one that signs last: verifiers that know one key of each participant take that; what
  /// was found last while the daemon cannot be asked. Errors: the daemon's, while nothing was found yet: who takes a
  /// list without the hub's key for the whole one would lose it.
  Result<std::vector<store::JwsKey>> known();
  /// The one of these keys that this (PEM) is. Errors: bad_request; conflict; get()'s.
  Result<store::JwsKey> confirm(std::string_view public_key);
  /// What people do on the signing host so that another key takes over; never done from here.
  /// Errors: not_found: none is configured; the daemon's.
  Result<std::string> rotation_steps();

 private:
  struct Labels {
    std::vector<std::string> known;
    std::chrono::steady_clock::time_point until;
    bool refused = false;  ///< the last time that they were asked for
  };

  Result<std::vector<SigningDaemon::Key>> line();
  Labels labels();
  Result<std::vector<store::JwsKey>> active();
  tl::unexpected<Error> not_active() const;

  SigningDaemon& daemon_;
  const Config config_;
  Guarded<Labels> labels_;
  Guarded<std::optional<std::vector<store::JwsKey>>> last_;
};

}  // namespace hubseal::agent
