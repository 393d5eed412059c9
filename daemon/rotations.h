#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/guarded.h"
#include "daemon/keyring.h"
#include "daemon/registry/rotation_table.h"

namespace hubseal::daemon {

/// How one key for JWS takes over from another, so that services go on asking for the first one's label. A key and
/// those that took over from it are a line, called by the label of the first; a label stands for its key and all that
/// took over from it. Which keys are of a line is what people had rotated, and never how a key is called.
/// Owns: the rotations in memory; the registry has them on disk, each step in one transaction with what it changes of
/// a key.
/// Threads: share it freely.
class Rotations {
 public:
  /// Errors: internal, where what the registry has is no line.
  static Result<std::unique_ptr<Rotations>> open(Registry& registry, Keyring& keyring, const Clock& clock);

  /// The label of the first key of the line.
  std::string line_of(std::string_view label) const;
  /// Of the key that signs where this one is asked for.
  std::string signer_of(std::string_view label) const;
  /// That key, if it may sign now. Errors: those of Keyring::find.
  Result<KeyRecord> find_signing(std::string_view label) const;
  /// Whether verifiers have to check what it signs, signed or is about to sign.
  bool is_shown(const KeyRecord& key) const;
  /// Oldest first.
  std::vector<RotationRecord> list() const { return *rotations_.lock(); }
  /// Whether anything but a rotation may bring this key to that life, or destroy it. Errors: policy_denied, with what
  /// to do instead.
  Result<> check_may_activate(const KeyRecord& key) const;
  Result<> check_may_destroy(const KeyRecord& key) const;

  /// The key from which the next one of its line would take over now. Errors: forbidden (no such key), conflict (its
  /// line is being rotated, or it has never signed).
  Result<KeyRecord> check_begin(std::string_view label) const;
  /// Has the next key made by `make`, which writes in the transaction that registers it what it is told to. Published
  /// at once where it is activated by itself and nobody waits for a backup. Errors: those of check_begin and of `make`.
  struct Start {
    std::string predecessor, successor;
    RotationPlan plan;
    bool backup_required = false;
  };
  using Make = std::function<Result<Key>(const Keyring::Also&)>;
  Result<RotationRecord> begin(const Start& start, const Make& make);

  /// The rotation of this line that would come to this step next, or could be cancelled. Errors: forbidden (no such
  /// key), conflict (there is none, or its key is in no state for it), policy_denied (what only time does), those of
  /// the token where the next key is to sign and does not.
  Result<RotationRecord> check(std::string_view label, RotationStep to) const;
  /// Brings it there, if it is still where `before` has it. `delay` is between the last step and the end of the old
  /// key; `also` is written in the same transaction.
  Result<RotationRecord> step(const RotationRecord& before, RotationStep to, std::chrono::hours delay,
                              const Keyring::Also& also);
  static std::optional<RotationStep> next(RotationStep step);
  /// The next step, because its time has come. Errors: those of step; policy_denied: people have suspended the key that
  /// signs, and time does not take that back.
  Result<RotationRecord> go_on(const RotationRecord& rotation, std::chrono::hours delay);

  /// Takes `elapsed`, by a clock that nobody can set, off what rotations wait for; none waits longer from now on than
  /// its step takes.
  Result<> count_waiting(std::chrono::seconds elapsed);
  /// All that goes on by itself waits for its whole time again: for the registry of an older time, which does not know
  /// what verifiers have been shown meanwhile.
  Result<> wait_anew();
  /// Those whose next step has come by both clocks, and which are not waiting for people.
  std::vector<RotationRecord> due(TimePoint now) const;
  /// Why the step that was due has not been made; "" when it has. Told in health.
  void note_trouble(const RotationRecord& rotation, const std::string& reason);
  bool in_trouble(const RotationRecord& rotation) const;
  struct Trouble {
    RotationRecord rotation;
    std::string reason;
  };
  std::vector<Trouble> troubles() const;

 private:
  Rotations(Registry& registry, Keyring& keyring, const Clock& clock)
      : registry_(registry), keyring_(keyring), clock_(clock) {}
  std::optional<RotationRecord> find(std::string_view successor) const;
  Result<std::string> known_line(std::string_view label) const;
  /// The key that a step changes, and how.
  std::pair<std::string, Keyring::Change> key_change(const RotationRecord& rotation, RotationStep to,
                                                     std::chrono::hours delay) const;
  Result<> check_signs(const RotationRecord& rotation, RotationStep to) const;
  Result<> check_not_suspended(const RotationRecord& rotation) const;
  void enter(RotationRecord& rotation, RotationStep to) const;
  Result<> rewrite(const std::function<bool(RotationRecord&)>& change);
  void keep(const RotationRecord& rotation);

  Registry& registry_;
  Keyring& keyring_;
  const Clock& clock_;
  std::mutex stepping_;  // one step at a time; who looks keys up does not wait for it
  // With those whose key is being made, so that nobody begins twice and nobody is shown the key too soon.
  mutable Guarded<std::vector<RotationRecord>> rotations_;
  mutable Guarded<std::map<std::string, std::string, std::less<>>> troubles_;  // by successor
};

}  // namespace hubseal::daemon
