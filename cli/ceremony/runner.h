#pragma once

#include <chrono>
#include <string>

#include "cli/session.h"

namespace hubseal::cli {

struct CeremonyRun {
  std::string file;
  std::string transcript;  ///< empty: FILE.transcript
  std::string continued;   ///< a transcript that has no end yet; empty: a new one
  bool check = false;      ///< only read the file
  bool yes = false;        ///< ask nobody
  int wait_seconds = 180;  ///< for a checkpoint that covers the steps
};

/// Holds the ceremony, or goes on with it. Nothing is changed before the whole file is known to be right and what it
/// makes is known not to be there; every step is on the disk before it is asked and when it is done.
Result<ExitCode> run_ceremony(const Session& session, CeremonyRun options);

}  // namespace hubseal::cli
