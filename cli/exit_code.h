/// What `hubseal` tells the shell (docs/PROTOCOL.md, "Errors").
#pragma once

#include <string_view>

#include "common/result.h"

namespace hubseal::cli {

enum class ExitCode {
  ok = 0,
  internal = 1,           ///< a bug, here or in the daemon
  usage = 2,              ///< the command line or the input is wrong
  refused = 3,            ///< policy, permissions or the state of things say no
  unavailable = 4,        ///< the daemon, its token or its disk is not ready; try again
  approval_required = 5,  ///< recorded, and waiting for other people
};

ExitCode exit_code_of(Code code);

/// What to do next, in one line; empty where the message itself says it.
std::string_view advice_for(Code code);

}  // namespace hubseal::cli
