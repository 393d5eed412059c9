/// What a command of HubSeal tells the shell (docs/PROTOCOL.md, "Errors").
#pragma once

#include "common/result.h"

namespace hubseal {

enum class ExitCode {
  ok = 0,
  internal = 1,           ///< a bug
  usage = 2,              ///< the command line or the input is wrong
  refused = 3,            ///< policy, permissions or the state of things say no
  unavailable = 4,        ///< the daemon, its token or its disk is not ready; try again
  approval_required = 5,  ///< recorded, and waiting for other people
};

ExitCode exit_code_of(Code code);

}  // namespace hubseal
