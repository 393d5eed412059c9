#pragma once

#include <string_view>

#include "agent/auth/credentials.h"
#include "agent/service/caller.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

class Dfsps;

/// What DFSPs' programs log in with. Kept by the identity provider alone.
/// Threads: share it freely.
class Credentials {
 public:
  Credentials(auth::CredentialKeeper& keeper, Dfsps& dfsps, const Clock& clock)
      : keeper_(keeper), dfsps_(dfsps), clock_(clock) {}

  /// Errors: not_found (no such DFSP, or it has no login), and the keeper's.
  Result<auth::Credential> get(const Caller& caller, std::string_view dfsp_id);
  /// With a new secret: the old one is worth nothing at once. Errors: as get().
  Result<auth::Credential> renew(const Caller& caller, std::string_view dfsp_id);
  /// Has the DFSP's login made where that is wanted and it is missing. What goes wrong is in the log: the DFSP is there
  /// either way, and the next call makes what is missing.
  void provide(const Caller& caller, std::string_view dfsp_id);

 private:
  auth::CredentialKeeper& keeper_;
  Dfsps& dfsps_;
  const Clock& clock_;
};

}  // namespace hubseal::agent
