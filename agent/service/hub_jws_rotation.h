/// The hub's keys for JWS: which of them are one line, and what people do to have the next one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/service/signing_daemon.h"

namespace hubseal::agent {

/// The keys for JWS of the line that a key of this label is of, in the order in which participants are shown them: the
/// one that signs is the last.
std::vector<SigningDaemon::Key> jws_line(std::vector<SigningDaemon::Key> keys, std::string_view label);

/// Whether participants are shown it: it signs, or takes part in a rotation that shows it. A key that was only made
/// for later is nobody's to know.
bool is_shown(const SigningDaemon::Key& key);

/// What people do next on the signing host, with the command.
std::string next_jws_steps(const std::vector<SigningDaemon::Key>& line, std::string_view label);

}  // namespace hubseal::agent
