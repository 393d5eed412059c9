#pragma once

#include <memory>
#include <set>

#include "common/clock.h"
#include "common/result.h"
#include "daemon/approvals/approvals.h"
#include "daemon/approvals/approvers.h"
#include "daemon/audit.h"
#include "daemon/authorities.h"
#include "daemon/checkpoints.h"
#include "daemon/clock_guard.h"
#include "daemon/dispatch.h"
#include "daemon/gate.h"
#include "daemon/housekeeper.h"
#include "daemon/issuance.h"
#include "daemon/jws/jws_signer.h"
#include "daemon/keyring.h"
#include "daemon/ocsp_responder.h"
#include "daemon/policy/policies.h"
#include "daemon/quota/quotas.h"
#include "daemon/quota/refusals.h"
#include "daemon/register.h"
#include "daemon/registry/registry.h"
#include "daemon/revocation.h"
#include "daemon/rotations.h"
#include "daemon/seal.h"
#include "daemon/state_folder.h"
#include "hsm/signer.h"

namespace hubseal::daemon {

/// Everything between the sockets and the token, put together in order and taken apart in reverse.
/// Owns: the daemon's memory (registry, audit log) in its state folder.
/// Threads: share it freely once it is open.
class KeyRoom {
 public:
  struct Places {
    const StateFolder& state;
    PolicyFiles policy;
    std::vector<PeerRule> peers;  ///< of the configuration: a policy must hold the profiles that they name
    std::int64_t audit_file_bytes = AuditLog::kFileBytes;
    std::filesystem::path crl_folder = {};  ///< empty: crl in the state folder
    AuditLog::Progress reading = {};        ///< of the log, before it is ready
  };
  /// State folder, signer and clock must outlive it.
  static Result<std::unique_ptr<KeyRoom>> open(const Places& places, hsm::Signer& signer, const Clock& clock);

  /// Signs and verifies a challenge with every registered key, and prepares what no request should wait for.
  Result<> prove();

  Dispatcher& dispatcher() { return dispatcher_; }
  Registry& registry() { return *registry_; }
  AuditLog& audit() { return *audit_; }
  Keyring& keyring() { return *keyring_; }
  Rotations& rotations() { return *rotations_; }
  Policies& policies() { return *policies_; }
  Issuance& issuance() { return issuance_; }
  Gate& gate() { return gate_; }
  Approvals& approvals() { return approvals_; }
  Checkpoints& checkpoints() { return checkpoints_; }

  /// Holds the audit log to its last checkpoint, and makes the next ones. To be called once, before housekeeping
  /// starts.
  Result<> start_checkpoints(Checkpoints::Settings settings);

  /// For the machine's owner, who `uid` is, once checkpoints have started: what was of another time, in words, and a
  /// registry that is new gets its first checkpoint; nothing where all is of one time. Recorded.
  Result<std::optional<std::string>> accept_old_state(std::int64_t uid);

  /// At the end: what was counted and not yet written.
  Result<> save();

  /// From now on what is due from time to time is done without being asked for.
  void start_housekeeping() {
    housekeeper_.start();
    checkpoint_keeper_.start();
  }

 private:
  struct Parts {
    std::vector<PeerRule> peers;
    std::filesystem::path crl_folder;
    std::unique_ptr<AuditLog> audit;
    std::unique_ptr<Registry> registry;
    std::unique_ptr<Policies> policies;
    std::unique_ptr<Quotas> quotas;
    std::unique_ptr<Keyring> keyring;
    std::unique_ptr<Rotations> rotations;
    std::unique_ptr<Authorities> authorities;
  };
  KeyRoom(Parts parts, hsm::Signer& signer, const Clock& clock);
  Services services(hsm::Signer& signer, const Clock& clock);
  Housekeeper::Duration expire_approvals();
  Housekeeper::Duration destroy_keys();
  Housekeeper::Duration rotate_keys();
  void rotate(const RotationRecord& rotation);
  Housekeeper::Duration look_for_missing_keys();

  const std::vector<PeerRule> peers_;
  const std::unique_ptr<AuditLog> audit_;
  const std::unique_ptr<Registry> registry_;
  const std::unique_ptr<Policies> policies_;
  const std::unique_ptr<Quotas> quotas_;
  const std::unique_ptr<Keyring> keyring_;
  const std::unique_ptr<Rotations> rotations_;
  const std::unique_ptr<Authorities> authorities_;
  Gate gate_;
  Seal seal_;
  Checkpoints checkpoints_;
  const ClockGuard guard_;
  Approvals approvals_;
  Approvers approvers_;
  Register subjects_;
  Refusals refusals_;
  Issuance issuance_;
  Revocation revocation_;
  OcspResponder ocsp_;
  jws::JwsSigner jws_;
  Dispatcher dispatcher_;
  std::set<std::string> being_destroyed_;  // keys whose end is announced in the log; only touched by the housekeeper
  // Of the monotonic clock; only touched by the housekeeper. For keys to be destroyed, and for rotations.
  std::chrono::seconds waited_until_{}, rotated_until_{};
  // Last: their threads use all the others. Checkpoints have one of their own, because signing ends where none comes in
  // time: no other call to the token that is slow may hold them up, nor they the others.
  Housekeeper housekeeper_, checkpoint_keeper_;
};

}  // namespace hubseal::daemon
