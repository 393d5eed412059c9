#pragma once

#include <string>
#include <vector>

namespace hubseal::test {

struct CommandResult {
  int exit_code = -1;  ///< 128 + n when signal n ended it
  std::string output;  ///< stdout and stderr, as they came
};

/// Runs a program found in PATH and waits for its end. No shell; stdin is empty. posix_spawn, so
/// that it is allowed while a PKCS#11 module is initialised.
CommandResult run_command(const std::vector<std::string>& arguments);

}  // namespace hubseal::test
