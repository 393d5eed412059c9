#include "agent/service/jws_keys.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/dfsps.h"
#include "agent/service/hub_jws_key.h"
#include "agent/service/validation.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

JwsKeys::Key judged(const JwsKeys::Sent& sent) {
  const auto validations = validate_jws_key(sent.public_key);
  return {sent.dfsp_id, sent.public_key, sent.created_at_json, dump_json(to_json(validations)),
          std::string(to_string(overall(validations)))};
}

}  // namespace

Result<std::vector<JwsKeys::Key>> JwsKeys::list() {
  auto keys = TRY(table_.list());
  std::erase_if(keys, [this](const Key& key) { return hub_.is_hub(key.dfsp_id); });
  const auto hubs = TRY(hub_.known());
  keys.insert(keys.begin(), hubs.begin(), hubs.end());
  return keys;
}

Result<JwsKeys::Key> JwsKeys::get(std::string_view dfsp_id) {
  auto found = TRY(table_.find(dfsp_id));
  if (found) return *std::move(found);
  return fail(Code::not_found, fmt::format("DFSP {} has no JWS key", dfsp_id));
}

Result<JwsKeys::Key> JwsKeys::put(const Caller& caller, const Sent& sent) {
  if (hub_.is_hub(sent.dfsp_id))
    return fail(Code::conflict, fmt::format("{} is the hub itself, whose JWS key is in its HSM", sent.dfsp_id));
  const Key key = judged(sent);
  if (TRY(table_.find(key.dfsp_id)) == key) return key;
  TRY(table_.put(key, clock_.now()));
  log::info("JWS key of a DFSP stored",
            {{"dfsp", key.dfsp_id}, {"verdict", key.validation_state}, {"correlation", caller.correlation_id}});
  return key;
}

Result<> JwsKeys::remove(const Caller& caller, std::string_view dfsp_id) {
  TRY(table_.remove(dfsp_id));
  log::info("JWS key of a DFSP removed", {{"dfsp", std::string(dfsp_id)}, {"correlation", caller.correlation_id}});
  return {};
}

Result<std::vector<JwsKeys::Key>> JwsKeys::put_external(const Caller& caller, const std::vector<Sent>& sent,
                                                        const std::optional<std::string>& source) {
  if (sent.empty()) return fail(Code::bad_request, "the list is empty; wanted at least one key");
  std::vector<Key> keys;
  for (const Sent& one : sent) {
    TRY(check_dfsp_id(one.dfsp_id));
    if (!hub_.is_hub(one.dfsp_id)) keys.push_back(judged(one));
  }
  auto stored = TRY(table_.put_external(keys, source, clock_.now()));
  if (stored.size() != sent.size())
    log::info("external JWS keys left out: their names are participants' or were brought by others",
              {{"source", source.value_or("hub")},
               {"count", std::to_string(sent.size() - stored.size())},
               {"correlation", caller.correlation_id}});
  return stored;
}

}  // namespace hubseal::agent
