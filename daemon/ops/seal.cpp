#include <nlohmann/json.hpp>

#include "common/log.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"

namespace hubseal::daemon::ops {
namespace {

constexpr std::size_t kMaxReason = 200;  // bytes

Json view_of(const SealRecord& seal) {
  return {{"sealed_at", format_utc(seal.at)},
          {"peer", seal.peer},
          {"uid", seal.uid},
          {"reason", seal.reason},
          {"seals", seal.seals}};
}

}  // namespace

Result<Json> seal(Call& call, Fields fields) {
  Services& services = call.services;
  const std::string reason = TRY(fields.text("reason", kMaxReason));
  TRY(fields.nothing_left());
  if (reason.empty() || log::printable(reason) != reason)
    return fail(Code::bad_request, "\"reason\" is empty or holds control characters; wanted a line of text");
  call.details = {{"reason", reason}};
  const SealRecord sealed = TRY(services.seal.set(
      {.at = services.clock.now(), .peer = call.peer.rule->name, .uid = call.peer.credentials.uid, .reason = reason}));
  TRY(call.wait_for_signatures("seal", "sealed"));
  if (!services.seal.record())
    return fail(Code::conflict, "sealed, and unsealed by somebody while a signature that had begun was waited for");
  Json view = view_of(sealed);
  view["approvals_to_unseal"] = call.policy->approvals_needed.at("unseal");
  view["approvers"] = TRY(services.approvers.list()).size();
  return view;
}

/// Lifts what a person or the rollback guard has sealed: who agrees sees which, and why.
Result<Json> unseal(Call& call, Fields fields) {
  Services& services = call.services;
  TRY(fields.nothing_left());
  const auto sealed = services.seal.record();
  const auto rollback = services.checkpoints.rollback();
  if (!sealed && !rollback) return fail(Code::conflict, "nothing is sealed");
  if (sealed) call.details["sealed"] = view_of(*sealed);
  if (rollback) call.details["rollback"] = *rollback;
  TRY(services.checkpoints.may_be_accepted());
  const Grant grant = TRY(call.authorize({.operation = "unseal", .about = "hubseald", .content = call.details}));
  TRY(call.record_intent("unseal_intent"));
  if (rollback) {
    TRY(services.keyring.postpone_destruction(call.policy->destroy_delay));
    TRY(services.checkpoints.accept_rollback([&] { return services.seal.lift(sealed, grant, &accept_old_state); }));
  } else {
    TRY(services.seal.lift(sealed, grant));
  }
  services.housekeeper.wake();  // lists that could not be signed meanwhile are late
  return call.details;
}

}  // namespace hubseal::daemon::ops
