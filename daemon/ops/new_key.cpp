#include "daemon/ops/new_key.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hubseal::daemon::ops {
namespace {

Result<> allow(Call& call, const Action& action) {
  TRY(call.authorize_now(action));
  return call.record_intent("key_intent");
}

}  // namespace

Result<Key> make_key(Call& call, const NewKey& wanted, const Action& action) {
  const Use made{QuotaKind::keys_made, fmt::format("{}", call.peer.credentials.uid)};
  TRY(call.spend({made}));
  if (const auto allowed = allow(call, action); !allowed) {
    call.services.quotas.give_back(made);  // no key was made, and who waits for consent asks again
    return tl::unexpected(allowed.error());
  }
  call.leave_gate();
  const auto go_ahead = [&]() -> Result<> {
    TRY(call.services.gate.enter());
    return {};
  };
  Key key = TRY(call.services.keyring.create(wanted.label, wanted.type, wanted.use, wanted.start, go_ahead));
  call.details["key_id"] = to_hex(key.record.id);
  return key;
}

}  // namespace hubseal::daemon::ops
