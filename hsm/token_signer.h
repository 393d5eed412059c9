#pragma once

#include <memory>

#include "hsm/signer.h"
#include "hsm/token_config.h"

namespace hubseal::hsm {

/// A Signer on the token that `config` names, logged in and with its keys found. It outlives the
/// token: when a session or the device is lost, the module is initialised anew, logged in once, and
/// every key that was in use is found by its SPKI and proven before it signs again.
/// Threads: one Signer per module and process, because C_Finalize is process-wide. The process must
/// not fork while it lives (posix_spawn is fine): a child inherits handles that are not its own.
/// A call that hangs inside the module holds its session; others get hsm_busy at the deadline. Only
/// a module in a process of its own could be stopped, which is not done here.
/// Errors: bad_request (the configuration), hsm_unavailable (naming the tokens seen and the one
/// wanted, or why the login was not tried or was refused).
Result<std::unique_ptr<Signer>> open_token(TokenConfig config);

}  // namespace hubseal::hsm
