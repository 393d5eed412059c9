#pragma once

#include <mutex>
#include <optional>

#include "common/guarded.h"
#include "hsm/cryptoki.h"
#include "hsm/module.h"

namespace hubseal::hsm {

/// Sends the PIN, and remembers for the life of the process that the token refused it: every wrong
/// try brings the lock nearer, and the PIN does not get better by being sent again. Refused is every
/// answer but success and those that certainly did not test the PIN (ReturnCode::pin_untested). The next
/// process learns it from a LoginMarker.
/// Threads: share it freely; logins come one at a time, and `refused` does not wait for one.
class Login {
 public:
  explicit Login(const TokenConfig& config) : config_(config) {}

  /// C_Login on `session`, which has to stay open for as long as the login shall last.
  /// Errors: hsm_unavailable: refused now or before, by whatever process, or not tried because a flag of
  /// the token says that another wrong PIN could lock it.
  Result<> log_in(Cryptoki& cryptoki, CK_SESSION_HANDLE session, const Token& token);

  /// Why no login will ever be tried again by this process; nullopt while one may be.
  std::optional<Error> refused() { return *refused_.lock(); }

 private:
  const TokenConfig& config_;
  std::mutex logging_in_;  ///< what a login found is known before the next begins
  Guarded<std::optional<Error>> refused_;
};

}  // namespace hubseal::hsm
