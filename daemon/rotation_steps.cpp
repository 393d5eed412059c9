// The steps of a rotation, and when they come.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/rotations.h"

namespace hubseal::daemon {
namespace {

using enum RotationStep;

/// How long a rotation stays at this step; nothing where people say when it goes on.
std::optional<std::chrono::hours> stay(const RotationRecord& rotation) {
  const RotationPlan& plan = rotation.plan;
  const auto timed = [](std::chrono::hours hours, std::chrono::hours less = std::chrono::hours(0)) {
    return hours.count() > 0 ? std::optional(hours - less) : std::nullopt;
  };
  switch (rotation.step) {
    case prepared: return timed(plan.activate, plan.activate);  // at once, as soon as there is its backup
    case published: return timed(plan.activate);
    case activated: return timed(plan.retire);
    case retired: return plan.overlap;
    case withdrawn: return timed(plan.destroy, plan.overlap);
    case ended:
    case cancelled: break;
  }
  return std::nullopt;
}

bool is_destroyed_soon(const KeyRecord& key) { return key.life == KeyLife::destroyed || key.destroy_at; }

Result<> check_can_be_used(const KeyRecord& key) {
  if (key.life != KeyLife::pre_activation)
    return fail(Code::conflict, fmt::format("key \"{}\" is {} since {}; wanted pre_activation, or another rotation "
                                            "(hubseal key rotation cancel)",
                                            key.label, to_string(key.life), format_utc(key.changed_at)));
  if (key.backup == KeyBackup::required)
    return fail(Code::policy_denied, fmt::format("key \"{}\" is used for nothing until its backup is confirmed "
                                                 "(hubseal key confirm-backup)",
                                                 key.label));
  return {};
}

}  // namespace

std::optional<RotationStep> Rotations::next(RotationStep step) {
  switch (step) {
    case prepared: return published;
    case published: return activated;
    case activated: return retired;
    case retired: return withdrawn;
    case withdrawn: return ended;
    case ended:
    case cancelled: break;
  }
  return std::nullopt;
}

void Rotations::enter(RotationRecord& rotation, RotationStep to) const {
  rotation.step = to;
  rotation.since = clock_.now();
  const auto hours = stay(rotation);
  rotation.wait = hours.value_or(std::chrono::hours(0));
  rotation.due_at = hours ? std::optional<TimePoint>(rotation.since + *hours) : std::nullopt;
}

std::pair<std::string, Keyring::Change> Rotations::key_change(const RotationRecord& rotation, RotationStep to,
                                                              std::chrono::hours delay) const {
  const TimePoint now = clock_.now();
  const auto destroy = [now, delay](KeyRecord& key) -> Result<> {
    if (is_destroyed_soon(key)) return {};
    key.destroy_at = now + delay;
    key.destroy_wait = delay;
    return {};
  };
  switch (to) {
    case prepared:
    case published: return {rotation.successor, [](KeyRecord& key) { return check_can_be_used(key); }};
    case activated:
      return {rotation.successor, [now](KeyRecord& key) -> Result<> {
                TRY(check_can_be_used(key));
                return enter_life(key, KeyLife::active, now);
              }};
    case retired:  // people may have ended it before
      return {rotation.predecessor, [now](KeyRecord& key) -> Result<> {
                const bool may_sign = key.life == KeyLife::active || key.life == KeyLife::suspended;
                return may_sign ? enter_life(key, KeyLife::deactivated, now) : Result<>();
              }};
    case withdrawn: return {rotation.predecessor, [](KeyRecord&) -> Result<> { return {}; }};
    case ended: return {rotation.predecessor, destroy};
    case cancelled: return {rotation.successor, destroy};
  }
  return {};
}

Result<RotationRecord> Rotations::check(std::string_view label, RotationStep to) const {
  const std::string line = TRY(known_line(label));
  std::string seen;
  for (const RotationRecord& rotation : list()) {
    if (line_of(rotation.predecessor) != line) continue;
    const bool can =
        to == cancelled ? rotation.step == prepared || rotation.step == published : next(rotation.step) == to;
    if (can && to == withdrawn) break;
    if (can) {
      const auto& [key, change] = key_change(rotation, to, {});
      TRY(keyring_.check(key, change));
      TRY(check_signs(rotation, to));
      return rotation;
    }
    if (rotation.step == retired && to == ended)
      return fail(Code::policy_denied,
                  fmt::format("what key \"{}\" signed may have to be verified until {}; its rotation can be ended once "
                              "it is withdrawn, which comes by itself",
                              rotation.predecessor, format_utc(*rotation.due_at)));
    seen = fmt::format(" (\"{}\" is {})", rotation.successor, to_string(rotation.step));
  }
  return fail(Code::conflict,
              fmt::format("key \"{}\" has no rotation that people can make {} now{}", line, to_string(to), seen));
}

/// A line never goes over to a key that the token does not have, or does not sign with.
Result<> Rotations::check_signs(const RotationRecord& rotation, RotationStep to) const {
  if (to != activated) return {};
  const auto proven = keyring_.try_out(rotation.successor);
  if (proven) return {};
  const Code code = proven.error().code == Code::not_found ? Code::hsm_unavailable : proven.error().code;
  return fail(code, fmt::format("key \"{}\" takes nothing over from \"{}\", because it does not sign: {}",
                                rotation.successor, rotation.predecessor, proven.error().message));
}

Result<> Rotations::check_not_suspended(const RotationRecord& rotation) const {
  const auto old = keyring_.find_record(rotation.predecessor);
  if (rotation.step != published || !old || old->life != KeyLife::suspended) return {};
  return fail(Code::policy_denied,
              fmt::format("key \"{0}\" is suspended since {1}, and \"{2}\" would sign in its place; wanted hubseal key "
                          "rotation advance {0}, or hubseal key activate {0}",
                          old->label, format_utc(old->changed_at), rotation.successor));
}

// Whether people have stopped the line is looked at while nobody can change a key.
Result<RotationRecord> Rotations::go_on(const RotationRecord& rotation, std::chrono::hours delay) {
  const auto to = next(rotation.step);
  if (!to) return fail(Code::internal, fmt::format("the rotation to key \"{}\" is over", rotation.successor));
  return step(rotation, *to, delay, [&](Database&) { return check_not_suspended(rotation); });
}

Result<RotationRecord> Rotations::step(const RotationRecord& before, RotationStep to, std::chrono::hours delay,
                                       const Keyring::Also& also) {
  TRY(check_signs(before, to));
  const std::scoped_lock one_at_a_time(stepping_);
  const auto now = find(before.successor);
  if (!now || now->step != before.step)
    return fail(Code::conflict, fmt::format("the rotation to key \"{}\" is {} by now; wanted {}", before.successor,
                                            now ? to_string(now->step) : "over", to_string(before.step)));
  RotationRecord after = *now;
  enter(after, to);
  const auto& [key, change] = key_change(*now, to, delay);
  TRY(keyring_.change(key, change, [&](Database& database) -> Result<> {
    TRY(also(database));
    return rotation_table::update(database, after);
  }));
  keep(after);
  note_trouble(after, "");
  return after;
}

/// Those that `change` says it has changed.
Result<> Rotations::rewrite(const std::function<bool(RotationRecord&)>& change) {
  const std::scoped_lock one_at_a_time(stepping_);
  std::vector<RotationRecord> changed;
  for (RotationRecord& rotation : list())
    if (rotation.due_at && change(rotation)) changed.push_back(std::move(rotation));
  if (changed.empty()) return {};
  TRY(registry_.write([&](Database& database) -> Result<> {
    for (const RotationRecord& rotation : changed) TRY(rotation_table::update(database, rotation));
    return {};
  }));
  for (const RotationRecord& rotation : changed) keep(rotation);
  return {};
}

// A step that was made by a clock that was ahead puts the next one off by as much, which people cannot always hasten.
Result<> Rotations::count_waiting(std::chrono::seconds elapsed) {
  const TimePoint now = clock_.now();
  return rewrite([&](RotationRecord& rotation) {
    const TimePoint latest = now + stay(rotation).value_or(std::chrono::hours(0));
    if (rotation.wait.count() == 0 && *rotation.due_at <= latest) return false;
    rotation.wait -= std::min(rotation.wait, elapsed);
    rotation.due_at = std::min(*rotation.due_at, latest);
    return true;
  });
}

Result<> Rotations::wait_anew() {
  const TimePoint now = clock_.now();
  return rewrite([&](RotationRecord& rotation) {
    rotation.wait = stay(rotation).value_or(std::chrono::hours(0));
    rotation.due_at = std::max<TimePoint>(*rotation.due_at, now + rotation.wait);
    return true;
  });
}

std::vector<RotationRecord> Rotations::due(TimePoint now) const {
  std::vector<RotationRecord> due = list();
  std::erase_if(due, [&](const RotationRecord& rotation) {
    if (!rotation.due_at || now < *rotation.due_at || rotation.wait.count() > 0) return true;
    const auto successor = keyring_.find_record(rotation.successor);
    return !successor || (rotation.step == prepared && successor->backup == KeyBackup::required);
  });
  return due;
}

void Rotations::note_trouble(const RotationRecord& rotation, const std::string& reason) {
  auto troubles = troubles_.lock();
  const auto now = find(rotation.successor);
  if (reason.empty())
    troubles->erase(rotation.successor);
  else if (now && now->step == rotation.step)  // else somebody else was quicker
    troubles->insert_or_assign(rotation.successor, reason);
}

bool Rotations::in_trouble(const RotationRecord& rotation) const {
  return troubles_.lock()->contains(rotation.successor);
}

std::vector<Rotations::Trouble> Rotations::troubles() const {
  const auto reasons = *troubles_.lock();
  std::vector<Trouble> troubles;
  for (RotationRecord& rotation : list())
    if (const auto found = reasons.find(rotation.successor); found != reasons.end())
      troubles.push_back({std::move(rotation), found->second});
  return troubles;
}

}  // namespace hubseal::daemon
