#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/result.h"

namespace hubseal::daemon {

/// Where a policy is read from: files that only root or the daemon's user can change.
struct PolicyFiles {
  std::filesystem::path policy_file;
  std::filesystem::path profiles_dir;
};

/// The exact bytes that a policy is made of: "policy.toml" and "profiles/NAME.toml".
struct PolicySource {
  std::map<std::string, std::string> files;

  bool operator==(const PolicySource&) const = default;
};

/// At most 64 profiles and 256 KiB in all, so that a policy fits into a reply.
/// Errors: not_found, too_large, bad_request for a file that others may change.
Result<PolicySource> read_source(const PolicyFiles& files);

using PolicyHash = std::array<std::uint8_t, 32>;
/// SHA-256 over what `sha256sum policy.toml profiles/*.toml` prints in the folder of the policy (LC_ALL=C).
PolicyHash hash_of(const PolicySource& source);

/// Names of files that one has and the other has not, or that differ.
std::vector<std::string> differences(const PolicySource& one, const PolicySource& other);

}  // namespace hubseal::daemon
