/// The daemon as a process: what main() starts.
#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"
#include "daemon/config.h"

namespace hubseal::daemon {

/// Opens everything in order (token, state, policy, keys, sockets), proves each registered key,
/// says READY, serves until SIGTERM or SIGINT, drains. Returns when all is closed.
Result<> serve(const Config& config);

/// Whether profiles load and PIN file, module and folders can be used; makes nothing, and touches neither token nor
/// sockets. Prints what could not be looked at.
Result<> check(const Config& config);

/// What policy.toml and profiles/ of a folder say, where they are a policy; touches nothing else.
/// Errors: never not_found: the command line named what is missing.
struct PolicySummary {
  std::size_t profiles = 0;
  std::string sha256;
};
Result<PolicySummary> check_policy(const std::filesystem::path& folder);

/// Takes the files of the policy into force for the next start, without a daemon: for what an older hubseald stored and
/// this one does not understand. Recorded in registry and audit log.
Result<> adopt_policy(const Config& config);

/// Takes registry and audit log as they are, though token and log say that they are of an older time or new, without
/// asking the people that they name. Recorded in both.
Result<> accept_state(const Config& config);

/// Initialises the token named by the configuration with the PIN of the configuration.
Result<> init_token(const Config& config, const std::filesystem::path& so_pin_file);

}  // namespace hubseal::daemon
