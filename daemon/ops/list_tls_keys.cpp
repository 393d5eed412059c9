#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/jose/jwk.h"
#include "common/x509/public_key.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

constexpr std::size_t kKeysOfAnAnswer = 32;  // each with a certificate of kMaxAltNames names they fit into a line

/// Whether a handshake of this peer could be signed with it now.
bool is_open_to(const Peer& peer, const Key& key) {
  return key.record.use == KeyUse::tls && state_of(key) == to_string(KeyLife::active) &&
         key.record.backup != KeyBackup::required && peer.may_use_key(key.record.label);
}

/// What gateways may show with the key: of a CA of this hub, and good now.
bool is_valid(const CertificateRecord& certificate, TimePoint now) {
  return certificate.issued() && certificate.revoked.empty() && certificate.not_before <= now &&
         now < certificate.not_after;
}

}  // namespace

Result<Json> list_tls_keys(Call& call, Fields fields) {
  const std::string after = TRY(fields.optional_name("after", kMaxName)).value_or("");
  TRY(fields.nothing_left());
  std::vector<Key> keys = TRY(call.services.keyring.list());
  std::erase_if(keys, [&](const Key& key) { return key.record.label <= after || !is_open_to(call.peer, key); });
  const bool more = keys.size() > kKeysOfAnAnswer;
  if (more) keys.resize(kKeysOfAnAnswer);

  Json listed = Json::array();
  for (const Key& key : keys) {
    const PkeyPtr public_key = TRY(x509::public_key_from_spki(key.in_token->spki));
    Json item = {{"label", key.record.label},
                 {"key_id", to_hex(key.record.id)},
                 {"type", to_string(key.record.type)},
                 {"grade", to_string(key.in_token->grade)},
                 {"jwk", TRY(jose::to_jwk(public_key.get()))}};
    const auto certificate = TRY(call.services.registry.read(
        [&](Database& database) { return certificate_table::find_key(database, key.record.id); }));
    if (certificate && is_valid(*certificate, call.services.clock.now()))
      item["certificate"] = certificate_pem(*certificate);
    listed.push_back(std::move(item));
  }
  return Json{{"token", call.services.signer.status().label}, {"keys", std::move(listed)}, {"more", more}};
}

}  // namespace hubseal::daemon::ops
