#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit.h"
#include "daemon/registry/checkpoint_table.h"
#include "daemon/registry/registry.h"
#include "hsm/signer.h"

namespace hubseal::daemon {

/// What the token keeps: the last checkpoint, a hash of who may agree and by which policy, and changes of the registry.
struct TokenMark {
  CheckpointMark mark;
  Bytes authority;              ///< empty where the object cannot be read
  std::uint64_t changes = 0;    ///< that the registry had taken
  std::uint64_t while_old = 0;  ///< that an older registry had taken, which nobody has accepted yet
};

/// An empty log where registry or token know of records is most often a folder that is not mounted. To be called before
/// anything is recorded; `token` where it was asked. Errors: conflict.
Result<> refuse_empty_log(Registry& registry, const AuditLog& log, const std::optional<TokenMark>& token = {});

/// Lets registry and log count each other: the log says with each record how many changes the registry has taken, the
/// registry writes down with each transaction how many records the log has. What either has lost since the last
/// checkpoint is kept in the registry, so that no later start takes it back; while it is known that the registry is of
/// another time, the log says no more changes than it had when that was found, so that what is written from then on is
/// told from what was lost. To be called before a start writes to either, because what is written adds to the counts.
Result<> note_lost_work(Registry& registry, AuditLog& log);

/// What an older state is remembered by: log and registry as this start has found them.
Result<OldState> found_with(const AuditLog& log, const Registry& registry);

/// Registry, audit log and token each remember the last checkpoint, so that none of them can be put back to an older
/// day without the others saying so (a backup, a snapshot of the machine). What the token keeps is a private data
/// object called as the log's origin.
/// Threads: one at a time.
/// Errors: storage_unavailable, and those of hsm::Signer.
class RollbackGuard {
 public:
  /// Under which the gate is closed while an older state stands.
  static constexpr std::string_view kWord = "rollback";

  /// `in_token` is false for a token that cannot hold data objects: then two places are compared.
  RollbackGuard(Registry& registry, hsm::Signer& signer, std::string origin, bool in_token)
      : registry_(registry), signer_(signer), origin_(std::move(origin)), in_token_(in_token) {}

  /// What the token and the registry remember. To be called first.
  Result<> read();
  /// Where the registry has no checkpoint yet: which other ones the token remembers, in words. What they certified and
  /// revoked is known to nobody here.
  std::optional<std::string> others() const;
  /// For whoever accepts as the owner: the token remembers none of them any more, so that none goes on as if nothing
  /// had been. Before announce(), so that who is interrupted begins again.
  Result<> forget_others();
  /// Every checkpoint that the registry remembers of so many records or fewer.
  std::vector<CheckpointMark> to_hold_to(std::uint64_t records) const;
  const std::optional<OldState>& old_state() const { return old_state_; }
  const std::optional<TokenMark>& token() const { return token_; }

  /// What does not agree, in words, given the log's last checkpoint and its length; nothing while all is of one time.
  /// What crashes and failed writes between announce() and confirm() leave, also several, is of one time.
  std::optional<std::string> difference(const std::optional<CheckpointMark>& in_log, std::uint64_t records) const;
  /// What this start or an earlier one has found that no later one would find, because what is written hides it; empty:
  /// nothing. For a start, before announce(): later the token knows of more changes than that start has found.
  std::string lost() const;
  /// Whether the registry remembers a checkpoint that was made.
  bool remembers_any() const { return marks_ && marks_->last.size != 0; }
  /// Why nobody but who owns the machine can accept what is there: the people who may agree, or the policy that says
  /// how many, are not those that the token knows of, or it knows of none.
  const std::optional<std::string>& strangers() const { return strangers_; }
  /// Something else says so.
  void distrust(std::string why) { strangers_ = std::move(why); }
  /// That it was found, for the starts to come, with the words of lost(); of what was noted before only these change.
  /// Says how many changes the log may say from here on.
  Result<std::uint64_t> note(const OldState& found);
  /// All is well again, because the newest is back. The token first: it alone would blame the newest for decisions that
  /// nobody knows of any more.
  Result<> forget_old_state();

  /// While no checkpoint can be made: the token remembers that something was decided. `older`: in an older registry,
  /// whose count says nothing about that of the newest.
  Result<> note_decisions(bool older);
  /// Before a checkpoint is written to the log: registry first, then the token.
  Result<> announce(const CheckpointMark& next);
  /// Once it is there. No old state is known from here on.
  Result<> confirm(const CheckpointMark& last);

 private:
  Result<> read_token();
  Result<> write_token(const TokenMark& next);
  bool is_forgotten() const;
  bool remembers(const CheckpointMark& mark) const;
  std::string words_of_token() const;

  Registry& registry_;
  hsm::Signer& signer_;
  const std::string origin_;
  const bool in_token_;
  std::optional<CheckpointMarks> marks_;  // of the registry
  std::optional<TokenMark> token_;
  std::vector<std::string> others_;  // origins of other logs that the token remembers
  std::optional<OldState> old_state_;
  std::optional<std::string> strangers_;
};

/// In the transaction in which people accept an older state. Consents that it holds may have been used already, and CRL
/// numbers may have been given; nobody here remembers.
Result<> accept_old_state(Database& database);

}  // namespace hubseal::daemon
