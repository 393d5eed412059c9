#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/audit/checkpoint.h"
#include "common/guarded.h"
#include "common/unique_fd.h"
#include "daemon/audit.h"
#include "daemon/gate.h"
#include "daemon/keyring.h"
#include "daemon/log_check.h"
#include "daemon/registry/registry.h"
#include "daemon/rollback_guard.h"

namespace hubseal::daemon {

/// Signs from time to time what the audit log is: its size and the root of its tree, with a key of the token that signs
/// nothing else. Whoever has one such checkpoint can tell a log that was changed before it.
/// Nothing is signed (by the gate) while the log disagrees with its last checkpoint (word "audit log"), or when none
/// could be made for too long, whatever hangs (word "checkpoint"). All records up to that checkpoint are read at a
/// start, those of a large log while it works. Owns: the file `checkpoints`, one signed note after the other. Threads:
/// share it freely, once start() has returned; tick() is for one thread, which has nothing else to do that could hang.
/// Who only reads does not wait for the token. Errors: storage_unavailable, and those of hsm::Signer.
class Checkpoints {
 public:
  struct Settings {
    std::uint64_t records = 1000;     ///< a checkpoint is due after so many records,
    std::chrono::seconds period{60};  ///< or when the oldest record without one is as old
    /// A registry that is new may begin beside a token that remembers another one.
    bool begin_anew = false;
    bool counter_in_token = true;  ///< the token remembers the last one as well (rollback_guard.h)
    std::vector<audit::Witness> witnesses;
    /// For how long a start reads records; what is left then is read beside the work.
    std::chrono::milliseconds check_at_start{5000};
  };
  static constexpr const char* kKeyLabel = "hubseal-audit";
  /// Periods after which a checkpoint that cannot be made stops all signing.
  static constexpr int kPatience = 10;

  Checkpoints(AuditLog& log, Registry& registry, Keyring& keyring, hsm::Signer& signer, Gate& gate)
      : log_(log), registry_(registry), keyring_(keyring), signer_(signer), gate_(gate) {}

  /// Reads back the last checkpoint in `folder` and holds the log to it; makes the key of a first start.
  /// What the log is called is derived from `instance`. A log that disagrees closes the gate and is no error; nor is
  /// one that is of another time than the registry or the token (word "rollback"), which people can accept. A registry
  /// that is new beside a token that remembers another one is an error (conflict), and nothing is made.
  Result<> start(const std::filesystem::path& folder, const std::string& instance, Settings settings);

  /// Makes one where it is due. Says when to ask again.
  std::chrono::milliseconds tick();
  /// Now, unless there is one for the log as it is.
  Result<> make();
  /// For tick(), and at a stop. Where no checkpoint can be made, because all is not of one time or the log was changed,
  /// the token remembers all the same that something was decided.
  void note_decisions();
  /// Something was decided that must not be undone by putting all of the state back: the next tick makes one.
  void hasten() { hastened_ = true; }
  /// What is not of one time, in words; nothing while all is.
  std::optional<std::string> rollback() const;
  /// Errors: sealed, storage_unavailable: nothing is built on an older registry, which does not know who was removed
  /// since, or what was decided; nor on a log that was changed.
  Result<> may_change() const;
  /// Errors: storage_unavailable where the log was changed, or may have been: that of an older state has not been read.
  Result<> refuse_altered() const;
  /// Whether the registry is new, or as good as: it has never had a checkpoint of its own that was confirmed.
  bool begins_anew() const;
  /// Errors: policy_denied where people cannot accept it, because it decides itself who they are; storage_unavailable
  /// where nobody can, as refuse_altered() says.
  Result<> may_be_accepted() const;
  /// People have looked at it and take it as it is: the next checkpoint, made now, is what all places remember.
  /// `consent` is used up once that checkpoint is signed, so that a token that is away costs no consent, and before
  /// anybody remembers it. Where it cannot be remembered then (the token or the disk is full), it is used up all the
  /// same: nothing is accepted, a new one is asked for, and CRL numbers go on as far once more.
  /// Errors: conflict where nothing is left to accept, and those of `consent`.
  Result<> accept_rollback(const std::function<Result<>()>& consent);

  struct Latest {
    audit::Checkpoint checkpoint;
    std::string note;  ///< with all cosignatures that are known
  };
  /// Errors: not_found while there is none.
  Result<Latest> latest() const;
  /// SubjectPublicKeyInfo of the key that signs. Errors: not_found before start().
  Result<Bytes> public_key() const;
  /// Takes over the cosignatures of known witnesses to the latest checkpoint: their names.
  /// Errors: bad_request (no such cosignature, no witness of ours), conflict (of another checkpoint than the latest).
  Result<std::vector<std::string>> add_cosignatures(std::string_view note);

 private:
  struct State {
    std::optional<audit::Checkpoint> last;
    audit::SignedNote note;
    bool altered = false;                                                ///< the log is not what was signed
    bool unread = false;                                                 ///< nor is it known of an older state's log
    std::optional<std::string> rollback;                                 ///< what is of another time
    std::int64_t end = 0;                                                ///< of the file
    std::optional<std::chrono::steady_clock::time_point> waiting_since;  ///< a record without a checkpoint
  };
  static constexpr std::string_view kLogWord = "audit log";
  static constexpr std::chrono::seconds kGrace{10};  // for a tick that comes late
  static tl::unexpected<Error> fail_errno(std::string_view doing);
  static CheckpointMark mark_of(const audit::Checkpoint& checkpoint);
  Result<KeyId> find_or_make_key(const std::string& instance);
  Result<> read_back(State& state);
  Result<> hold_log(const State& state, const std::filesystem::path& folder);
  Result<> hold_to_last(const State& state);
  Result<std::uint64_t> held_records();
  Result<bool> begins_with(const CheckpointMark& mark);
  std::optional<std::string> owner_decides(const State& state) const;
  Result<> find_old_state();
  void close_altered(const Error& why);
  bool read_on_before_ready();
  void count_each_other(std::uint64_t changes);
  bool check_on();
  std::chrono::milliseconds make_due();
  bool is_due(std::chrono::steady_clock::time_point now);
  void close_from(std::chrono::steady_clock::time_point since);
  struct Signed {
    audit::Checkpoint checkpoint;
    audit::SignedNote note;
  };
  Result<Signed> sign(const audit::Tree& tree);
  Result<> remember(Signed next);
  Result<> append(State& state, const audit::SignedNote& note);

  AuditLog& log_;
  Registry& registry_;
  Keyring& keyring_;
  hsm::Signer& signer_;
  Gate& gate_;
  Settings settings_;
  std::string origin_;
  KeyId key_{};
  Bytes spki_;
  UniqueFd file_;
  // These four are touched by start() and tick() only.
  std::optional<LogCheck> check_;  // of the records before the last checkpoint of the start, until all are read
  std::optional<std::chrono::steady_clock::time_point> unreadable_since_;
  std::string problem_;    // why the last checkpoint that was due was not made
  bool compared_ = false;  // start() has said what is of another time
  std::atomic<bool> hastened_{false};
  // One checkpoint at a time; held while the token signs, which may take long, and taken before state_. After start()
  // these two are touched under it only; but what guard_ says of strangers and others changes no more.
  std::mutex making_;
  std::unique_ptr<RollbackGuard> guard_;
  bool token_misses_decisions_ = false;  // and this was said
  mutable Guarded<State> state_;
};

}  // namespace hubseal::daemon
