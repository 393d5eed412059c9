#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "common/result.h"

namespace hubseal::agent::publish {

/// Public keys in PEM, by the participant's id.
using KeyFiles = std::map<std::string, std::string>;

/// A folder with one file for each participant, ID.pem, as the services of a hub load and watch it (the layout of
/// JWS_VERIFICATION_KEYS_DIRECTORY). It is the agents' alone: a file ID.pem of somebody who is not named is removed,
/// because a key that lies there is believed. Files have mode 0640. Agents that share the folder take turns.
class KeyFolder {
 public:
  struct Changes {
    std::size_t written = 0;
    std::size_t removed = 0;
  };

  /// Errors: not_found; bad_request: a folder that others can write to or everybody can read, or one with keys in it
  /// that no agent has put there, which would be removed.
  static Result<KeyFolder> open(std::filesystem::path path);

  /// From then on it holds these and no others. Each file is replaced in one step, and one that says what it should is
  /// not touched, so that who watches is told of changes alone. Errors: storage_unavailable, after all else was done.
  Result<Changes> hold(const KeyFiles& keys) const;

 private:
  explicit KeyFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace hubseal::agent::publish
