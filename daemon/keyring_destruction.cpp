// The end of keys: when it has come, and what counts as one.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/keyring.h"

namespace hubseal::daemon {

Result<> Keyring::count_waiting(std::chrono::seconds elapsed) {
  const auto one_at_a_time = changing_.lock();
  std::vector<KeyRecord> waiting;
  {
    auto keys = keys_.lock();
    for (const auto& [label, record] : *keys)
      if (record.destroy_at && record.destroy_wait.count() > 0) waiting.push_back(record);
  }
  if (waiting.empty()) return {};
  for (KeyRecord& key : waiting) key.destroy_wait -= std::min(key.destroy_wait, elapsed);
  TRY(registry_.write([&](Database& database) -> Result<> {
    for (const KeyRecord& key : waiting) TRY(key_table::update(database, key));
    return {};
  }));
  for (const KeyRecord& key : waiting) keys_.lock()->insert_or_assign(key.label, key);
  return {};
}

Result<> Keyring::postpone_destruction(std::chrono::seconds wait) {
  const auto one_at_a_time = changing_.lock();
  std::vector<KeyRecord> later;
  {
    auto keys = keys_.lock();
    for (const auto& [label, record] : *keys)
      if (record.destroy_at) later.push_back(record);
  }
  if (later.empty()) return {};
  for (KeyRecord& key : later) {
    key.destroy_at = std::max<TimePoint>(*key.destroy_at, clock_.now() + wait);
    key.destroy_wait = std::max(key.destroy_wait, wait);
  }
  TRY(registry_.write([&](Database& database) -> Result<> {
    for (const KeyRecord& key : later) TRY(key_table::update(database, key));
    return {};
  }));
  for (const KeyRecord& key : later) keys_.lock()->insert_or_assign(key.label, key);
  return {};
}

std::vector<KeyRecord> Keyring::due(TimePoint now) const {
  std::vector<KeyRecord> due;
  auto keys = keys_.lock();
  for (const auto& [label, record] : *keys)
    if (record.destroy_at && *record.destroy_at <= now && record.destroy_wait.count() == 0 &&
        record.life != KeyLife::destroyed)
      due.push_back(record);
  return due;
}

Result<> Keyring::destroy(const KeyRecord& key) {
  {
    auto being_destroyed = changing_.lock();
    const auto known = find_record(key.label);
    if (!known || known->destroy_at != key.destroy_at || known->life != key.life)
      return fail(Code::conflict, fmt::format("key \"{}\" is not to be destroyed any more", key.label));
    *being_destroyed = key.label;
  }
  const auto gone = destroy_in_token(key);  // the token may take its time; other keys do not wait
  auto being_destroyed = changing_.lock();
  being_destroyed->clear();
  if (!gone) {
    undestroyed_.lock()->insert_or_assign(key.label, gone.error().message);
    return gone;
  }
  KeyRecord destroyed = find_record(key.label).value_or(key);
  destroyed.life = KeyLife::destroyed;
  destroyed.changed_at = clock_.now();
  destroyed.destroy_at.reset();
  TRY(registry_.write([&](Database& database) { return key_table::update(database, destroyed); }));
  keys_.lock()->insert_or_assign(destroyed.label, destroyed);
  return {};
}

Result<> Keyring::destroy_in_token(const KeyRecord& key) {
  const auto done = signer_.destroy_key(key.id, key.label, [&] { return note_attempt(key.label, true); });
  if (done) return done;
  if (done.error().code == Code::not_found) return check_gone(key);
  // It is still there: should the token not show it one day, then not because of this attempt. One with which something
  // is wrong people may have to remove, and that is its end.
  const auto shown = signer_.look_for(key.id);
  if (shown && shown->state == hsm::KeyState::active) TRY(note_attempt(key.label, false));
  return done;
}

/// Whether an attempt to destroy it may have succeeded. On the disk before the token destroys anything: after a crash
/// it tells a key that is gone from one that the token does not show.
Result<> Keyring::note_attempt(const std::string& label, bool may_be_gone) {
  const auto one_at_a_time = changing_.lock();
  auto record = find_record(label);
  if (!record || record->destruction_begun == may_be_gone) return {};
  record->destruction_begun = may_be_gone;
  TRY(registry_.write([&](Database& database) { return key_table::update(database, *record); }));
  keys_.lock()->insert_or_assign(label, *record);
  return {};
}

/// For a key that the token does not show: a token may show less than it has (decision 062).
Result<> Keyring::check_gone(const KeyRecord& key) const {
  const auto refuse = [&](const std::string& reason) {
    return fail(
        Code::hsm_unavailable,
        fmt::format("key {} does not count as destroyed: it is not in the token, but {}. Does the token show all "
                    "that it has?",
                    to_hex(key.id), reason));
  };
  const auto record = find_record(key.label);
  if (!record || !record->destruction_begun)
    return refuse(
        "hubseald knows of no attempt that may have destroyed it (if it is gone for good, say so: hubseal key destroy "
        "--gone)");
  const auto keys = *keys_.lock();
  for (const auto& [label, other] : keys) {
    if (label == key.label || other.life == KeyLife::destroyed || other.destruction_begun) continue;
    if (const auto found = signer_.find_key(other.id); !found)
      return refuse(fmt::format("neither is \"{}\" ({})", label, found.error().message));
  }
  // Those were looked for, so it may have been found too.
  if (TRY(find_in_token(key.id))) return refuse("now it is there");
  return {};
}

std::vector<Keyring::Failed> Keyring::undestroyed() const {
  const auto tried = *undestroyed_.lock();
  std::vector<Failed> keys;
  for (const auto& [label, reason] : tried)
    if (const auto key = find_record(label); key && key->destroy_at) keys.push_back({label, reason});
  return keys;
}

}  // namespace hubseal::daemon
