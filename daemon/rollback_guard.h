#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "daemon/registry/checkpoint_table.h"
#include "daemon/registry/registry.h"
#include "hsm/signer.h"

namespace hubseal::daemon {

/// Registry, audit log and token each remember the last checkpoint, so that none of them can be put back to an older
/// day without the others saying so (a backup, a snapshot of the machine). What the token keeps is a private data
/// object called as the log's origin, with the number of records and the root.
/// Threads: one at a time.
/// Errors: storage_unavailable, and those of hsm::Signer.
class RollbackGuard {
 public:
  /// `in_token` is false for a token that cannot hold data objects: then two places are compared.
  RollbackGuard(Registry& registry, hsm::Signer& signer, std::string origin, bool in_token)
      : registry_(registry), signer_(signer), origin_(std::move(origin)), in_token_(in_token) {}

  /// What does not agree, in words, given what the log holds; nothing while all is of one time. What crashes and
  /// failed writes between announce() and confirm() leave, also several, is of one time.
  Result<std::optional<std::string>> difference(const std::optional<CheckpointMark>& in_log);

  /// A record in `folder`, behind the registry's last checkpoint, that was written when the registry had taken more
  /// changes than it knows of. A registry that was put back alone, within the time between two checkpoints, says so by
  /// nothing else.
  Result<std::optional<std::string>> lost_work(const std::filesystem::path& folder);

  /// Before a checkpoint is written to the log: registry first, then the token.
  Result<> announce(const CheckpointMark& next);
  /// Once it is there.
  Result<> confirm(const CheckpointMark& last);

 private:
  Result<std::optional<CheckpointMark>> read_token();

  Registry& registry_;
  hsm::Signer& signer_;
  const std::string origin_;
  const bool in_token_;
};

}  // namespace hubseal::daemon
