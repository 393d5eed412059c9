#include "daemon/key_room.h"

#include "daemon/ca/lint.h"

namespace hubseal::daemon {
Result<std::unique_ptr<KeyRoom>> KeyRoom::open(const Places& places, hsm::Signer& signer, const Clock& clock) {
  Parts parts;
  parts.policies = TRY(Policies::open(places.policy));
  parts.audit = TRY(AuditLog::open(places.state.audit(), clock));
  parts.registry = TRY(Registry::open(places.state.path()));
  parts.keyring = TRY(Keyring::open(*parts.registry, signer, clock));
  parts.authorities = TRY(Authorities::open(*parts.registry));
  return std::unique_ptr<KeyRoom>(new KeyRoom(std::move(parts), signer, clock));
}

KeyRoom::KeyRoom(Parts parts, hsm::Signer& signer, const Clock& clock)
    : policies_(std::move(parts.policies)),
      audit_(std::move(parts.audit)),
      registry_(std::move(parts.registry)),
      keyring_(std::move(parts.keyring)),
      authorities_(std::move(parts.authorities)),
      guard_(clock, *registry_),
      approvals_(*registry_, clock),
      issuance_(*registry_, *audit_, *authorities_, signer, guard_),
      jws_(signer),
      dispatcher_(services(signer)) {}

Services KeyRoom::services(hsm::Signer& signer) {
  return {.registry = *registry_,
          .audit = *audit_,
          .gate = gate_,
          .keyring = *keyring_,
          .authorities = *authorities_,
          .policies = *policies_,
          .approvals = approvals_,
          .issuance = issuance_,
          .jws = jws_,
          .signer = signer,
          .started = std::chrono::steady_clock::now()};
}

Result<> KeyRoom::prove() const {
  TRY(keyring_->prove_all());
  ca::make_throwaway_keys();
  return {};
}

}  // namespace hubseal::daemon
