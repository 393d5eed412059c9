#include "agent/service/hub_jws_key.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/dfsps.h"
#include "agent/service/hub_jws_rotation.h"
#include "agent/service/public_key.h"
#include "agent/service/validation.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

// The list of all keys of the HSM may be long, and every participant asks once a minute.
constexpr std::chrono::seconds kLabelsAreKnownFor{2};

tl::unexpected<Error> not_configured() {
  return fail(Code::not_found, "the hub shows no JWS key: wanted id and jws_key in [hub] of the agent's configuration");
}

store::JwsKey shown(const std::string& hub_id, const SigningDaemon::PublicKey& key) {
  const auto validations = validate_jws_key(key.pem);
  store::JwsKey shown{hub_id, key.pem, std::to_string(key.key.created_at.time_since_epoch().count()),
                      dump_json(to_json(validations)), std::string(to_string(overall(validations)))};
  if (key.certificate) shown.possession = store::kCertified;
  shown.certificate = key.certificate;
  return shown;
}

}  // namespace

bool HubJwsKey::is_hub(std::string_view dfsp_id) const { return agent::is_hub(config_.hub_id, dfsp_id); }

Result<std::vector<SigningDaemon::Key>> HubJwsKey::line() {
  if (!config_.key) return not_configured();
  return jws_line(TRY(daemon_.list_keys()), *config_.key);
}

HubJwsKey::Labels HubJwsKey::labels() {
  const auto now = std::chrono::steady_clock::now();
  if (auto labels = labels_.lock(); now < labels->until) return *labels;
  const auto found = line();
  auto labels = labels_.lock();
  labels->until = now + kLabelsAreKnownFor;
  if (found) {
    labels->known.clear();
    for (const SigningDaemon::Key& key : *found)
      if (is_shown(key)) labels->known.push_back(key.label);
    if (labels->known.empty()) labels->until = now;  // the first one is not waited for
  } else {
    if (!labels->refused)
      log::warning("hubseald does not list its keys: of the hub's keys for JWS, only those that are known are shown",
                   {{"key", *config_.key}, {"problem", found.error().message}});
    // It may tell of one key where it does not list all.
    if (labels->known.empty()) labels->known = {*config_.key};
  }
  labels->refused = !found;
  return *labels;
}

Result<std::vector<store::JwsKey>> HubJwsKey::active() {
  if (!config_.key) return not_configured();
  const Labels labels = this->labels();
  std::vector<store::JwsKey> keys;
  for (const std::string& label : labels.known)
    if (const auto key = TRY(daemon_.get_public_key(label)); is_shown(key.key))
      keys.push_back(shown(*config_.hub_id, key));
  *last_.lock() = keys;
  return keys;
}

Result<store::JwsKey> HubJwsKey::get() {
  const auto keys = TRY(active());
  if (keys.empty()) return not_active();
  return keys.back();
}

tl::unexpected<Error> HubJwsKey::not_active() const {
  return fail(Code::not_found,
              fmt::format("the hub's JWS key \"{}\" is not active: nothing is signed with it", *config_.key));
}

Result<std::vector<store::JwsKey>> HubJwsKey::known() {
  if (!config_.key) return {};
  auto keys = active();
  if (keys) return keys;
  auto last = last_.lock();
  if (keys.error().code == Code::not_found) last->emplace();  // hubseald has no such key
  if (*last) return **last;
  return keys;
}

Result<store::JwsKey> HubJwsKey::confirm(std::string_view public_key) {
  const PkeyPtr wanted = TRY(parse_public_key(public_key));
  const auto keys = TRY(active());
  if (keys.empty()) return not_active();
  for (const store::JwsKey& key : keys) {
    const PkeyPtr found = TRY(parse_public_key(key.public_key));
    if (EVP_PKEY_eq(wanted.get(), found.get()) == 1) return key;
  }
  return fail(
      Code::conflict,
      fmt::format("the hub signs with the key \"{}\" in its HSM, which is another than the one that was sent. {}",
                  *config_.key, rotation_steps().value_or(next_jws_steps({}, *config_.key))));
}

Result<std::string> HubJwsKey::rotation_steps() {
  const auto keys = TRY(line());
  return next_jws_steps(keys, *config_.key);
}

}  // namespace hubseal::agent
