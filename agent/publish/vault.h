#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "common/result.h"

namespace hubseal::agent::publish {

class Publisher;

/// A key-value store of a Vault, version 1, and where in it things stand. Mount and paths are names with slashes
/// between them.
struct VaultTarget {
  std::string url;                ///< https, or http to this host itself; without a path
  std::filesystem::path ca_file;  ///< PEM; empty: the system's CAs
  std::filesystem::path token_file;
  std::string mount = "secrets";
  std::string bundles = "onboarding_pm4mls";   ///< a bundle stands at BUNDLES/DFSP
  std::string whitelist = "whitelist_pm4mls";  ///< one entry for each participant: its addresses with commas between
  std::chrono::seconds timeout{5};             ///< for each call as a whole
};

/// Errors: bad_request. Says what is wrong with url, mount and paths.
Result<> check_vault_target(const VaultTarget& target);

/// The list of addresses is written first and the bundle, with which a gateway begins, last: what was cut off between
/// the two is mended by repeating it. The token is read from its file each time, so that it may be exchanged.
/// Errors: not_found, bad_request: a file that cannot be used.
Result<std::unique_ptr<Publisher>> open_vault(const VaultTarget& target);

}  // namespace hubseal::agent::publish
