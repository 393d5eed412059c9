#pragma once

#include "common/result.h"

namespace hubseal::daemon {

/// What the process gives up before it reads a secret: being traced and dumped (PR_SET_DUMPABLE,
/// RLIMIT_CORE), gaining privileges (PR_SET_NO_NEW_PRIVS), writing files for others (umask 0077).
/// Secrets lock their own pages (SecretBytes).
/// The unit file confines the rest (systemd/hubseald.service).
Result<> harden_process();

}  // namespace hubseal::daemon
