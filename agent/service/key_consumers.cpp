#include "agent/service/key_consumers.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/verification_keys.h"
#include "common/bytes.h"
#include "common/fields.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kThumbprintBytes = 43;  // base64url of a SHA-256

Result<> check_name(std::string_view what, std::string_view name) {
  if (is_name(name) && name.size() <= kMaxNameBytes) return {};
  return fail(
      Code::bad_request,
      fmt::format("{} is \"{}\"; wanted a letter or digit, then letters, digits, '.', '_' or '-', at most {} in "
                  "all",
                  what, log::printable(name, 80), kMaxNameBytes));
}

Result<> check_thumbprint(std::string_view kid) {
  if (kid.size() == kThumbprintBytes && is_base64url(kid)) return {};
  return fail(Code::bad_request, fmt::format("kid is \"{}\"; wanted a thumbprint of RFC 7638 (SHA-256, base64url)",
                                             log::printable(kid, 80)));
}

KeyConsumers::State state_of(const std::vector<std::string>& kids, const std::string& kid) {
  if (!kids.empty() && kid == kids.back()) return KeyConsumers::State::current;
  if (std::find(kids.begin(), kids.end(), kid) != kids.end()) return KeyConsumers::State::overlap;
  return KeyConsumers::State::behind;
}

/// What was stored here is what was checked before.
KeyConsumers::Loaded loaded_of(const store::JwsConsumer& consumer) {
  KeyConsumers::Loaded loaded;
  const auto json = parse_json(consumer.loaded_json);
  if (!json || !json->is_object()) return loaded;
  for (const auto& [id, kid] : json->items())
    if (kid.is_string()) loaded[id] = kid.get<std::string>();
  return loaded;
}

}  // namespace

std::string_view to_string(KeyConsumers::State state) {
  switch (state) {
    case KeyConsumers::State::current: return "current";
    case KeyConsumers::State::overlap: return "overlap";
    case KeyConsumers::State::behind: return "behind";
  }
  return "";
}

Result<> KeyConsumers::report(const std::string& name, const Loaded& loaded) {
  TRY(check_name("the consumer's name", name));
  Json json = Json::object();
  for (const auto& [id, kid] : loaded) {
    TRY(check_name("dfspId", id));
    TRY(check_thumbprint(kid));
    json[id] = kid;
  }
  return table_.put(name, dump_json(json), clock_.now());
}

Result<> KeyConsumers::forget(const Caller& caller, const std::string& name) {
  TRY(table_.remove(name));
  log::info("a consumer of verification keys is forgotten",
            {{"consumer", log::printable(name, 80)}, {"caller", caller.who()}, {"correlation", caller.correlation_id}});
  return {};
}

Result<std::vector<KeyConsumers::Owner>> KeyConsumers::list() {
  std::map<std::string, Owner> owners;
  for (const VerificationKeys::Owner& owner : TRY(keys_.all()))
    for (const VerificationKeys::Key& key : owner.keys) owners[owner.id].kids.push_back(key.kid);
  const auto consumers = TRY(table_.list());
  std::map<std::string, Loaded> loaded;
  for (const store::JwsConsumer& consumer : consumers)
    for (const auto& [id, kid] : loaded[consumer.name] = loaded_of(consumer)) owners[id];
  std::vector<Owner> list;
  for (auto& [id, owner] : owners) {
    owner.id = id;
    for (const store::JwsConsumer& consumer : consumers) {
      const auto found = loaded[consumer.name].find(id);
      if (owner.kids.empty() && found == loaded[consumer.name].end()) continue;
      std::string kid = found == loaded[consumer.name].end() ? "" : found->second;
      const State state = state_of(owner.kids, kid);
      owner.consumers.push_back({consumer.name, std::move(kid), consumer.reported_at, state});
    }
    list.push_back(std::move(owner));
  }
  return list;
}

Result<std::size_t> KeyConsumers::behind() {
  std::size_t count = 0;
  for (const Owner& owner : TRY(list()))
    count +=
        static_cast<std::size_t>(std::count_if(owner.consumers.begin(), owner.consumers.end(),
                                               [](const auto& consumer) { return consumer.state == State::behind; }));
  return count;
}

}  // namespace hubseal::agent
