#pragma once

#include "common/result.h"

namespace hubseal::daemon {

/// As many file descriptors as the system allows (RLIMIT_NOFILE, soft raised to hard), and enough for every
/// connection that the configuration promises: a crowd must not take those that registry, audit log and token need.
/// Errors: bad_request, with the arithmetic.
Result<> make_room_for_connections(unsigned max_connections);

}  // namespace hubseal::daemon
