/// How one key of the hub for JWS takes over from another: which keys take part, and what is to be done next.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/service/signing_daemon.h"

namespace hubseal::agent {

/// The keys for JWS that are called `first`, or `first` with a number: "hub-jws", "hub-jws-2", "hub-jws-2027". By
/// number.
std::vector<SigningDaemon::Key> jws_family(std::vector<SigningDaemon::Key> keys, std::string_view first);

/// What people do next on the signing host, with the commands.
std::string next_jws_steps(const std::vector<SigningDaemon::Key>& family, std::string_view first);

}  // namespace hubseal::agent
