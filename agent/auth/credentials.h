/// Logins of DFSPs' programs, as the rules see them; keycloak.h is where they come from.
#pragma once

#include <optional>
#include <string>

#include "common/clock.h"
#include "common/result.h"
#include "common/secret_bytes.h"

namespace hubseal::agent::auth {

/// What a DFSP's program logs in with at the identity provider.
struct Credential {
  std::string client_id;
  SecretBytes secret;
  std::optional<TimePoint> created_at;  ///< absent: the provider does not know
};

/// A DFSP as the provider is to know it.
struct Account {
  std::string dfsp_id;
  std::string group;  ///< its security group, "Application/DFSP:bank1"
};

/// Keeps the logins; nothing of them is kept on this side.
/// Threads: share it freely.
/// Errors: conflict (what bears the DFSP's name there is not its own), rate_limited (too many ask at once), internal
/// (the provider cannot be asked, or says what makes no sense; in words for the log).
class CredentialKeeper {
 public:
  virtual ~CredentialKeeper() = default;

  /// Nothing: the DFSP has no login. `dfsp_id` is that of a DFSP that exists.
  virtual Result<std::optional<Credential>> find(const std::string& dfsp_id) = 0;
  /// With a new secret; the one before is worth nothing any more, also when the answer is an error.
  virtual Result<std::optional<Credential>> renew(const std::string& dfsp_id) = 0;
  /// Makes what the DFSP's login needs and is not there yet. What is there stays as it is.
  virtual Result<> provide(const Account& account) = 0;
  /// Ends what is asked at the moment, and refuses all that follows.
  virtual void stop() = 0;
};

}  // namespace hubseal::agent::auth
