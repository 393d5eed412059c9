#include "agent/service/hub_jws_key.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/public_key.h"
#include "agent/service/signing_daemon.h"
#include "agent/service/validation.h"
#include "agent/store/dfsp_table.h"

namespace hubseal::agent {

bool HubJwsKey::is_hub(std::string_view dfsp_id) const {
  return config_ && store::folded(config_->id) == store::folded(dfsp_id);
}

Result<store::JwsKey> HubJwsKey::get() {
  if (!config_)
    return fail(Code::not_found,
                "the hub shows no JWS key: wanted id and jws_key in [hub] of the agent's configuration");
  const auto found = TRY(daemon_.get_public_key(config_->key));
  if (!found.active) {
    *last_.lock() = std::nullopt;
    return fail(Code::not_found,
                fmt::format("the hub's JWS key \"{}\" is not active: nothing is signed with it", config_->key));
  }
  const auto validations = validate_jws_key(found.pem);
  store::JwsKey key{config_->id, found.pem, std::to_string(found.created_at.time_since_epoch().count()),
                    dump_json(to_json(validations)), std::string(to_string(overall(validations)))};
  *last_.lock() = key;
  return key;
}

std::optional<store::JwsKey> HubJwsKey::known() {
  if (!config_) return std::nullopt;
  if (auto key = get()) return *std::move(key);
  return *last_.lock();
}

Result<store::JwsKey> HubJwsKey::confirm(std::string_view public_key) {
  const PkeyPtr wanted = TRY(parse_public_key(public_key));
  store::JwsKey key = TRY(get());
  const PkeyPtr found = TRY(parse_public_key(key.public_key));
  if (EVP_PKEY_eq(wanted.get(), found.get()) == 1) return key;
  return fail(
      Code::conflict,
      fmt::format("the hub signs with the key \"{}\" in its HSM, which is another than the one that was sent. A new "
                  "one is made on the signing host (hubseal key create) and named in the agent's configuration",
                  config_->key));
}

}  // namespace hubseal::agent
