#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

constexpr std::size_t kMaxEvidence = 200;  // bytes

/// It stands by now, whatever becomes of the token.
Json view_of_changed(const Services& services, const KeyRecord& changed) {
  const auto shown = services.keyring.shown(changed.label);
  const Key key{changed, shown.value_or(std::nullopt)};
  Json view = view_of(key);
  add_line(view, key, services.rotations);
  if (!shown) view["state"] = to_string(changed.life);
  return view;
}

/// The same way for every step: checked before people are asked, recorded before it is done.
Result<Json> change_key(Call& call, const char* operation, const std::string& label, const Keyring::Change& change) {
  call.details["key"] = label;
  Keyring& keyring = call.services.keyring;
  KeyRecord before;
  TRY(keyring.check(label, [&](KeyRecord& key) -> Result<> {
    before = key;
    return change(key);
  }));
  call.details["key_id"] = to_hex(before.id);
  Json content = call.details;
  content["from"] = to_string(before.life);
  content["since"] = format_utc(before.changed_at);
  const Grant grant = TRY(call.authorize({.operation = operation, .about = label, .content = content}));
  TRY(call.record_intent(fmt::format("{}_intent", operation)));
  const KeyRecord after = TRY(keyring.change(label, change, grant));
  if (before.life == KeyLife::active && after.life != KeyLife::active)
    TRY(call.wait_for_signatures(operation, fmt::format("key \"{}\" is {}", label, to_string(after.life))));
  return view_of_changed(call.services, after);
}

/// Not where the token is away.
bool is_shown(const Services& services, const std::string& label) {
  const auto shown = services.keyring.shown(label);
  return shown && *shown;
}

/// That it may be gone only the token takes back, by showing it.
void cancel_destruction(KeyRecord& key, bool shown) {
  key.destroy_at.reset();
  key.destroy_wait = {};
  if (shown) key.destruction_begun = false;
}

Result<Json> enter(Call& call, const char* operation, Fields& fields, KeyLife life) {
  const std::string label = TRY(fields.name("key", kMaxName));
  TRY(fields.nothing_left());
  const bool shown = is_shown(call.services, label);
  return change_key(call, operation, label, [&](KeyRecord& key) -> Result<> {
    if (life == KeyLife::active) TRY(call.services.rotations.check_may_activate(key));
    TRY(enter_life(key, life, call.services.clock.now()));
    if (life == KeyLife::active) cancel_destruction(key, shown);
    return {};
  });
}

/// A CA signs CRLs until its certificate ends: its key must not go before, unless nobody may trust it any more.
/// No clock that was set ahead ends it sooner.
Result<> check_not_needed(const Services& services, const KeyRecord& key) {
  if (key.compromised_at || !services.authorities.uses_key(key.label)) return {};
  const TimePoint now = TRY(services.guard.now());
  for (const std::string& name : services.authorities.names()) {
    const auto authority = TRY(services.authorities.find(name));
    if (authority->record.key != key.label || !authority->issuer) continue;
    const TimePoint end = authority->issuer->certificate().not_after();
    if (now < end)
      return fail(Code::policy_denied,
                  fmt::format("CA \"{}\" is valid until {} and its lists need key \"{}\" (suspend_key can be taken "
                              "back; a key that is compromised can be deactivated as such)",
                              name, format_utc(end), key.label));
  }
  return {};
}

/// What the token shows is destroyed there, and is not gone because somebody says so. Looked for once more.
Result<> check_not_there(const Services& services, const std::string& label) {
  const auto record = services.keyring.find_record(label);
  if (!record || record->life == KeyLife::destroyed) return {};
  const auto found = services.signer.look_for(record->id);
  if (found)
    return fail(Code::conflict, fmt::format("key \"{}\" is in the token; wanted destroy_key without \"gone\"", label));
  if (found.error().code != Code::not_found) return tl::unexpected(found.error());
  return {};
}

}  // namespace

Result<Json> activate_key(Call& call, Fields fields) { return enter(call, "activate_key", fields, KeyLife::active); }

Result<Json> suspend_key(Call& call, Fields fields) { return enter(call, "suspend_key", fields, KeyLife::suspended); }

Result<Json> deactivate_key(Call& call, Fields fields) {
  const bool compromised = TRY(fields.boolean_or("compromised", false));
  const std::string label = TRY(fields.name("key", kMaxName));
  TRY(fields.nothing_left());
  call.details["compromised"] = compromised;
  return change_key(call, "deactivate_key", label, [&](KeyRecord& key) -> Result<> {
    TRY(enter_life(key, compromised ? KeyLife::compromised : KeyLife::deactivated, call.services.clock.now()));
    return check_not_needed(call.services, key);
  });
}

Result<Json> destroy_key(Call& call, Fields fields) {
  const std::string label = TRY(fields.name("key", kMaxName));
  const bool gone = TRY(fields.boolean_or("gone", false));
  TRY(fields.nothing_left());
  if (gone) {
    TRY(check_not_there(call.services, label));
    call.details["gone"] = true;
  }
  const bool shown = is_shown(call.services, label);
  const TimePoint now = call.services.clock.now();
  return change_key(call, "destroy_key", label, [&](KeyRecord& key) -> Result<> {
    // One of hubseald's own that the token has lost is retired by nobody else.
    if (gone && key.use == KeyUse::ocsp && key.life == KeyLife::active) TRY(enter_life(key, KeyLife::deactivated, now));
    if (key.life != KeyLife::pre_activation && key.life != KeyLife::deactivated && key.life != KeyLife::compromised)
      return fail(Code::conflict,
                  fmt::format("key \"{}\" is {}; wanted one that is deactivated, compromised or not yet "
                              "activated",
                              key.label, to_string(key.life)));
    if (key.destroy_at && !(gone && !key.destruction_begun))
      return fail(Code::conflict, fmt::format("key \"{}\" is to be destroyed at {} already{}", key.label,
                                              format_utc(*key.destroy_at), gone ? ", as one that may be gone" : ""));
    TRY(check_not_needed(call.services, key));
    TRY(call.services.rotations.check_may_destroy(key));
    if (!key.destroy_at) {
      key.destroy_at = now + call.policy->destroy_delay;
      key.destroy_wait = call.policy->destroy_delay;
    }
    if (gone || shown) key.destruction_begun = gone;
    return {};
  });
}

Result<Json> keep_key(Call& call, Fields fields) {
  const std::string label = TRY(fields.name("key", kMaxName));
  TRY(fields.nothing_left());
  const bool shown = is_shown(call.services, label);
  return change_key(call, "keep_key", label, [&](KeyRecord& key) -> Result<> {
    if (!key.destroy_at) return fail(Code::conflict, fmt::format("key \"{}\" is not going to be destroyed", key.label));
    cancel_destruction(key, shown);
    return {};
  });
}

Result<Json> confirm_backup(Call& call, Fields fields) {
  const std::string label = TRY(fields.name("key", kMaxName));
  const std::string evidence = TRY(fields.text("evidence", kMaxEvidence));
  TRY(fields.nothing_left());
  if (evidence.empty() || log::printable(evidence) != evidence)
    return fail(Code::bad_request, "\"evidence\" is empty or holds control characters; wanted a line of text");
  call.details["evidence"] = evidence;
  return change_key(call, "confirm_backup", label, [](KeyRecord& key) -> Result<> {
    if (key.backup != KeyBackup::required)
      return fail(Code::conflict, fmt::format("the backup of key \"{}\" is {}; wanted one that is required and not yet "
                                              "confirmed",
                                              key.label, to_string(key.backup)));
    key.backup = KeyBackup::confirmed;
    return {};
  });
}

}  // namespace hubseal::daemon::ops
