#include "daemon/keyring.h"

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::daemon {

Result<std::unique_ptr<Keyring>> Keyring::open(Registry& registry, hsm::Signer& signer, const Clock& clock) {
  std::unique_ptr<Keyring> keyring(new Keyring(registry, signer, clock));
  auto keys = keyring->keys_.lock();
  for (KeyRecord& key : TRY(registry.read(key_table::list))) keys->emplace(key.label, std::move(key));
  keys.unlock();
  return keyring;
}

std::optional<KeyRecord> Keyring::find_record(std::string_view label) const {
  auto keys = keys_.lock();
  const auto found = keys->find(label);
  if (found == keys->end()) return std::nullopt;
  return found->second;
}

Result<KeyRecord> Keyring::find(std::string_view label, KeyUse use) const {
  auto record = find_record(label);
  if (!record || record->use != use)
    return fail(Code::forbidden,
                fmt::format("there is no {} key \"{}\" that this peer may use", to_string(use), label));
  return *std::move(record);
}

Result<Key> Keyring::show(std::string_view label) const {
  auto record = find_record(label);
  if (!record) return fail(Code::forbidden, fmt::format("there is no key \"{}\" that this peer may read", label));
  auto found = signer_.find_key(record->id);
  if (!found && found.error().code != Code::not_found) return tl::unexpected(found.error());
  return Key{*std::move(record), found ? std::optional(*std::move(found)) : std::nullopt};
}

Result<std::vector<Key>> Keyring::list() const {
  const std::vector<hsm::KeyInfo> in_token = TRY(signer_.list_keys());
  std::vector<Key> list;
  auto keys = keys_.lock();
  for (const auto& [label, record] : *keys) {
    Key key{record, std::nullopt};
    for (const hsm::KeyInfo& info : in_token)
      if (info.id == record.id) key.in_token = info;
    list.push_back(std::move(key));
  }
  return list;
}

Result<Key> Keyring::create(const std::string& label, KeyType type, KeyUse use) {
  const auto one_at_a_time = creating_.lock();
  if (find_record(label)) return fail(Code::conflict, fmt::format("a key \"{}\" exists already", label));
  auto made = signer_.generate_key(type, label);
  if (!made && made.error().code == Code::conflict)
    return fail(Code::conflict, fmt::format("{}, but hubseald did not register it (another program's, or left by a "
                                            "create_key that was interrupted); choose another label, or remove it "
                                            "with the token's own tool",
                                            made.error().message));
  hsm::KeyInfo info = TRY(std::move(made));
  KeyRecord record{.label = label, .id = info.id, .type = type, .use = use, .created_at = clock_.now()};
  if (const auto added = registry_.write([&](Database& database) { return key_table::add(database, record); });
      !added) {
    // The key exists and is good, but nothing remembers what it is for: it stays unusable.
    log::error("key was made but could not be registered",
               {{"label", label}, {"key_id", to_hex(info.id)}, {"reason", added.error().message}});
    return tl::unexpected(added.error());
  }
  keys_.lock()->emplace(label, record);
  return Key{std::move(record), std::move(info)};
}

Result<> Keyring::prove_all() const {
  std::vector<KeyRecord> records;
  {
    auto keys = keys_.lock();
    for (const auto& [label, record] : *keys) records.push_back(record);
  }
  for (const KeyRecord& record : records)
    if (const auto proven = signer_.prove_key(record.id); !proven)
      return fail(proven.error().code,
                  fmt::format("self-test of key \"{}\": {}", record.label, proven.error().message));
  return {};
}

}  // namespace hubseal::daemon
