#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

/// The certificate of this key, unless it is revoked, on hold or has ended. A key has one (PKI-8).
Result<std::optional<std::string>> certificate_of(Registry& registry, const KeyId& key, TimePoint now) {
  return registry.read([&](Database& database) -> Result<std::optional<std::string>> {
    const auto record = TRY(certificate_table::find_key(database, key));
    if (!record || !record->issued() || !record->revoked.empty() || record->not_after <= now) return std::nullopt;
    return certificate_pem(*record);
  });
}

}  // namespace

Result<Json> get_public_key(Call& call, Fields fields) {
  const std::string label = TRY(fields.name("key", kMaxName));
  TRY(fields.nothing_left());
  const Key key = TRY(call.services.keyring.show(label));
  Json view = TRY(full_view_of(key));
  if (key.record.use == KeyUse::jws)
    if (auto certificate = TRY(certificate_of(call.services.registry, key.record.id, call.services.clock.now())))
      view["certificate"] = *std::move(certificate);
  add_line(view, key, call.services.rotations);
  return view;
}

}  // namespace hubseal::daemon::ops
