#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/guarded.h"
#include "common/openssl.h"
#include "daemon/approvals/approvals.h"
#include "daemon/registry/key_table.h"
#include "daemon/registry/registry.h"
#include "hsm/signer.h"

namespace hubseal::daemon {

/// A registered key as it is now: what the registry says of it and what the token shows.
struct Key {
  KeyRecord record;
  std::optional<hsm::KeyInfo> in_token;  ///< nothing while the token does not hold it
};

/// How a new key begins.
struct KeyStart {
  KeyLife life = KeyLife::active;  ///< or pre_activation
  KeyBackup backup = KeyBackup::none;
  std::optional<SignatureAlgorithm> algorithm = {};  ///< of a key for JWS; none: the usual one of its type
};

/// Which keys exist, what each may serve, and where it stands in its life. A key signs only for the use it was made
/// for, while it is active and nobody waits for its backup.
/// Owns: the registered keys in memory; the registry has them on disk.
/// Threads: share it freely.
class Keyring {
 public:
  static Result<std::unique_ptr<Keyring>> open(Registry& registry, hsm::Signer& signer, const Clock& clock);

  /// The key of this label, if it may sign for this use now. forbidden for one that was made for another, so that what
  /// exists and what may not be used look the same to who asks; policy_denied for one that is not active.
  Result<KeyRecord> find(std::string_view label, KeyUse use) const;
  /// As it is registered, if it is.
  std::optional<KeyRecord> find_record(std::string_view label) const;
  /// Looked for in the token anew where that has not shown it.
  Result<Key> show(std::string_view label) const;
  /// What the token has shown of it so far, for what is urgent: the token is not asked, because it may hang. Errors:
  /// hsm_unavailable while it is away, when what it does not show may be there.
  Result<std::optional<hsm::KeyInfo>> shown(std::string_view label) const;
  /// Whether somebody else has, or had, this key: now, or before it was destroyed.
  bool is_compromised(std::string_view label) const;
  /// Signs and verifies a challenge, whatever its life. Errors: those of the token, that it is not there among them.
  Result<> try_out(std::string_view label) const;
  /// The label under which the key of this id is registered, if it is.
  std::optional<std::string> label_of(const KeyId& id) const;
  /// With what the token says now.
  Result<std::vector<Key>> list() const;

  /// Keys that are made at the same time; a token may take seconds for each.
  static constexpr std::size_t kMadeAtOnce = 2;
  /// For which more of them wait, as signatures do for a session of the token.
  static constexpr std::chrono::seconds kPatience{5};

  /// Makes a key in the token and registers it. Other keys can be changed meanwhile. `go_ahead` is asked when its turn
  /// has come: what allowed it may have ended while it waited.
  /// Errors: conflict (label taken in registry or token), hsm_busy (its turn did not come in time),
  /// storage_unavailable, hsm_unavailable, those of `go_ahead`.
  using GoAhead = std::function<Result<>()>;
  /// What is written in the same transaction, or refuses it.
  using Also = std::function<Result<>(Database&)>;
  Result<Key> create(const std::string& label, KeyType type, KeyUse use, const KeyStart& start = {},
                     const GoAhead& go_ahead = {}, const Also& also = {});

  /// Registers a key that is in the token already, once it has proven itself. Errors: conflict, not_found.
  Result<Key> adopt(const std::string& label, const KeyId& id, KeyUse use, const Grant& grant);

  /// The key as change() would leave it. Errors: forbidden (no such key), conflict (its life does not lead there, or
  /// it is there already), policy_denied (a key that is the daemon's own affair, but for an OCSP key that is gone).
  using Change = std::function<Result<>(KeyRecord&)>;
  Result<KeyRecord> check(std::string_view label, const Change& change) const;
  Result<KeyRecord> change(std::string_view label, const Change& change, const Also& also);
  /// Uses the grant up in the transaction that writes the change.
  Result<KeyRecord> change(std::string_view label, const Change& change, const Grant& grant) {
    return this->change(label, change, [&](Database& database) { return grant.use(database); });
  }

  /// Does `work` while the key of this label is active and nobody can change that. Errors: those of find and of `work`.
  Result<> while_active(std::string_view label, KeyUse use, const std::function<Result<>()>& work) const;

  /// One of hubseald's own that has a successor: it signs no more, and is destroyed at that time.
  Result<> retire_own(std::string_view label, TimePoint destroy_at);

  /// Takes `elapsed`, by a clock that nobody can set, off what keys that are to be destroyed wait for.
  Result<> count_waiting(std::chrono::seconds elapsed);
  /// No key is destroyed before so much time has passed, by both clocks: for the registry of an older time, which does
  /// not know which keys were kept after all.
  Result<> postpone_destruction(std::chrono::seconds wait);
  /// Keys whose time to be destroyed has come by both clocks.
  std::vector<KeyRecord> due(TimePoint now) const;
  /// Destroys it in the token, then writes so. One that the token does not show counts as destroyed only where an
  /// attempt may have done it and the token shows every other key that must be there. For one thread.
  Result<> destroy(const KeyRecord& key);
  struct Failed {
    std::string label, reason;
  };
  /// Keys that could not be destroyed on their day, and why, in words: these name other keys of the token.
  std::vector<Failed> undestroyed() const;

  /// Signs and verifies a challenge with every key that may still sign (the self-test before READY). One that fails, or
  /// is not in the token, keeps none of the others from signing: it is told, and what needs it is refused. Errors: of
  /// the audit log's key, without which nothing is signed, and of a token that fails as a whole.
  Result<> prove_all();
  /// Keys with which the token refused the self-test, though its list shows nothing wrong with them; and why.
  std::vector<Failed> unproven() const;
  /// Has these try again.
  void prove_again();

 private:
  Keyring(Registry& registry, hsm::Signer& signer, const Clock& clock)
      : registry_(registry), signer_(signer), clock_(clock) {}
  /// Nothing while the token does not hold it.
  Result<std::optional<hsm::KeyInfo>> find_in_token(const KeyId& id) const;
  Result<> check_free(std::string_view label) const;
  Result<> prove(const KeyRecord& record);
  Result<> destroy_in_token(const KeyRecord& key);
  Result<> note_attempt(const std::string& label, bool may_be_gone);
  Result<> check_gone(const KeyRecord& key) const;

  /// The label of a key that is being made, and its turn.
  class Making {
   public:
    Making(Keyring& keyring, std::string label) : keyring_(keyring), label_(std::move(label)) {}
    ~Making();
    Making(const Making&) = delete;  // gives both back
    Making& operator=(const Making&) = delete;
    Result<> wait_for_turn();

   private:
    Keyring& keyring_;
    const std::string label_;
    bool has_turn_ = false;
  };
  Result<std::unique_ptr<Making>> begin_making(const std::string& label);
  struct InTheMaking {
    std::set<std::string, std::less<>> labels;  // also of those that wait
    std::size_t turns = 0;
  };

  Registry& registry_;
  hsm::Signer& signer_;
  const Clock& clock_;
  mutable Guarded<std::map<std::string, KeyRecord, std::less<>>> keys_;
  // One key is registered or changed at a time; never held while the token works. The label of the key that is being
  // destroyed, which nobody changes meanwhile.
  mutable Guarded<std::string> changing_;
  mutable Guarded<InTheMaking> making_;
  // By label: why the last try failed, and why the self-test did.
  mutable Guarded<std::map<std::string, std::string, std::less<>>> undestroyed_, unproven_;
  std::condition_variable turn_;
};

/// What a life leads to. Errors: conflict naming both.
Result<> enter_life(KeyRecord& key, KeyLife to, TimePoint now);

}  // namespace hubseal::daemon
