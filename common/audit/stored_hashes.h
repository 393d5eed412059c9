#pragma once

#include <filesystem>
#include <span>

#include "common/audit/merkle.h"
#include "common/unique_fd.h"

namespace hubseal::audit {

/// The completed hashes of the tree on disk, 32 bytes each, in the order of stored_index, so that a proof needs a few
/// reads and not the whole log. Derived data: it is made anew from the records where it is missing or wrong, and
/// believed only where a signed checkpoint vouches for it.
/// Owns: the file. Threads: read() from any; the rest from one.
/// Errors: storage_unavailable.
class StoredHashes {
 public:
  static Result<StoredHashes> open(const std::filesystem::path& file);
  /// For reading only. Errors: not_found.
  static Result<StoredHashes> open_to_read(const std::filesystem::path& file);

  /// How many whole hashes there are.
  Result<std::uint64_t> count() const;
  Result<> truncate(std::uint64_t count) const;
  /// Writes `hashes` from position `at` on. Not synced: what a crash loses is made anew.
  Result<> write(std::uint64_t at, std::span<const Hash> hashes) const;
  Result<Hash> read(unsigned level, std::uint64_t n) const;

 private:
  explicit StoredHashes(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace hubseal::audit
