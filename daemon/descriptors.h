#pragma once

#include "common/result.h"
#include "daemon/peer.h"

namespace hubseal::daemon {

/// What is open beside the connections: some thirty of our own, with room for as many more, and what the token's module
/// opens, one for each of at most 256 sessions where the HSM is reached over a network.
constexpr unsigned kOwnDescriptors = 64 + 256;

/// On each socket. No descriptor is 1024 or above then, also not one that a module opens while every connection is
/// taken: where it waits with select(), its FD_SET would write beyond the set.
constexpr unsigned kMostConnections = (1024 - kOwnDescriptors) / kRoles.size();

/// As many file descriptors as the system allows (RLIMIT_NOFILE, soft raised to hard), and enough for every
/// connection that the configuration promises: a crowd must not take those that registry, audit log and token need.
/// Errors: bad_request, with the arithmetic.
Result<> make_room_for_connections(unsigned max_connections);

}  // namespace hubseal::daemon
