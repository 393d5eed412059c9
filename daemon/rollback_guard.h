#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "daemon/registry/checkpoint_table.h"
#include "daemon/registry/registry.h"
#include "hsm/signer.h"

namespace hubseal::daemon {

/// A record of the log in `folder`, behind the registry's last checkpoint, that was written when the registry had taken
/// more changes than it knows of, in words. A registry that was put back alone, within the time between two
/// checkpoints, says so by nothing else. To be asked before a start writes to the registry, because what is written
/// adds to its count.
Result<std::optional<std::string>> lost_work(Registry& registry, const std::filesystem::path& folder);

/// Keeps in the registry what lost_work() says, so that no later start takes it back. `records` are in the log.
Result<> note_lost_work(Registry& registry, const std::filesystem::path& folder, std::uint64_t records);

/// Registry, audit log and token each remember the last checkpoint, so that none of them can be put back to an older
/// day without the others saying so (a backup, a snapshot of the machine). What the token keeps is a private data
/// object called as the log's origin: the number of records, the root, and a hash of who may agree and by which policy.
/// Threads: one at a time.
/// Errors: storage_unavailable, and those of hsm::Signer.
class RollbackGuard {
 public:
  /// `in_token` is false for a token that cannot hold data objects: then two places are compared.
  RollbackGuard(Registry& registry, hsm::Signer& signer, std::string origin, bool in_token)
      : registry_(registry), signer_(signer), origin_(std::move(origin)), in_token_(in_token) {}

  /// What the token and the registry remember. To be called first.
  Result<> read();
  /// Where the registry is new: which other ones the token remembers, in words. What they certified and revoked is
  /// known to nobody here.
  std::optional<std::string> others() const;
  /// For whoever begins anew: the token remembers none of them any more, so that none goes on as if nothing had been.
  Result<> forget_others();
  /// Every checkpoint that the registry remembers and that a log of so many records must agree with. A log that was put
  /// back has grown since, in another way than before: what it holds beyond its length of then is not held to them.
  std::vector<CheckpointMark> to_hold_to(std::uint64_t records) const;

  /// What does not agree, in words, given the log's last checkpoint and its length; nothing while all is of one time.
  /// What crashes and failed writes between announce() and confirm() leave, also several, is of one time.
  std::optional<std::string> difference(const std::optional<CheckpointMark>& in_log, std::uint64_t records) const;
  /// What a start before this one, or this one, has found by lost_work().
  std::optional<std::string> lost() const;
  /// Whether the registry remembers a checkpoint that was made.
  bool remembers_any() const { return marks_ && marks_->last.size != 0; }
  /// Why nobody but who owns the machine can accept what is there: the people who may agree, or the policy that says
  /// how many, are not those that the token knows of, or it knows of none.
  std::optional<std::string> strangers() const { return strangers_; }
  /// That it was found, for the starts to come; or that all is well again, because the newest is back.
  Result<> note(bool found, std::uint64_t records);

  /// Before a checkpoint is written to the log: registry first, then the token.
  Result<> announce(const CheckpointMark& next);
  /// Once it is there.
  Result<> confirm(const CheckpointMark& last);

 private:
  Result<> read_token();

  Registry& registry_;
  hsm::Signer& signer_;
  const std::string origin_;
  const bool in_token_;
  std::optional<CheckpointMarks> marks_;  // of the registry
  std::optional<CheckpointMark> in_token_mark_;
  std::vector<std::string> others_;  // origins of other logs that the token remembers
  std::optional<OldState> old_state_;
  std::optional<std::string> strangers_;
};

/// In the transaction in which people accept an older state. Consents that it holds may have been used already, and CRL
/// numbers may have been given; nobody here remembers.
Result<> accept_old_state(Database& database);

}  // namespace hubseal::daemon
