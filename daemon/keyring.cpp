#include "daemon/keyring.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::daemon {
namespace {

/// Not one that is to be destroyed: the token may have lost it already, when a crash came before the registry knew.
bool may_sign_again(const KeyRecord& key) {
  return !key.destroy_at &&
         (key.life == KeyLife::pre_activation || key.life == KeyLife::active || key.life == KeyLife::suspended);
}

}  // namespace

Result<std::unique_ptr<Keyring>> Keyring::open(Registry& registry, hsm::Signer& signer, const Clock& clock) {
  std::unique_ptr<Keyring> keyring(new Keyring(registry, signer, clock));
  for (KeyRecord& key : TRY(registry.read(key_table::list))) {
    const std::string label = key.label;
    keyring->keys_.lock()->emplace(label, std::move(key));
  }
  for (const Key& key : TRY(keyring->list()))
    if (key.record.use == KeyUse::audit && !key.in_token) {
      const hsm::TokenStatus token = signer.status();
      return fail(
          Code::hsm_unavailable,
          fmt::format("hubseald's own key \"{}\" (id {}) is not in the token {} (serial {}). If that is the right one, "
                      "see that it shows its objects, and start again; if it has lost them, restore its backup "
                      "(docs/OPERATIONS.md, section 7)",
                      key.record.label, to_hex(key.record.id), token.label, token.serial));
    }
  return keyring;
}

Result<std::optional<hsm::KeyInfo>> Keyring::find_in_token(const KeyId& id) const {
  for (hsm::KeyInfo& info : TRY(signer_.list_keys()))
    if (info.id == id) return std::move(info);
  return std::nullopt;
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
  if (record->life != KeyLife::active)
    return fail(Code::policy_denied, fmt::format("key \"{}\" is {} since {}; wanted active", label,
                                                 to_string(record->life), format_utc(record->changed_at)));
  if (record->backup == KeyBackup::required)
    return fail(
        Code::policy_denied,
        fmt::format("key \"{}\" signs nothing until its backup is confirmed (hubseal key confirm-backup)", label));
  return *std::move(record);
}

Result<Key> Keyring::show(std::string_view label) const {
  auto record = find_record(label);
  if (!record) return fail(Code::not_found, fmt::format("there is no key \"{}\"", label));
  auto found = TRY(find_in_token(record->id));
  if (!found && record->life != KeyLife::destroyed)  // a token may show it late
    if (auto late = signer_.find_key(record->id)) found = *std::move(late);
  return Key{*std::move(record), std::move(found)};
}

Result<std::optional<hsm::KeyInfo>> Keyring::shown(std::string_view label) const {
  if (const auto token = signer_.status(); !token.ready) return fail(Code::hsm_unavailable, token.problem);
  const auto record = find_record(label);
  if (!record) return std::nullopt;
  return find_in_token(record->id);
}

bool Keyring::is_compromised(std::string_view label) const {
  const auto record = find_record(label);
  return record && record->compromised_at;
}

Result<> Keyring::try_out(std::string_view label) const {
  const auto record = find_record(label);
  if (!record) return fail(Code::forbidden, fmt::format("there is no key \"{}\" to try", label));
  return signer_.prove_key(record->id);
}

std::optional<std::string> Keyring::label_of(const KeyId& id) const {
  auto keys = keys_.lock();
  for (const auto& [label, record] : *keys)
    if (record.id == id) return label;
  return std::nullopt;
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

Result<> Keyring::check_free(std::string_view label) const {
  if (find_record(label)) return fail(Code::conflict, fmt::format("a key \"{}\" exists already", label));
  if (making_.lock()->labels.contains(label))
    return fail(Code::conflict, fmt::format("a key \"{}\" is being made", label));
  return {};
}

Result<std::unique_ptr<Keyring::Making>> Keyring::begin_making(const std::string& label) {
  const auto one_at_a_time = changing_.lock();
  TRY(check_free(label));
  making_.lock()->labels.insert(label);
  return std::make_unique<Making>(*this, label);
}

Result<> Keyring::Making::wait_for_turn() {
  auto making = keyring_.making_.lock();
  has_turn_ = making.wait_until(keyring_.turn_, std::chrono::steady_clock::now() + kPatience,
                                [&] { return making->turns < kMadeAtOnce; });
  if (!has_turn_)
    return fail(Code::hsm_busy,
                fmt::format("{} other keys are being made; key \"{}\" was not begun", kMadeAtOnce, label_));
  ++making->turns;
  return {};
}

Keyring::Making::~Making() {
  auto making = keyring_.making_.lock();
  making->labels.erase(label_);
  if (has_turn_) --making->turns;
  keyring_.turn_.notify_one();
}

Result<Key> Keyring::create(const std::string& label, KeyType type, KeyUse use, const KeyStart& start,
                            const GoAhead& go_ahead, const Also& also) {
  const auto making = TRY(begin_making(label));
  TRY(making->wait_for_turn());
  if (go_ahead) TRY(go_ahead());
  auto made = signer_.generate_key(type, label);
  if (!made && made.error().code == Code::conflict)
    return fail(Code::conflict, fmt::format("{}, but hubseald did not register it (another program's, or left by a "
                                            "create_key that was interrupted); choose another label, or remove it "
                                            "with the token's own tool",
                                            made.error().message));
  hsm::KeyInfo info = TRY(std::move(made));
  const auto one_at_a_time = changing_.lock();
  const TimePoint now = clock_.now();
  KeyRecord record{.label = label,
                   .id = info.id,
                   .type = type,
                   .use = use,
                   .created_at = now,
                   .life = start.life,
                   .changed_at = now,
                   .destroy_at = {},
                   .backup = start.backup,
                   .compromised_at = {},
                   .algorithm = start.algorithm};
  const auto add = [&](Database& database) -> Result<> {
    TRY(key_table::add(database, record));
    return also ? also(database) : Result<>();
  };
  if (const auto added = registry_.write(add); !added) {
    // The key exists and is good, but nothing remembers what it is for: it stays unusable.
    log::error("key was made but could not be registered",
               {{"label", label}, {"key_id", to_hex(info.id)}, {"reason", added.error().message}});
    return tl::unexpected(added.error());
  }
  keys_.lock()->emplace(label, record);
  return Key{std::move(record), std::move(info)};
}

Result<Key> Keyring::adopt(const std::string& label, const KeyId& id, KeyUse use, const Grant& grant) {
  const auto check = [&]() -> Result<> {
    TRY(check_free(label));
    if (const auto known = label_of(id))
      return fail(Code::conflict, fmt::format("this key is registered already, as \"{}\"", *known));
    return {};
  };
  TRY(check());
  auto info = TRY(find_in_token(id));
  if (!info) return fail(Code::not_found, fmt::format("there is no key {} in the token", to_hex(id)));
  TRY(signer_.prove_key(id));
  const auto one_at_a_time = changing_.lock();
  TRY(check());
  const TimePoint now = clock_.now();
  KeyRecord record{.label = label,
                   .id = id,
                   .type = info->type,
                   .use = use,
                   .created_at = now,
                   .life = KeyLife::active,
                   .changed_at = now,
                   .destroy_at = {},
                   .backup = KeyBackup::none,
                   .compromised_at = {}};
  TRY(registry_.write([&](Database& database) -> Result<> {
    TRY(grant.use(database));
    return key_table::add(database, record);
  }));
  keys_.lock()->emplace(label, record);
  return Key{std::move(record), std::move(info)};
}

Result<KeyRecord> Keyring::check(std::string_view label, const Change& change) const {
  auto record = find_record(label);
  if (!record) return fail(Code::forbidden, fmt::format("there is no key \"{}\" that this peer may change", label));
  KeyRecord changed = *record;
  const auto done = change(changed);
  // Of an OCSP key only people can know that the token has lost it. Without the audit key hubseald does not run.
  const bool says_gone = done && record->use == KeyUse::ocsp && changed.destruction_begun && !record->destruction_begun;
  if ((record->use == KeyUse::audit || record->use == KeyUse::ocsp) && !says_gone)
    return fail(Code::policy_denied, fmt::format("key \"{}\" is hubseald's own ({}): its life is not for people to "
                                                 "change",
                                                 label, to_string(record->use)));
  TRY(done);
  return changed;
}

Result<KeyRecord> Keyring::change(std::string_view label, const Change& change, const Also& also) {
  auto being_destroyed = changing_.lock();
  if (*being_destroyed == label)
    return fail(Code::conflict, fmt::format("key \"{}\" is being destroyed at this moment", label));
  KeyRecord changed = TRY(check(label, change));
  TRY(registry_.write([&](Database& database) -> Result<> {
    TRY(also(database));
    return key_table::update(database, changed);
  }));
  keys_.lock()->insert_or_assign(changed.label, changed);
  undestroyed_.lock()->erase(changed.label);  // the next try tells
  return changed;
}

Result<> Keyring::while_active(std::string_view label, KeyUse use, const std::function<Result<>()>& work) const {
  const auto one_at_a_time = changing_.lock();
  TRY(find(label, use));
  return work();
}

Result<> Keyring::retire_own(std::string_view label, TimePoint destroy_at) {
  const auto one_at_a_time = changing_.lock();
  auto record = find_record(label);
  if (!record) return fail(Code::internal, fmt::format("there is no key \"{}\" to retire", label));
  TRY(enter_life(*record, KeyLife::deactivated, clock_.now()));
  record->destroy_at = destroy_at;
  TRY(registry_.write([&](Database& database) { return key_table::update(database, *record); }));
  keys_.lock()->insert_or_assign(record->label, *record);
  return {};
}

Result<> enter_life(KeyRecord& key, KeyLife to, TimePoint now) {
  using enum KeyLife;
  static constexpr std::pair<KeyLife, KeyLife> kSteps[] = {
      {pre_activation, active}, {suspended, active},      {active, suspended},
      {active, deactivated},    {suspended, deactivated}, {pre_activation, compromised},
      {active, compromised},    {suspended, compromised}, {deactivated, compromised},
  };
  for (const auto& [before, after] : kSteps)
    if (key.life == before && to == after) {
      key.life = to;
      key.changed_at = now;
      if (to == compromised) key.compromised_at = now;
      return {};
    }
  return fail(Code::conflict, fmt::format("key \"{}\" is {} since {}, which does not become {}", key.label,
                                          to_string(key.life), format_utc(key.changed_at), to_string(to)));
}

Result<> Keyring::prove_all() {
  const auto keys = *keys_.lock();
  for (const auto& [label, record] : keys)
    if (may_sign_again(record)) TRY(prove(record));
  return {};
}

Result<> Keyring::prove(const KeyRecord& record) {
  const auto proven = signer_.prove_key(record.id);
  if (proven) return {};
  const std::string problem = fmt::format("self-test of key \"{}\": {}", record.label, proven.error().message);
  const auto found = TRY(find_in_token(record.id));  // not to be asked where it is the token that fails
  if (found && record.use == KeyUse::audit)
    return fail(Code::hsm_unavailable,
                "hubseald's own key, without which nothing is signed, does not work: " + problem);
  log::error(found ? "a key does not work" : "a key is not in the token", {{"key", record.label}, {"reason", problem}});
  // The token's list tells of the others.
  if (found && found->state == hsm::KeyState::active)
    unproven_.lock()->insert_or_assign(record.label, proven.error().message);
  return {};
}

void Keyring::prove_again() {
  for (const auto& [label, reason] : unproven()) {
    const auto record = find_record(label);
    if (record && may_sign_again(*record) && !signer_.prove_key(record->id)) continue;
    log::info("a key that failed its self-test is told no more", {{"key", label}});
    unproven_.lock()->erase(label);
  }
}

std::vector<Keyring::Failed> Keyring::unproven() const {
  const auto tried = *unproven_.lock();
  std::vector<Failed> keys;
  for (const auto& [label, reason] : tried) keys.push_back({label, reason});
  return keys;
}

}  // namespace hubseal::daemon
