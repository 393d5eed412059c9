#include "daemon/rotations.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace hubseal::daemon {
namespace {

using enum RotationStep;

/// The next key signs in the old one's place.
bool has_taken_over(const RotationRecord& rotation) {
  return rotation.step != prepared && rotation.step != published && rotation.step != cancelled;
}

/// Until then there is no other rotation of the line: three keys at a time would be hard to follow.
bool is_under_way(const RotationRecord& rotation) {
  return rotation.step == prepared || rotation.step == published || rotation.step == activated;
}

std::string first_of(const std::vector<RotationRecord>& rotations, std::string label) {
  const auto before = [&] {
    return std::find_if(rotations.begin(), rotations.end(), [&](const RotationRecord& rotation) {
      return rotation.successor == label && rotation.step != cancelled;
    });
  };
  for (auto found = before(); found != rotations.end(); found = before()) label = found->predecessor;
  return label;
}

std::string last_of(const std::vector<RotationRecord>& rotations, std::string label) {
  const auto after = [&] {
    return std::find_if(rotations.begin(), rotations.end(), [&](const RotationRecord& rotation) {
      return rotation.predecessor == label && has_taken_over(rotation);
    });
  };
  for (auto found = after(); found != rotations.end(); found = after()) label = found->successor;
  return label;
}

Result<> check_not_rotated(const std::vector<RotationRecord>& rotations, const std::string& line) {
  for (const RotationRecord& rotation : rotations)
    if (is_under_way(rotation) && first_of(rotations, rotation.predecessor) == line)
      return fail(
          Code::conflict,
          fmt::format("key \"{}\" is being rotated: \"{}\" is {} since {}. One rotation at a time, until the old "
                      "key is retired",
                      line, rotation.successor, to_string(rotation.step), format_utc(rotation.since)));
  return {};
}

/// Oldest first. Whoever follows a line follows it to its end, with the lock that all signing waits for.
Result<> check_no_ring(const std::vector<RotationRecord>& rotations) {
  std::set<std::string, std::less<>> seen;
  for (const RotationRecord& rotation : rotations) {
    seen.insert(rotation.predecessor);
    if (!seen.insert(rotation.successor).second)
      return fail(Code::internal, fmt::format("the registry has a rotation from key \"{}\" to \"{}\", which was there "
                                              "before it; no hubseald writes that",
                                              rotation.predecessor, rotation.successor));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Rotations>> Rotations::open(Registry& registry, Keyring& keyring, const Clock& clock) {
  std::unique_ptr<Rotations> rotations(new Rotations(registry, keyring, clock));
  auto known = TRY(registry.read(rotation_table::list));
  TRY(check_no_ring(known));
  *rotations->rotations_.lock() = std::move(known);
  return rotations;
}

std::string Rotations::line_of(std::string_view label) const {
  return first_of(*rotations_.lock(), std::string(label));
}

std::string Rotations::signer_of(std::string_view label) const {
  return last_of(*rotations_.lock(), std::string(label));
}

// A step may come between the two looks: the key that it has just retired is then not the one to ask.
Result<KeyRecord> Rotations::find_signing(std::string_view label) const {
  while (true) {
    const std::string signer = signer_of(label);
    auto key = keyring_.find(signer, KeyUse::jws);
    if (key || signer_of(label) == signer) return key;
  }
}

bool Rotations::is_shown(const KeyRecord& key) const {
  // What a compromised key signs is anybody's.
  if (key.use != KeyUse::jws || key.life == KeyLife::destroyed || key.compromised_at) return false;
  auto rotations = rotations_.lock();
  return std::none_of(rotations->begin(), rotations->end(), [&](const RotationRecord& rotation) {
    if (rotation.predecessor == key.label) return rotation.step == withdrawn || rotation.step == ended;
    if (rotation.successor != key.label) return false;
    return rotation.step == prepared || (rotation.step == cancelled && key.life == KeyLife::pre_activation);
  });
}

std::optional<RotationRecord> Rotations::find(std::string_view successor) const {
  auto rotations = rotations_.lock();
  const auto found = std::find_if(rotations->begin(), rotations->end(),
                                  [&](const RotationRecord& rotation) { return rotation.successor == successor; });
  if (found == rotations->end()) return std::nullopt;
  return *found;
}

void Rotations::keep(const RotationRecord& rotation) {
  auto rotations = rotations_.lock();
  for (RotationRecord& known : *rotations)
    if (known.successor == rotation.successor) known = rotation;
}

Result<> Rotations::check_may_activate(const KeyRecord& key) const {
  const auto rotation = find(key.label);
  if (!rotation || (rotation->step != prepared && rotation->step != published)) return {};
  return fail(Code::policy_denied,
              fmt::format("key \"{}\" takes over from \"{}\", and is {}: wanted hubseal key rotation advance {}",
                          key.label, rotation->predecessor, to_string(rotation->step), rotation->predecessor));
}

Result<> Rotations::check_may_destroy(const KeyRecord& key) const {
  if (key.compromised_at) return {};  // verifiers are not shown it, and nobody may wait for it
  for (const RotationRecord& rotation : list()) {
    if (rotation.successor == key.label && (rotation.step == prepared || rotation.step == published))
      return fail(Code::policy_denied,
                  fmt::format("key \"{}\" takes over from \"{}\": wanted hubseal key rotation cancel {}", key.label,
                              rotation.predecessor, rotation.predecessor));
    if (rotation.predecessor == key.label && (is_under_way(rotation) || rotation.step == retired))
      return fail(Code::policy_denied,
                  fmt::format("what key \"{}\" signed may still have to be verified: its rotation to \"{}\" is {}; "
                              "wanted withdrawn",
                              key.label, rotation.successor, to_string(rotation.step)));
  }
  return {};
}

Result<std::string> Rotations::known_line(std::string_view label) const {
  const auto key = keyring_.find_record(label);
  if (!key || key->use != KeyUse::jws)
    return fail(Code::forbidden, fmt::format("there is no jws key \"{}\" that this peer may change", label));
  return line_of(label);
}

Result<KeyRecord> Rotations::check_begin(std::string_view label) const {
  const std::string line = TRY(known_line(label));
  TRY(check_not_rotated(list(), line));
  auto key = keyring_.find_record(signer_of(line));
  if (!key) return fail(Code::internal, fmt::format("the line of key \"{}\" ends in one that is not there", line));
  if (key->life == KeyLife::pre_activation)
    return fail(Code::conflict,
                fmt::format("key \"{}\" has never signed: activate it, in place of rotating it", key->label));
  return *std::move(key);
}

Result<RotationRecord> Rotations::begin(const Start& start, const Make& make) {
  const TimePoint now = clock_.now();
  RotationRecord rotation{.predecessor = start.predecessor,
                          .successor = start.successor,
                          .started_at = now,
                          .since = now,
                          .plan = start.plan,
                          .due_at = {}};
  enter(rotation, start.plan.activate.count() > 0 && !start.backup_required ? published : prepared);
  {
    auto rotations = rotations_.lock();
    // Of a key that is there already nobody would know any more of which line it is, or its line would be a ring.
    if (keyring_.find_record(start.successor) ||
        std::any_of(rotations->begin(), rotations->end(),
                    [&](const RotationRecord& known) { return known.successor == start.successor; }))
      return fail(Code::conflict,
                  fmt::format("a key \"{}\" exists already, or is being made; wanted another label for the next key of "
                              "\"{}\"",
                              start.successor, start.predecessor));
    TRY(check_not_rotated(*rotations, first_of(*rotations, start.predecessor)));
    if (last_of(*rotations, start.predecessor) != start.predecessor)
      return fail(Code::conflict, fmt::format("another key took over from \"{}\" meanwhile", start.predecessor));
    rotations->push_back(rotation);
  }
  const auto made = make([&](Database& database) { return rotation_table::add(database, rotation); });
  if (made) return rotation;
  std::erase_if(*rotations_.lock(), [&](const RotationRecord& known) { return known.successor == start.successor; });
  return tl::unexpected(made.error());
}

}  // namespace hubseal::daemon
