/// What is shown of a request that waits until other people have agreed to it.
#pragma once

#include <string>

namespace hubseal::agent {

class SigningDaemon;

/// JSON as clients know it: {"id", "needed", "expires"}; the id alone where nothing more can be found out.
std::string waiting_json(SigningDaemon& daemon, const std::string& approval);
/// Whether enough have agreed, so that asking again goes on. False also where it cannot be found out.
bool has_consent(SigningDaemon& daemon, const std::string& waiting_json);

}  // namespace hubseal::agent
