#include "daemon/key_room.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/log.h"
#include "daemon/ca/lint.h"
#include "daemon/registry/instance_table.h"

namespace hubseal::daemon {
namespace {

/// Of a key that is there. What is to be destroyed by now, its destruction tells.
void take_back_may_be_gone(Keyring& keyring, const std::string& label) {
  const auto take_back = [&](KeyRecord& key) -> Result<> {
    if (key.destroy_at) return fail(Code::conflict, "it is to be destroyed");
    key.destruction_begun = false;
    return {};
  };
  if (const auto done = keyring.change(label, take_back, Grant()); !done)
    log::warning("a key that is in the token is still called one that may be gone",
                 {{"key", label}, {"reason", done.error().message}});
}

}  // namespace

Result<std::unique_ptr<KeyRoom>> KeyRoom::open(const Places& places, hsm::Signer& signer, const Clock& clock) {
  Parts parts;
  parts.peers = places.peers;
  parts.crl_folder = places.crl_folder.empty() ? places.state.path() / "crl" : places.crl_folder;
  parts.audit = TRY(AuditLog::open(places.state.audit(), clock, places.audit_file_bytes, places.reading));
  parts.registry = TRY(Registry::open(places.state.path()));
  TRY(note_lost_work(*parts.registry, *parts.audit));  // before anything is written to it
  parts.policies = TRY(Policies::open(places.policy, *parts.registry, clock));
  parts.quotas = TRY(Quotas::open(*parts.registry, clock));
  parts.keyring = TRY(Keyring::open(*parts.registry, signer, clock));
  parts.rotations = TRY(Rotations::open(*parts.registry, *parts.keyring, clock));
  parts.authorities = TRY(Authorities::open(*parts.registry));
  std::unique_ptr<KeyRoom> room(new KeyRoom(std::move(parts), signer, clock));
  TRY(room->seal_.restore());
  return room;
}

KeyRoom::KeyRoom(Parts parts, hsm::Signer& signer, const Clock& clock)
    : peers_(std::move(parts.peers)),
      audit_(std::move(parts.audit)),
      registry_(std::move(parts.registry)),
      policies_(std::move(parts.policies)),
      quotas_(std::move(parts.quotas)),
      keyring_(std::move(parts.keyring)),
      rotations_(std::move(parts.rotations)),
      authorities_(std::move(parts.authorities)),
      seal_(*registry_, gate_),
      checkpoints_(*audit_, *registry_, *keyring_, signer, gate_),
      guard_(clock, *registry_),
      approvals_(*registry_, clock),
      approvers_(*registry_, clock),
      subjects_(*registry_),
      refusals_(*quotas_, *audit_, clock),
      issuance_({.registry = *registry_,
                 .audit = *audit_,
                 .authorities = *authorities_,
                 .keyring = *keyring_,
                 .signer = signer,
                 .clock = guard_}),
      revocation_({.registry = *registry_,
                   .audit = *audit_,
                   .authorities = *authorities_,
                   .keyring = *keyring_,
                   .signer = signer,
                   .gate = gate_,
                   .clock = clock,
                   .guard = guard_,
                   .folder = std::move(parts.crl_folder)}),
      ocsp_({.registry = *registry_,
             .audit = *audit_,
             .authorities = *authorities_,
             .keyring = *keyring_,
             .issuance = issuance_,
             .quotas = *quotas_,
             .signer = signer,
             .gate = gate_,
             .clock = guard_}),
      jws_(signer),
      dispatcher_(services(signer, clock)),
      waited_until_(guard_.elapsed()),
      rotated_until_(waited_until_) {
  housekeeper_.add("counts of refusals", [this]() -> Housekeeper::Duration {
    if (const auto recorded = refusals_.record_counts(); !recorded)
      log::warning("counts of refusals were not recorded", {{"reason", recorded.error().message}});
    return Refusals::kInterval;
  });
  housekeeper_.add("a registry that could not be written", [this]() -> Housekeeper::Duration {
    registry_->retry();
    return std::chrono::seconds(30);
  });
  housekeeper_.add("CRLs", [this] { return revocation_.tick(); });
  housekeeper_.add("OCSP answers", [this] { return ocsp_.renew_ahead(*policies_->current()); });
  housekeeper_.add("keys to be destroyed", [this] { return destroy_keys(); });
  housekeeper_.add("rotations of keys", [this] { return rotate_keys(); });
  housekeeper_.add("keys that are missing", [this] { return look_for_missing_keys(); });
  housekeeper_.add("keys that failed their self-test", [this] {
    keyring_->prove_again();
    return std::chrono::seconds(10);
  });
  housekeeper_.add("approvals that expire", [this] { return expire_approvals(); });
}

Result<> KeyRoom::start_checkpoints(Checkpoints::Settings settings) {
  const std::string instance = TRY(registry_->read(&instance_table::id));
  TRY(checkpoints_.start(audit_->folder(), instance, std::move(settings)));
  checkpoint_keeper_.add("checkpoints of the audit log", [this] { return checkpoints_.tick(); });
  return {};
}

Result<std::optional<std::string>> KeyRoom::accept_old_state(std::int64_t uid) {
  TRY(checkpoints_.refuse_altered());
  const auto found = checkpoints_.rollback();
  if (!found && !checkpoints_.begins_anew()) return found;
  const std::string accepted = found.value_or("a new registry begins with this token");
  const auto consent = [&]() -> Result<> {
    TRY(audit_->record(Json{{"event", "state_accepted"}, {"rollback", accepted}, {"uid", uid}}));
    return registry_->write(&daemon::accept_old_state);
  };
  TRY(keyring_->postpone_destruction(policies_->current()->destroy_delay));
  TRY(rotations_->wait_anew());
  if (found) {
    TRY(checkpoints_.accept_rollback(consent));
  } else {
    TRY(consent());
    TRY(checkpoints_.make());
  }
  return accepted;
}

Result<> KeyRoom::save() {
  TRY(refusals_.record_counts());
  return quotas_->save();
}

Services KeyRoom::services(hsm::Signer& signer, const Clock& clock) {
  return {.registry = *registry_,
          .audit = *audit_,
          .checkpoints = checkpoints_,
          .gate = gate_,
          .seal = seal_,
          .keyring = *keyring_,
          .rotations = *rotations_,
          .authorities = *authorities_,
          .policies = *policies_,
          .peers = peers_,
          .approvals = approvals_,
          .subjects = subjects_,
          .quotas = *quotas_,
          .refusals = refusals_,
          .approvers = approvers_,
          .issuance = issuance_,
          .revocation = revocation_,
          .ocsp = ocsp_,
          .jws = jws_,
          .signer = signer,
          .clock = clock,
          .guard = guard_,
          .housekeeper = housekeeper_,
          .checkpoint_keeper = checkpoint_keeper_,
          .started = std::chrono::steady_clock::now()};
}

Housekeeper::Duration KeyRoom::expire_approvals() {
  const auto expired = approvals_.expire([this](const ApprovalRecord& approval) {
    return audit_->record(Json{{"event", "approval_expired"},
                               {"approval", approval_id(approval)},
                               {"asked_for", approval.operation},
                               {"about", approval.about}});
  });
  if (!expired) log::warning("expired approvals were not written down", {{"reason", expired.error().message}});
  return std::chrono::minutes(1);
}

// What cannot be undone waits for two clocks: the wall clock, while it can be believed, and the time for which hubseald
// has run, because a wall clock that was wrong from the start is not noticed.
Housekeeper::Duration KeyRoom::destroy_keys() {
  constexpr std::chrono::seconds kTick{30};
  const auto until = guard_.elapsed();
  if (!checkpoints_.may_change()) {  // an older state does not know which keys were kept after all
    waited_until_ = until;
    return kTick;
  }
  if (const auto counted = keyring_->count_waiting(until - waited_until_); !counted)
    log::warning("waiting for keys to be destroyed was not counted", {{"reason", counted.error().message}});
  else
    waited_until_ = until;
  const auto now = guard_.now();
  if (!now) return kTick;
  const auto due = keyring_->due(*now);
  std::erase_if(being_destroyed_, [&](const std::string& label) {  // kept after all: announced anew if it comes to that
    return std::none_of(due.begin(), due.end(), [&](const KeyRecord& key) { return key.label == label; });
  });
  for (const KeyRecord& key : due) {
    if (!checkpoints_.may_change()) return kTick;  // the one before may have taken minutes
    Json record = {{"event", "key_destruction_intent"}, {"key", key.label}, {"key_id", to_hex(key.id)}};
    // Once, however long the token is away.
    Result<> done;
    if (!being_destroyed_.contains(key.label)) done = audit_->record(record);
    if (done) being_destroyed_.insert(key.label);
    if (done) done = keyring_->destroy(key);
    record["event"] = "key_destroyed";
    if (done) done = audit_->record(record);
    if (!done) log::warning("a key was not destroyed", {{"key", key.label}, {"reason", done.error().message}});
  }
  return kTick;
}

// By the same two clocks: what comes too soon, verifiers do not know yet or need still. A hub that is stopped changes
// nothing of what it signs with.
Housekeeper::Duration KeyRoom::rotate_keys() {
  constexpr std::chrono::seconds kTick{30};
  const auto until = guard_.elapsed();
  if (!checkpoints_.may_change()) {
    rotated_until_ = until;
    return kTick;
  }
  if (const auto counted = rotations_->count_waiting(until - rotated_until_); !counted)
    log::warning("waiting for rotations was not counted", {{"reason", counted.error().message}});
  else
    rotated_until_ = until;
  const auto now = guard_.now();
  if (!now) return kTick;
  for (const RotationRecord& rotation : rotations_->due(*now)) {
    const auto pass = gate_.enter();
    if (!pass || !checkpoints_.may_change()) return kTick;
    rotate(rotation);
  }
  return kTick;
}

void KeyRoom::rotate(const RotationRecord& rotation) {
  const RotationStep to = Rotations::next(rotation.step).value_or(rotation.step);
  Json record = {{"event", "rotation_step_intent"},  {"key", rotations_->line_of(rotation.predecessor)},
                 {"from", rotation.predecessor},     {"successor", rotation.successor},
                 {"step", to_string(rotation.step)}, {"to", to_string(to)}};
  // Once, however often it is tried.
  const bool is_known = rotations_->in_trouble(rotation);
  Result<> done;
  if (!is_known) done = audit_->record(record);
  if (done) {
    const auto stepped = rotations_->go_on(rotation, policies_->current()->destroy_delay);
    if (!stepped) done = tl::unexpected(stepped.error());
    if (!stepped) rotations_->note_trouble(rotation, stepped.error().message);
  }
  record["event"] = "rotation_step";
  if (done) done = audit_->record(record);
  if (done)
    checkpoints_.hasten();
  else if (!is_known)
    log::warning("a rotation did not go on", {{"key", rotation.successor}, {"reason", done.error().message}});
}

// So that health does not call a key missing for as long as nobody asks for it, and so that one which may be gone, was
// kept, and is there after all testifies for others again (decision 062).
Housekeeper::Duration KeyRoom::look_for_missing_keys() {
  constexpr std::chrono::minutes kTick{1};
  const auto keys = keyring_->list();
  if (!keys) return kTick;
  for (const Key& key : *keys) {
    const KeyRecord& record = key.record;
    if (record.life == KeyLife::destroyed) continue;
    if (!key.in_token)
      (void)keyring_->show(record.label);
    else if (checkpoints_.may_change() && record.destruction_begun && !record.destroy_at &&
             key.in_token->state == hsm::KeyState::active)
      take_back_may_be_gone(*keyring_, record.label);
  }
  return kTick;
}

Result<> KeyRoom::prove() {
  TRY(keyring_->prove_all());
  ca::make_throwaway_signatures();
  return {};
}

}  // namespace hubseal::daemon
