#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/fields.h"
#include "common/json.h"
#include "common/wire/message.h"
#include "daemon/approvals/approvals.h"
#include "daemon/approvals/approvers.h"
#include "daemon/audit.h"
#include "daemon/authorities.h"
#include "daemon/checkpoints.h"
#include "daemon/clock_guard.h"
#include "daemon/gate.h"
#include "daemon/housekeeper.h"
#include "daemon/issuance.h"
#include "daemon/jws/jws_signer.h"
#include "daemon/keyring.h"
#include "daemon/peer.h"
#include "daemon/policy/policies.h"
#include "daemon/quota/quotas.h"
#include "daemon/quota/refusals.h"
#include "daemon/register.h"
#include "daemon/rotations.h"
#include "daemon/seal.h"
#include "hsm/signer.h"

namespace hubseal::daemon {

class OcspResponder;
class Revocation;

/// Everything that an operation may use. Owns nothing.
struct Services {
  Registry& registry;
  AuditLog& audit;
  Checkpoints& checkpoints;
  Gate& gate;
  Seal& seal;
  Keyring& keyring;
  Rotations& rotations;
  Authorities& authorities;
  Policies& policies;
  const std::vector<PeerRule>& peers;  ///< of the configuration
  Approvals& approvals;
  Register& subjects;
  Quotas& quotas;
  Refusals& refusals;
  Approvers& approvers;
  Issuance& issuance;
  Revocation& revocation;
  OcspResponder& ocsp;
  jws::JwsSigner& jws;
  hsm::Signer& signer;
  const Clock& clock;
  const ClockGuard& guard;  ///< for what a wrong clock must not decide
  Housekeeper& housekeeper;
  const Housekeeper& checkpoint_keeper;
  std::chrono::steady_clock::time_point started;
};

/// One operation under way.
struct Call {
  const Peer& peer;
  Services& services;
  /// In force when the call began, and for the whole of it.
  const std::shared_ptr<const Policy> policy;
  /// What the audit record of this call says beyond who asked and what came of it.
  Json details;
  /// Set once the operation has written its result to the audit log itself.
  bool recorded = false;
  /// Whether a request that approvers rejected is made once more, instead of being told of the rejection.
  bool anew = false;
  /// The right to sign, of an operation that signs. It ends when the result is recorded.
  std::optional<Gate::Pass>* pass = nullptr;

  /// The peer's part of an audit record.
  Json who() const;
  /// Writes `event` with the details so far: for what cannot be undone, before it is done.
  Result<> record_intent(std::string_view event) const;
  /// After `done`, which lets nobody begin any more: whoever began before may still be waiting for the token. A record
  /// says meanwhile that `done` stands, so that a checkpoint remembers it before the answer.
  /// Errors: hsm_busy when that takes too long.
  Result<> wait_for_signatures(std::string_view operation, std::string_view done) const;
  /// Gives up the right to sign for what takes long and signs with no key that is in use: nobody waits for it.
  void leave_gate() const;
  /// Takes it again. Errors: those for which nothing is signed now.
  Result<> enter_gate() const;
  /// Writes this call's result, `error` or success, with its details.
  Result<> record_result(std::string_view operation, const Error* error = nullptr) const;
  /// Uses up a part of what may be asked, before anything costly is done. Errors: rate_limited.
  Result<> spend(const std::vector<Use>& uses) const;
  /// The right to do `action`, if `needed` people other than the peer have agreed to it (Approvals).
  Result<Grant> authorize(unsigned needed, const Action& action);
  /// The same for an operation whose number stands in policy.toml. Where nothing that it changes is in
  /// the registry, the grant is used up here.
  Result<Grant> authorize(const Action& action);
  Result<> authorize_now(const Action& action);
  /// For Issuance: the result with serial and certificate, written before the certificate can be read.
  using DescribePrepared = std::function<Result<Action>(const ca::Prepared&)>;
  Issuance::Trail trail(std::string_view operation, unsigned needed, DescribePrepared action);
};

using Handler = Result<Json> (*)(Call& call, Fields fields);

/// What an operation does to the world.
enum class Effect {
  reads,    ///< nothing
  changes,  ///< something: its success is written to the audit log (refusals always are)
  signs,    ///< likewise, and it is refused while the gate is closed
};

/// A row of the table of operations. What has no row does not exist.
struct Operation {
  std::string_view name;
  Permission permission;
  unsigned sockets;  ///< SocketBit bits: where it is offered
  Effect effect;
  Handler handler;
  /// Of one that changes something: whether it is there while registry, log and token are not of one time. What only
  /// takes rights away is, and what ends that time.
  bool on_old_state = false;
};

/// The names of the operations that the peer may ask for on its socket.
std::vector<std::string_view> operations_of(const Peer& peer);

/// Line in, line out: decodes, finds the row, checks socket and permission, runs the operation and
/// records it. No descriptor, no socket: tests and fuzzers call it as the server does.
/// Threads: share it freely.
class Dispatcher {
 public:
  explicit Dispatcher(Services services) : services_(services) {}

  /// The reply to `line`, without line feed. Never throws.
  std::string handle(const Peer& peer, std::string_view line);
  /// The reply to what never became a line (too long, not finished), which is recorded as well.
  std::string refuse_line(const Peer& peer, const Error& error);

 private:
  Result<Json> invoke(Call& call, const Operation& operation, const wire::Request& request,
                      std::optional<Gate::Pass>& pass);
  std::string record(Call& call, const Operation& operation, const wire::Request& request, const Result<Json>& reply);
  std::string refuse(Call call, const wire::Request& request, const Error& error);
  Error incident(std::string_view operation, std::string_view story);

  Services services_;
  std::atomic<std::uint64_t> incidents_{0};
};

}  // namespace hubseal::daemon
