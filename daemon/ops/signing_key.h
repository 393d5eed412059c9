#pragma once

#include <string>

#include "daemon/dispatch.h"

namespace hubseal::daemon::ops {

/// The key that signs where the peer asks for this one: it or what took over from it. The call's record names it from
/// then on, and beside it what was asked for. Errors: forbidden (not among the peer's keys), those of Keyring::find.
Result<KeyRecord> signing_key(Call& call, const std::string& label);

}  // namespace hubseal::daemon::ops
