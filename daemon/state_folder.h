#pragma once

#include <filesystem>

#include "common/result.h"
#include "common/unique_fd.h"

namespace hubseal::daemon {

/// The daemon's own folder, mode 0700, with `audit` in it. One hubseald at a time holds it: the second one is
/// turned away before it asks the token for anything.
/// Owns: the lock, as long as it lives.
/// Errors: bad_request (somebody else's, open to others, or not to be written to), storage_unavailable (held, or the
/// disk).
class StateFolder {
 public:
  /// Whether take() could have it; makes and locks nothing.
  static Result<> check(const std::filesystem::path& path);
  /// Made if it is missing.
  static Result<StateFolder> take(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path audit() const { return path_ / "audit"; }

 private:
  StateFolder(std::filesystem::path path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::filesystem::path path_;
  UniqueFd lock_;
};

}  // namespace hubseal::daemon
